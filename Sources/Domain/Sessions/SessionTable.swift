import AccessControl
import Vocabulary

/// The sessions that exist and the tokens that lead to them: a value, without clock, store or lock.
///
/// Nothing here looks at all sessions or all tokens for the sake of one.
struct SessionTable {
    /// What stands behind an `authToken`.
    struct Row {
        var session: Session
        var authToken: String
        var port: Int
        /// When a session without sockets is forgotten.
        var idleUntil: Instant
        /// How to end each live socket, by its number.
        var enders: [Int: @Sendable (String) -> Void] = [:]
        var nextSocket = 0
        /// The tokens for more sockets that were not used yet.
        fileprivate(set) var tickets: Set<String> = []
        /// The gateway token that opened it, and what stood behind that, for a client that has to prove itself again.
        fileprivate(set) var opened: (token: String, ticket: GatewayTicket)?

        init(session: Session, authToken: String, port: Int, idleUntil: Instant) {
            self.session = session
            self.authToken = authToken
            self.port = port
            self.idleUntil = idleUntil
        }
    }

    /// How many refusals wait for their sockets at most.
    private static let mostRefusals = 1000
    /// How many dead gateway tokens are remembered at most.
    private static let mostDeadTickets = 20_000

    private(set) var rows: [GUID: Row] = [:]
    /// Ended sessions whose sockets are still closing: what they carried is to be recorded.
    private var ending: [GUID: Row] = [:]
    private var byAuthToken: [String: GUID] = [:]
    private var bySubject: [GUID: Int] = [:]
    /// The sessions without sockets.
    private var idle = ExpiringTable<GUID, Void>()
    private var tickets = ExpiringTable<String, GUID>()
    /// The gateway tokens that can be used; no more of them than there are sessions.
    private var gatewayTickets = ExpiringTable<String, GatewayTicket>()
    /// Those that were used or are too old, to say so; whoever makes many of them pushes out dead ones only.
    private var deadTickets = ExpiringTable<String, GatewayTicket>(most: Self.mostDeadTickets)
    /// The token that each session was opened with, as long as it is known to be used.
    private var openers = ExpiringTable<GUID, String>(most: Self.mostDeadTickets)
    /// What people gave for a sign-in that has not begun yet, by session.
    var credentials = ExpiringTable<GUID, DomainCredentials>()
    private var strangers = (minute: Int64(0), recorded: 0, left: 0)
    private var refusals = ExpiringTable<String, (refusal: Refusal, port: Int)>(most: Self.mostRefusals)

    // MARK: Sessions

    /// The session behind a token.
    func row(authToken: String) -> Row? {
        self.byAuthToken[authToken].flatMap { self.rows[$0] }
    }

    mutating func insert(_ row: Row) {
        self.byAuthToken[row.authToken] = row.session.id
        if self.rows[row.session.id] == nil { self.bySubject[row.session.subject.id, default: 0] += 1 }
        self.keep(row)
    }

    mutating func update(_ id: GUID, _ change: (inout Row) -> Void) {
        // Taken out while it is changed, so that its own tables are not copied.
        guard var row = self.rows.removeValue(forKey: id) else { return }
        change(&row)
        self.keep(row)
    }

    private mutating func keep(_ row: Row) {
        let id = row.session.id
        self.rows[id] = row
        if row.session.sockets == 0 {
            self.idle.set(id, (), until: row.idleUntil)
        } else {
            self.idle.remove(id)
        }
    }

    /// Takes a socket away; the session with the new sums, or nil when there is no such socket.
    ///
    /// A session of the gateway ends with its only socket, because its token is spent.
    mutating func detach(_ id: GUID, socket: Int, sent: UInt64, received: UInt64, idleUntil: Instant) -> Session? {
        guard var row = self.rows[id] ?? self.ending[id], row.enders.removeValue(forKey: socket) != nil else {
            return nil
        }
        row.session.sockets -= 1
        row.session.bytesSent &+= sent
        row.session.bytesReceived &+= received
        row.idleUntil = idleUntil
        if self.rows[id] != nil {
            self.keep(row)
            if row.session.way == .gateway { self.abandon(id) }
        } else {
            self.ending[id] = row.enders.isEmpty ? nil : row
        }
        return row.session
    }

    /// How many sockets a session has and may still get.
    func load(of id: GUID) -> Int {
        self.rows[id].map { $0.session.sockets + $0.tickets.count } ?? 0
    }

