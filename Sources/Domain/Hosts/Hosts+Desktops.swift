import AccessControl
import AgentWire
import Audit
import Identity
public import Vocabulary

/// What a machine's agent says about its desktop service.
public struct DesktopFacts: Sendable, Hashable {
    /// The machine's own host name: what clients have to call it.
    public let hostName: String
    /// The TCP port where it speaks RDP.
    public let port: Int
    /// The SHA-256 of its certificate; nil where it has none.
    public let certificate: [UInt8]?
    /// What it is, `xrdp` for example; text from outside.
    public let product: String
}

extension Hosts {
    /// A credential with which one person can sign in to one machine's desktop once, within a minute.
    public struct DesktopEntry: Sendable {
        /// The account's name on the machine.
        public let user: String
        /// The account's domain; may be empty.
        public let domain: String
        /// The password.
        public let password: Secret<String>
        /// Names the credential at the machine.
        public let request: GUID
    }

    /// Decides whether somebody may open a desktop on a machine now, exactly as for SSH, and gets a one-time credential from its agent.
    ///
    /// Every outcome is recorded as `desktop.prepare`. A refusal's sentence is for the person's screen. Throws `StorageError`.
    public func prepareDesktop(
        for objectID: GUID,
        on machine: ResourcePath,
        session: GUID
    ) async throws -> Verdict<DesktopEntry> {
        let verdict = try await self.desktopEntry(for: objectID, on: machine, session: session)
        var refusal: Refusal?
        if case .refused(let reason) = verdict { refusal = reason }
        var details = ["session": session.description]
        details["code"] = refusal?.code
        try await self.audit.record(
            AuditEvent(
                at: self.clock.now,
                actor: objectID,
                actorName: try await self.directory.account(objectID)?.subject.name ?? "",
                action: "desktop.prepare",
                target: machine.description,
                outcome: refusal == nil ? .success : .refused,
                reason: refusal?.reason ?? "",
                details: details
            )
        )
        return verdict
    }

    private func desktopEntry(
        for objectID: GUID,
        on machine: ResourcePath,
        session: GUID
    ) async throws -> Verdict<DesktopEntry> {
        let access: MachineAccess
        switch try await self.judge.judge(objectID, on: machine) {
        case .refused(let refusal): return .refused(refusal)
        case .allowed(let standing): access = standing
        }
        guard let principal = try await self.directory.principal(objectID),
            let account = self.judge.account(of: principal, isAdministrator: access.isAdministrator)
        else { return .refused(.accountUnknown) }
        // Whoever knows a temporary password is not yet sure to be the person it was made for.
        if case .user(let user) = principal, user.mustChangePassword { return .refused(.temporaryPassword) }
        guard let host = self.registry.host(for: machine), let live = self.live(host.id) else {
            return .refused(.agentAway(machine))
        }
        guard let facts = self.desktopFacts(of: machine) else { return .refused(.noDesktop(machine)) }
        // The credential goes to whoever answers on the port: without a certificate to know the machine by, that may be anybody.
        guard facts.certificate != nil else { return .refused(.desktopNotKnowable(machine)) }
        let order = DesktopOrder(request: GUID(from: .system), session: session, account: account)
        guard let answer = await self.ask(order, of: live) else { return .refused(.agentSilent(machine)) }
        guard let password = answer.password, answer.refusal == nil, !answer.user.isEmpty else {
            return .refused(answer.refusal.map(Self.printable) ?? .agentSilent(machine))
        }
        return .allowed(
            DesktopEntry(
                user: PrintableText.of(answer.user, limit: 256),
                domain: PrintableText.of(answer.domain, limit: 256),
                password: Secret(password.withValue { String(decoding: $0, as: UTF8.self) }),
                request: order.request
            )
        )
    }

    /// Says that the sign-in for which a credential was made is over, well or badly, so that a machine that keeps it can take it back at once.
    public func desktopSettled(_ entry: DesktopEntry, on machine: ResourcePath) {
        guard let host = self.registry.host(for: machine) else { return }
        self.send(.desktopSettled(request: entry.request), to: host.id)
    }

    /// What a machine's agent has reported about its desktop service, last or now; nil where it has none that people of the directory can use.
    public func desktopFacts(of machine: ResourcePath) -> DesktopFacts? {
        guard let host = self.registry.host(for: machine) else { return nil }
        let report = self.report(of: host)
        guard let desktop = report.desktop else { return nil }
        let certificate = Hex.decode(desktop.certificate)
        return DesktopFacts(
            hostName: report.hostname,
            port: desktop.port,
            certificate: certificate?.count == 32 ? certificate : nil,
            product: desktop.product
        )
    }

    /// The joined machines that call themselves by a name, up to its first dot and in any letter case, in the order of their paths.
    ///
    /// More than one is a duplicate: a client that asks for the name cannot mean both (S68).
    public func machines(reporting hostName: String) -> [ResourcePath] {
        self.registry.hosts(named: String(hostName.prefix { $0 != "." })).map(\.machine)
    }

    /// What a host says of itself now, or said last.
    private func report(of host: Host) -> HostReport {
        self.live(host.id)?.status.map { HostReport($0) } ?? host.report
    }

    // MARK: Asking the agent

    /// Asks an agent and waits, at most for the settings' `desktopDeadline`; nil when nothing came.
    private func ask(_ order: DesktopOrder, of live: LiveHost) async -> DesktopAnswer? {
        let answers = self.update(live.host.id, number: live.number) { $0.newDesktop(order.request) }
        guard let answers = answers.flatMap({ $0 }) else { return nil }
        defer { _ = self.update(live.host.id, number: live.number) { $0.stop(desktop: order.request) } }
        self.send(.prepareDesktop(order), to: live.host.id)
        let deadline = self.settings.desktopDeadline
        return await withTaskGroup(of: DesktopAnswer?.self) { group in
            group.addTask { await answers.first { _ in true } }
            group.addTask {
                try? await Task.sleep(for: deadline)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    /// Takes an agent's answer to whoever waits for it; one that nobody waits for any more is dropped.
    func answered(_ answer: DesktopAnswer, by host: GUID, number: Int) {
        _ = self.update(host, number: number) { $0.tell(answer) }
    }

    private static func printable(_ refusal: Refusal) -> Refusal {
        Refusal(
            PrintableText.of(refusal.code, limit: 64),
            reason: PrintableText.of(refusal.reason, limit: 512),
            remedy: PrintableText.of(refusal.remedy, limit: 512)
        )
    }
}
