public import AccessControl
public import Audit
import Synchronization
public import Vocabulary

/// Admits people to targets, hands out the tokens that open sockets, watches the sockets and ends them.
///
/// Nothing here survives a restart: a tunnel dies with its server, and its client asks for a new one.
public final class Sessions: Sendable {
    /// The bounds, each stated to the operator.
    public struct Limits: Sendable {
        /// How long a `websocketToken` can be used.
        public var ticketLife: Duration = .seconds(60)
        /// How long a session without sockets is remembered.
        public var idleLife: Duration = .seconds(60)
        /// Sessions at once of one person.
        public var perSubject = 64
        /// Sockets of one session at once, and tokens for more of them that were not used yet.
        public var perSession = 1000
        /// Sessions at once in all.
        public var total = 10_000
        /// How long after a change of rights the tunnel is cut: the host, told at the same moment, first writes its message to the screen.
        public var grace: Duration = .milliseconds(700)

        /// How long a gateway token can be used.
        public var gatewayTokenLife: Duration = .seconds(300)
        /// How long a gateway token is remembered after that, to say of the next one who brings it what is wrong.
        public var gatewayMemory: Duration = .seconds(3600)
        /// How many gateway tokens that nobody was given are recorded one by one in a minute; strangers must not fill the audit log.
        public var strangersRecordedPerMinute = 600

        /// The defaults.
        public init() {}
    }

    let judge: ConnectionJudge
    private let accessControl: AccessControl
    let audit: AuditLog
    let clock: TimeSource
    let random: RandomSource
    let limits: Limits
    private let nodeID: String
    let table = Mutex(SessionTable())

    /// Makes an empty table.
    public init(
        judge: ConnectionJudge,
        accessControl: AccessControl,
        audit: AuditLog,
        clock: TimeSource,
        random: RandomSource,
        limits: Limits = Limits()
    ) {
        self.judge = judge
        self.accessControl = accessControl
        self.audit = audit
        self.clock = clock
        self.random = random
        self.limits = limits
        self.nodeID = random.token(bytes: 9)
    }

    /// Decides and, if allowed, makes or continues a session with a token for one more socket.
    ///
    /// - Parameter judged: The answer of the same judge, a moment ago, when whoever chose the bastion host has it.
    public func admit(
        _ request: AdmissionRequest,
        judged: Verdict<ConnectionJudge.Allowed>? = nil
    ) async throws -> Verdict<Admission> {
        switch judged ?? self.judge.judge(request.subject, request.bastion, request.target, request.port) {
        case .refused(let refusal):
            try await self.record("tunnel.admit", request, refusal: refusal)
            return .refused(refusal)
        case .allowed(let allowed):
            let verdict = self.table.withLock { self.enter(request, allowed, in: &$0) }
            switch verdict {
            case .allowed(let admission): try await self.record("tunnel.admit", request, session: admission.session)
            case .refused(let refusal): try await self.record("tunnel.admit", request, refusal: refusal)
            }
            return verdict
        }
    }

    func enter(
        _ request: AdmissionRequest,
        _ allowed: ConnectionJudge.Allowed,
        in table: inout SessionTable
    ) -> Verdict<Admission> {
        let now = self.clock.now
        table.sweep(at: now)
        var row: SessionTable.Row
        // A token that is unknown, or another person's, or for another target, is no error: it just continues nothing.
        if let token = request.continuing, let known = table.row(authToken: token),
            known.session.subject.id == request.subject.id, known.session.target == request.target,
            known.session.bastion == request.bastion, known.session.endpoint == allowed.endpoint
        {
            guard table.load(of: known.session.id) < self.limits.perSession else {
                return .refused(
                    Refusal(
                        "TooManyConnections",
                        reason: "Too many connections are open in this session.",
                        remedy: "Close some of them and try again."
                    )
                )
            }
            row = known
        } else {
            if let refusal = self.lackOfRoom(for: request.subject, in: table) { return .refused(refusal) }
            row = SessionTable.Row(
                session: self.session(request, allowed, by: .tunnel),
                authToken: self.random.token(),
                port: request.port,
                idleUntil: now
            )
        }
        row.idleUntil = now + self.limits.idleLife
        table.insert(row)
        let websocketToken = self.random.token()
        table.issue(websocketToken, for: row.session.id, until: now + self.limits.ticketLife)
        return .allowed(
            Admission(
                authToken: row.authToken,
                websocketToken: websocketToken,
                nodeID: self.nodeID,
                session: row.session.id
            )
        )
    }