    @discardableResult
    mutating func remove(_ id: GUID) -> Row? {
        guard let row = self.rows.removeValue(forKey: id) else { return nil }
        if !row.enders.isEmpty { self.ending[id] = row }
        self.byAuthToken[row.authToken] = nil
        let left = self.bySubject[row.session.subject.id, default: 1] - 1
        self.bySubject[row.session.subject.id] = left > 0 ? left : nil
        self.idle.remove(id)
        self.credentials.remove(id)
        for ticket in row.tickets { self.tickets.remove(ticket) }
        return row
    }

    /// Removes a session that nothing leads to any more, unless a socket carries it.
    mutating func abandon(_ id: GUID) {
        if self.rows[id]?.session.sockets == 0 { self.remove(id) }
    }

    /// How many sessions somebody has.
    func count(of subject: GUID) -> Int { self.bySubject[subject] ?? 0 }

    // MARK: Tokens

    mutating func issue(_ token: String, for session: GUID, until expiresAt: Instant) {
        self.tickets.set(token, session, until: expiresAt)
        self.update(session) { $0.tickets.insert(token) }
    }

    /// Takes a ticket away for good; nil when it never was, was used, or is too old. Its session lives on while the socket is made.
    mutating func spend(_ token: String, at now: Instant, idleUntil: Instant) -> Row? {
        self.forgetTickets(at: now)
        guard let session = self.tickets.remove(token) else { return nil }
        self.update(session) {
            $0.tickets.remove(token)
            $0.idleUntil = idleUntil
        }
        return self.rows[session]
    }

    private mutating func forgetTickets(at now: Instant) {
        for (token, session) in self.tickets.removeExpired(at: now) {
            self.update(session) { $0.tickets.remove(token) }
        }
    }

    mutating func issueGateway(_ token: String, _ ticket: GatewayTicket) {
        self.gatewayTickets.set(token, ticket, until: ticket.expiresAt)
    }

    /// Uses a gateway token up; as it was before, with its session if that lives. Nil when it never was, or is forgotten.
    mutating func spendGateway(_ token: String, at now: Instant, idleUntil: Instant) -> (GatewayTicket, Row?)? {
        self.forgetGatewayTickets(at: now)
        if let dead = self.deadTickets[token] { return (dead, self.rows[dead.session.id]) }
        guard let ticket = self.gatewayTickets.remove(token) else { return nil }
        var dead = ticket
        dead.spentAt = now
        self.deadTickets.set(token, dead, until: ticket.forgetAt)
        self.openers.set(ticket.session.id, token, until: ticket.forgetAt)
        self.update(ticket.session.id) {
            $0.opened = (token, ticket)
            $0.idleUntil = idleUntil
        }
        return (ticket, self.rows[ticket.session.id])
    }

    /// Keeps the reason for which a used token opened nothing, for the client that brings it again.
    mutating func noteRefusal(_ session: GUID, _ refusal: Refusal) {
        guard let token = self.openers[session] else { return }
        self.deadTickets.update(token) { $0.refusal = refusal }
    }

    /// Counts a gateway token that nobody was given: how many were left unrecorded before this one; nil to leave this one, too.
    mutating func countStranger(at now: Instant, most: Int) -> Int? {
        if self.strangers.minute != now.seconds / 60 {
            self.strangers.minute = now.seconds / 60
            self.strangers.recorded = 0
        }
        guard self.strangers.recorded < most else {
            self.strangers.left += 1
            return nil
        }
        self.strangers.recorded += 1
        defer { self.strangers.left = 0 }
        return self.strangers.left
    }

    private mutating func forgetGatewayTickets(at now: Instant) {
        for (token, ticket) in self.gatewayTickets.removeExpired(at: now) {
            self.deadTickets.set(token, ticket, until: ticket.forgetAt)
        }
        _ = self.deadTickets.removeExpired(at: now)
        _ = self.openers.removeExpired(at: now)
    }

    // MARK: Refusals

    /// Keeps a refusal for the socket that will ask for it; the oldest go when there are too many.
    mutating func refuse(_ token: String, _ refusal: Refusal, port: Int, until expiresAt: Instant) {
        self.refusals.set(token, (refusal, port), until: expiresAt)
    }

    /// The port that was asked for when a kept refusal was made.
    func refusedPort(_ token: String) -> Int? { self.refusals[token]?.port }

    /// Takes a kept refusal away.
    mutating func refusal(_ token: String, at now: Instant) -> Refusal? {
        self.refusals.remove(token, at: now)?.refusal
    }

    /// Forgets what nobody can use any more.
    mutating func sweep(at now: Instant) {
        _ = self.refusals.removeExpired(at: now)
        _ = self.credentials.removeExpired(at: now)
        self.forgetGatewayTickets(at: now)
        self.forgetTickets(at: now)
        for (id, _) in self.idle.removeExpired(at: now) { self.remove(id) }
    }
}
