import AgentWire

/// Answers the modules: what the book knows at once, the rest by asking whoever decides.
struct LocalDesk: Sendable {
    let accounts: AccountTable
    let names: NameDirectory
    let doorkeeper: Doorkeeper
    /// The report for `sally-agent status`.
    let report: @Sendable () async -> String

    /// Who asks.
    struct Asker: Hashable, Sendable {
        var pid: Int32
        var uid: UInt32
    }

    /// The answer, when it can be given without waiting.
    func immediately(_ request: LocalRequest, from asker: Asker) -> LocalReply? {
        // Names are public; who is at the door, and what sessions there are, only root's programs may say and ask.
        if request.isForRootOnly { return asker.uid == 0 ? nil : .refused("Only root may ask this.") }
        return self.accounts.answer(request)
    }

    /// The answer, after waiting for it.
    func eventually(_ request: LocalRequest, from asker: Asker) async -> LocalReply {
        switch request {
        case .account, .accountByNumber, .group, .groupByNumber, .memberships:
            return await self.names.answer(request)
        case .mayEnter(let attempt): return await self.doorkeeper.mayEnter(attempt, connection: asker.pid)
        case .sessionOpened(let attempt): return await self.doorkeeper.sessionOpened(attempt, connection: asker.pid)
        case .sessionClosed: return await self.doorkeeper.sessionClosed(connection: asker.pid)
        case .signIn(let attempt): return await self.doorkeeper.signIn(attempt)
        case .status: return .report(await self.report())
        }
    }
}