    func lackOfRoom(for subject: Subject, in table: borrowing SessionTable) -> Refusal? {
        if table.count(of: subject.id) < self.limits.perSubject, table.rows.count < self.limits.total { return nil }
        return Refusal(
            "TooManySessions",
            reason: "Too many sessions are open.",
            remedy: "End one of them and try again."
        )
    }

    func session(_ request: AdmissionRequest, _ allowed: ConnectionJudge.Allowed, by way: Session.Way) -> Session {
        Session(
            id: GUID(from: self.random),
            subject: request.subject,
            bastion: request.bastion,
            target: request.target,
            endpoint: allowed.endpoint,
            source: request.source,
            admittedAt: self.clock.now,
            way: way
        )
    }

    /// An admission to nothing but a reason: the socket it opens says the refusal and closes.
    ///
    /// For clients that show nothing of a refused request, as the Azure command line does.
    public func admitToRefusal(_ refusal: Refusal, port: Int = 22) -> Admission {
        let token = self.random.token()
        let until = self.clock.now + self.limits.ticketLife
        self.table.withLock { $0.refuse(token, refusal, port: port, until: until) }
        return Admission(
            authToken: self.random.token(),
            websocketToken: token,
            nodeID: self.nodeID,
            session: GUID(from: self.random)
        )
    }

    /// The port that an admission to a refusal was asked for, as long as nobody has redeemed it.
    public func refusedPort(_ websocketToken: String) -> Int? { self.table.withLock { $0.refusedPort(websocketToken) } }

    /// Spends a `websocketToken`: decides once more, as things are now, and gives the permission to dial.
    ///
    /// An unknown, used or expired token is nil: nothing is said about which. A refusal at this point is recorded as `tunnel.open`.
    public func redeem(_ websocketToken: String) async throws -> Verdict<
        (session: Session, allowed: ConnectionJudge.Allowed)
    >? {
        let now = self.clock.now
        if let refusal = self.table.withLock({ $0.refusal(websocketToken, at: now) }) { return .refused(refusal) }
        let until = now + self.limits.idleLife
        guard let row = self.table.withLock({ $0.spend(websocketToken, at: now, idleUntil: until) }) else { return nil }
        switch try await self.judgeAgain(row) {
        case .refused(let refusal):
            try await self.audit.record(
                self.event("tunnel.open", row.session, outcome: .refused, reason: refusal.sentence)
            )
            return .refused(refusal)
        case .allowed(let allowed): return .allowed((row.session, allowed))
        }
    }

    // The connection as things are now: who it was admitted for may be gone, and have other groups.
    func judgeAgain(_ row: SessionTable.Row, isOpen: Bool = false) async throws -> Verdict<
        ConnectionJudge.Allowed
    > {
        let session = row.session
        guard let subject = try await self.judge.current(session.subject.id) else {
            return .refused(
                Refusal("AccountDisabled", reason: "The account \(session.subject.name) is disabled or gone.")
            )
        }
        let judge = isOpen ? self.judge.goesOn : self.judge.judge
        return judge(subject, session.bastion, session.target, row.port)
    }

    /// Makes the permission to dial out of a redeemed token.
    public func grant(_ redeemed: (session: Session, allowed: ConnectionJudge.Allowed)) -> Grant {
        self.accessControl.grant(
            redeemed.allowed.decision,
            endpoint: redeemed.allowed.endpoint,
            session: redeemed.session.id
        )
    }

    /// Notes a socket that carries the session, with the way to end it; nil when the session has ended meanwhile.
    public func attach(_ session: GUID, end: @escaping @Sendable (_ reason: String) -> Void) -> Int? {
        self.table.withLock { table in
            var number: Int?
            table.update(session) { row in
                number = row.nextSocket
                row.enders[row.nextSocket] = end
                row.nextSocket += 1
                row.session.sockets += 1
            }
            return number
        }
    }

    /// Notes that a socket is gone, with what it carried.
    public func detach(_ session: GUID, socket: Int, sent: UInt64, received: UInt64, reason: String) async throws {
        let now = self.clock.now
        let until = now + self.limits.idleLife
        let gone = self.table.withLock {
            $0.detach(session, socket: socket, sent: sent, received: received, idleUntil: until)
        }
        guard let gone else { return }
        try await self.audit.record(
            self.event(
                gone.way == .gateway ? "gateway.close" : "tunnel.close",
                gone,
                reason: reason,
                details: ["sent": "\(sent)", "received": "\(received)"]
            )
        )
    }

