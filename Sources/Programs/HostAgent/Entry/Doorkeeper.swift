import AgentWire
import Logging
import SSHWire
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Decides who gets in, and knows who is in.
///
/// How the steps of a desktop's sign-in are tied together says `signIn`.
///
/// One connection of sshd asks two times: whether the person may enter (PAM account), and that the session begins (PAM session). The process number of
/// sshd's privileged process ties the two together; what was said in the first step must fit the second one (X23). The certificate comes to light in the
/// second only: sshd tells of it no sooner, and shuts the door on whoever gets no session.
actor Doorkeeper {
    /// What ties the steps of one sign-in together.
    enum Visit: Hashable, Sendable {
        /// sshd's privileged process.
        case connection(Int32)
        /// The name that the authentication step of a desktop was given.
        case desktop(GUID)
    }

    /// What is known of a visit before its session begins.
    struct Visitor: Sendable {
        var startTime: UInt64
        var objectId: GUID
        /// What a desktop's session is called by; a certificate has a name of its own.
        var keyID = ""
        var seenAt: Instant
        var isAllowed = false
    }

    /// A connection is in its way from certificate to session for at most sshd's LoginGraceTime.
    private static let longestVisit: Duration = .seconds(600)
    static let mostVisitors = 1024

    nonisolated let accounts: AccountTable
    let link: ServerLink
    private let policy: OfflinePolicy
    let processes: SessionProcesses
    private let homes: HomeDirectory
    let ending: SessionEnd
    private let layout: HostLayout
    let time: TimeSource
    let random: RandomSource
    /// One-time passwords of desktops.
    nonisolated let secrets: DesktopSecrets
    let log: Logger
    /// Which boot of the machine this is.
    private let boot: String
    var visitors: [Visit: Visitor] = [:]
    var sessions: SessionBook
    var endings: Set<GUID> = []

    init(
        accounts: AccountTable,
        link: ServerLink,
        policy: OfflinePolicy,
        processes: SessionProcesses,
        homes: HomeDirectory,
        ending: SessionEnd,
        layout: HostLayout,
        time: TimeSource = .system,
        random: RandomSource = .system,
        secrets: DesktopSecrets = DesktopSecrets(),
        log: Logger
    ) {
        self.accounts = accounts
        self.link = link
        self.policy = policy
        self.processes = processes
        self.homes = homes
        self.ending = ending
        self.layout = layout
        self.time = time
        self.random = random
        self.secrets = secrets
        self.log = log
        let file = (try? HostFile.read(layout.sessionsFile)).flatMap { $0 }
        self.boot = processes.table.boot()
        self.sessions = SessionBook(file: file, boot: self.boot)
    }

    // MARK: - The two questions

    /// Whether a person may enter; a refusal is a sentence for the person's screen.
    func mayEnter(_ attempt: EntryAttempt, connection pid: Int32) async -> LocalReply {
        guard let person = self.accounts.read({ $0.person(named: attempt.user) }) else {
            return self.accounts.isLocalNow(attempt.user) ? .notFound : .refused(Self.unknown(attempt.user))
        }
        let visit = Self.visit(attempt, pid)
        guard let visitor = self.visitor(at: visit, as: person), visitor.objectId == person.account.objectId else {
            return self.refusedWithoutCertificate(person)
        }
        self.visitors[visit]?.isAllowed = false
        let question = EntryQuestion(
            objectId: person.account.objectId,
            typedName: PrintableText.of(attempt.user),
            service: PrintableText.of(attempt.service, limit: 64),
            source: PrintableText.of(attempt.source, limit: 64)
        )
        do {
            let decision = try await self.link.decide(question)
            var account = decision.account ?? person.account
            account.administrator = decision.administrator && decision.allowed
            guard account.objectId == person.account.objectId else { return .refused(Self.unknown(attempt.user)) }
            // Somebody who comes under another's name may still have every right under the own one.
            let isOwnName = decision.refusal?.code != "NameMismatch"
            if isOwnName, self.accounts.note(account, mayEnter: decision.allowed) != nil {
                return .refused(
                    "Sallyport: the account of \(person.account.name) clashes with one of this machine's own."
                )
            }
            return self.carryOut(decision, for: person, visit, visitor)
        } catch {
            // Not noted in the book: what is decided without the server must not outlive the server's absence.
            let decision = self.policy.decide(person, at: self.time.now)
            self.log.notice(
                "decided without the server",
                metadata: ["user": "\(person.account.name)", "allowed": "\(decision.allowed)", "because": "\(error)"]
            )
            return self.carryOut(decision, for: person, visit, visitor)
        }
    }

    private func carryOut(
        _ decision: EntryDecision,
        for person: AccountBook.Person,
        _ visit: Visit,
        _ visitor: Visitor
    ) -> LocalReply {
        let name = person.account.name
        guard decision.allowed, let known = self.accounts.read({ $0.people[person.account.objectId] }) else {
            let refusal =
                decision.refusal ?? Refusal("NotAllowed", reason: "\(name) may not sign in to this machine.")
            self.log.notice("refused", metadata: ["user": "\(name)", "code": "\(refusal.code)"])
            let code = PrintableText.of(refusal.code, limit: 64)
            return .refused("Sallyport: \(PrintableText.of(refusal.sentence, limit: 900)) [\(code)]")
        }
        do {
            try self.homes.prepare(for: self.accounts.read { $0.account(of: known) })
        } catch {
            // A person without a home directory lands in `/`, which is better than not at all.
            self.log.error("no home directory", metadata: ["user": "\(name)", "because": "\(error)"])
        }
        self.forgetOldVisitors()
        guard self.visitors.count < Self.mostVisitors else { return .unavailable }
        self.visitors[visit] = visitor
        self.visitors[visit]?.isAllowed = true
        return .allowed
    }

    // Of a connection this is the first that is heard; of a desktop the authentication step has told.
    private func visitor(at visit: Visit, as person: AccountBook.Person) -> Visitor? {
        guard case .connection(let pid) = visit else { return self.visitor(visit) }
        return self.processes.table.facts(pid).map {
            Visitor(startTime: $0.startTime, objectId: person.account.objectId, seenAt: self.time.now)
        }
    }

    private func refusedWithoutCertificate(_ person: AccountBook.Person) -> LocalReply {
        self.log.warning("refused without certificate", metadata: ["user": "\(person.account.name)"])
        return .refused(
            "Sallyport: \(person.account.name) has to sign in with a certificate: use `sally ssh vm` or `az ssh vm`."
        )
    }

    /// Takes note of a session; without an allowed entry of the same connection and a certificate of the person's, or of the same visit, there is none.
    func sessionOpened(_ attempt: EntryAttempt, connection pid: Int32) async -> LocalReply {
        guard let person = self.accounts.read({ $0.person(named: attempt.user) }) else {
            return self.accounts.isLocalNow(attempt.user) ? .notFound : .refused(Self.unknown(attempt.user))
        }
        let visit = Self.visit(attempt, pid)
        guard let visitor = self.visitor(visit), visitor.isAllowed, visitor.objectId == person.account.objectId,
            let connection = self.processes.table.facts(pid)
        else {
            self.endConnection(pid)
            return .refused("Sallyport: this session was not allowed.")
        }
        var certificate: SSHCertificate?
        if case .connection = visit {
            certificate = CertificateCheck(layout: self.layout).certificate(
                in: attempt.authentication,
                of: person.account.objectId,
                at: self.time.now
            )
            guard certificate != nil else {
                self.endConnection(pid)
                return self.refusedWithoutCertificate(person)
            }
        }
        let session = Session(
            id: GUID(from: self.random),
            pid: pid,
            startTime: connection.startTime,
            auditSession: self.ownAuditSession(pid),
            user: person.account.name,
            objectId: person.account.objectId,
            uid: person.account.uid,
            serial: certificate?.contents.serial ?? 0,
            keyID: certificate.map { PrintableText.of($0.contents.keyID) } ?? visitor.keyID,
            validBefore: certificate.flatMap(Self.end),
            source: PrintableText.of(attempt.source, limit: 64),
            terminal: PrintableText.of(attempt.terminal, limit: 64),
            openedAt: self.time.now,
            wasAdministrator: self.accounts.read { $0.isAdministrator(person.account.objectId) }
        )
        self.visitors[visit] = nil
        self.ending.groups?.begin(session)
        self.sessions.open(session)
        self.save()
        self.log.info("session opened", metadata: ["user": "\(session.user)", "session": "\(session.id)"])
        await self.link.tell(.sessionOpened(session.report))
        return .opened(session: session.id.description)
    }

    // sshd gives whoever gets no session no shell and no forwarding, and keeps the connection. It ends when the reason has had time to be read.
    private func endConnection(_ pid: Int32) {
        guard let started = self.processes.table.facts(pid)?.startTime else { return }
        let (ending, table) = (self.ending, self.processes.table)
        Task {
            await ending.pause(.seconds(3))
            if table.facts(pid)?.startTime == started { ending.send(pid, SIGTERM) }
        }
    }

    // MARK: - Small things

    // A number that another session has too is nobody's own.
    private func ownAuditSession(_ pid: Int32) -> UInt32? {
        let own = self.processes.table.ownAuditSession(pid)
        return self.sessions.sessions.values.contains { $0.auditSession == own } ? nil : own
    }

    private func visitor(_ visit: Visit) -> Visitor? {
        guard let visitor = self.visitors[visit] else { return nil }
        if case .connection(let pid) = visit, self.processes.table.facts(pid)?.startTime != visitor.startTime {
            return nil
        }
        return visitor
    }

    private static func visit(_ attempt: EntryAttempt, _ pid: Int32) -> Visit {
        guard attempt.service == Self.desktopService else { return .connection(pid) }
        // Where the authentication step was not ours, the name is empty and nobody's.
        return .desktop(GUID(attempt.authentication) ?? .zero)
    }

    func forgetOldVisitors() {
        let earliest = self.time.now - Self.longestVisit
        self.visitors = self.visitors.filter { $0.value.seenAt > earliest }
    }

    func save() {
        do {
            try HostFile.makeDirectory(self.layout.privateDirectory, mode: 0o700)
            let file = try self.sessions.file(boot: self.boot)
            // Sessions end with the machine's power anyway.
            try HostFile.replace(self.layout.sessionsFile, with: file, .root(0o600), durable: false)
        } catch {
            self.log.error("sessions not saved", metadata: ["because": "\(error)"])
        }
    }

    private static func unknown(_ name: String) -> String {
        "Sallyport: nobody is known here as \(PrintableText.of(name))."
    }

    private static func end(of certificate: SSHCertificate) -> Instant? {
        let seconds = certificate.contents.validBefore.rawValue
        // "Forever" is all ones, far beyond what an instant holds.
        return seconds < 1 << 50 ? Instant(seconds: Int64(seconds)) : nil
    }
}
