import AgentWire
import Vocabulary

/// Asks the server for names that the book does not hold, without letting anybody on the host flood it (X56).
///
/// Questions for one name at one time are one question; "nobody" is remembered for a while; so many new names a minute and no more.
actor NameDirectory {
    private let accounts: AccountTable
    private let link: ServerLink
    private let time: TimeSource
    private var misses: [String: Instant] = [:]
    private var asking: [String: Task<Bool, Never>] = [:]
    private var asked: [Instant] = []

    /// How long "nobody" is remembered.
    static let missLife: Duration = .seconds(30)
    /// How many names are asked for in a minute.
    static let mostAMinute = 120
    /// How many names are asked for at one time.
    static let mostAtOnce = 16
    private static let mostMisses = 4096

    init(accounts: AccountTable, link: ServerLink, time: TimeSource) {
        self.accounts = accounts
        self.link = link
        self.time = time
    }

    /// The answer to a question about a name that the book does not hold.
    func answer(_ request: LocalRequest) async -> LocalReply {
        let typed: String
        switch request {
        case .account(let name), .group(let name), .memberships(let name): typed = name
        default: return .notFound
        }
        let name = AccountName.normalised(typed)
        guard AccountName.isAcceptable(name), !self.accounts.isLocal(name) else { return .notFound }
        let now = self.time.now
        if let miss = self.misses[name], now - miss < Self.missLife { return .notFound }
        if let task = self.asking[name] {
            return await task.value ? self.accounts.answer(request) ?? .notFound : .unavailable
        }
        self.asked.removeAll { now - $0 > .seconds(60) }
        guard self.asked.count < Self.mostAMinute, self.asking.count < Self.mostAtOnce else { return .unavailable }
        self.asked.append(now)
        let task = Task { await self.ask(name) }
        self.asking[name] = task
        let isAnswered = await task.value
        self.asking[name] = nil
        return isAnswered ? self.accounts.answer(request) ?? .notFound : .unavailable
    }

    private func ask(_ name: String) async -> Bool {
        do {
            let account = try await self.link.lookup(name)
            guard let account, self.accounts.note(account, mayEnter: self.mayEnter(account.objectId)) == nil else {
                self.remember(miss: name)
                return true
            }
            return true
        } catch {
            return false
        }
    }

    private func mayEnter(_ id: GUID) -> Bool {
        self.accounts.read { $0.people[id]?.mayEnter ?? false }
    }

    private func remember(miss name: String) {
        if self.misses.count >= Self.mostMisses { self.misses = [:] }
        self.misses[name] = self.time.now
    }
}