    /// Ends a session by the token its client holds; whether there was one.
    @discardableResult
    public func end(authToken: String) async throws -> Bool {
        guard
            let row = self.table.withLock({ table in
                table.row(authToken: authToken).flatMap { table.remove($0.session.id) }
            })
        else { return false }
        try await self.close(row, reason: "The client ended the session.")
        return true
    }

    /// Ends a session by its identifier; whether there was one.
    @discardableResult
    public func end(_ session: GUID, reason: String) async throws -> Bool {
        guard let row = self.table.withLock({ $0.remove(session) }) else { return false }
        try await self.close(row, reason: reason)
        return true
    }

    /// The sessions that exist now, newest first.
    public func all() -> [Session] {
        let now = self.clock.now
        return self.table.withLock { table in
            table.sweep(at: now)
            return table.rows.values.map(\.session)
        }
        .sorted { ($1.admittedAt, $1.id) < ($0.admittedAt, $0.id) }
    }

    /// Judges every live session again and ends those that are no longer allowed.
    ///
    /// One that cannot be judged, because the store fails, goes on; the others are still judged, and the failure is thrown at the end.
    public func review() async throws {
        var refused: [(session: GUID, refusal: Refusal)] = []
        var failure: (any Error)?
        for row in self.table.withLock({ Array($0.rows.values) }) {
            do {
                if case .refused(let refusal) = try await self.judgeAgain(row, isOpen: row.session.sockets > 0) {
                    refused.append((row.session.id, refusal))
                } else if let machine = row.session.signedInTo,
                    let refusal = try await self.judge.entry(row.session.subject.id, machine)
                {
                    // At once: nobody but the bastion tells the person.
                    try await self.end(row.session.id, reason: refusal.sentence)
                }
            } catch {
                failure = error
            }
        }
        if !refused.isEmpty {
            // A stop cuts the wait short; the sessions end all the same.
            try? await Task.sleep(for: self.limits.grace)
        }
        for (session, refusal) in refused {
            do {
                try await self.end(session, reason: refusal.sentence)
            } catch {
                // The sockets are closed before the record is written, so only the record is missing.
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Notes that a session has signed its person in to a machine, which need not be what was asked for: that may be an address.
    public func noteSignIn(_ session: GUID, to machine: ResourcePath) {
        self.table.withLock { $0.update(session) { $0.session.signedInTo = machine } }
    }

    /// Ends the sessions by which somebody was signed in to a machine; their sockets hear it before this returns.
    public func endSignedIn(_ person: GUID, on machine: ResourcePath, reason: String) {
        let rows = self.table.withLock { table in
            table.rows.values.filter { $0.session.signedInTo == machine && $0.session.subject.id == person }
                .compactMap { table.remove($0.session.id) }
        }
        for row in rows {
            let event = self.hangUp(row, reason: reason)
            // The sockets' own ends are recorded by whoever relays; this record may come after them.
            Task { [audit] in try? await audit.record(event) }
        }
    }

    /// Ends everything, for a graceful stop.
    public func endAll(reason: String) async throws {
        for session in self.all() {
            try await self.end(session.id, reason: reason)
        }
    }

    private func close(_ row: SessionTable.Row, reason: String) async throws {
        try await self.audit.record(self.hangUp(row, reason: reason))
    }

    // Ends the sockets at once; what is to be recorded about it.
    private func hangUp(_ row: SessionTable.Row, reason: String) -> AuditEvent {
        for end in row.enders.values {
            end(reason)
        }
        return self.event("session.end", row.session, reason: reason)
    }

    func event(
        _ action: String,
        _ session: Session,
        outcome: AuditEvent.Outcome = .success,
        reason: String,
        details: [String: String] = [:]
    ) -> AuditEvent {
        AuditEvent(
            at: self.clock.now,
            actor: session.subject.id,
            actorName: session.subject.name,
            action: action,
            target: session.target.description,
            outcome: outcome,
            reason: reason,
            source: session.source,
            details: details.merging(["session": session.id.description]) { $1 }
        )
    }

    func record(
        _ action: String,
        _ request: AdmissionRequest,
        refusal: Refusal? = nil,
        session: GUID? = nil,
        account: String? = nil
    ) async throws {
        var details = ["bastion": request.bastion.description, "port": "\(request.port)"]
        details["session"] = session?.description
        details["account"] = account
        try await self.audit.record(
            AuditEvent(
                at: self.clock.now,
                actor: request.subject.id,
                actorName: request.subject.name,
                action: action,
                target: request.target.description,
                outcome: refusal == nil ? .success : .refused,
                reason: refusal?.sentence ?? "",
                correlation: request.correlation,
                source: request.source,
                details: details
            )
        )
    }
}
