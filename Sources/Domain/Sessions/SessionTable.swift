import AccessControl
import Vocabulary

/// The sessions that exist and the tokens that lead to them: a value, without clock, store or lock.
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
    }

    /// What stands behind a `websocketToken`.
    struct Ticket {
        let session: GUID
        let expiresAt: Instant
    }

    private(set) var rows: [GUID: Row] = [:]
    /// Ended sessions whose sockets are still closing: what they carried is to be recorded.
    private var ending: [GUID: Row] = [:]
    private var byAuthToken: [String: GUID] = [:]
    private var tickets: [String: Ticket] = [:]
    var gatewayTickets: [String: GatewayTicket] = [:]
    private var refusals: [String: (refusal: Refusal, port: Int, expiresAt: Instant)] = [:]

    /// The session behind a token.
    func row(authToken: String) -> Row? {
        self.byAuthToken[authToken].flatMap { self.rows[$0] }
    }

    mutating func insert(_ row: Row) {
        self.rows[row.session.id] = row
        self.byAuthToken[row.authToken] = row.session.id
    }

    mutating func update(_ id: GUID, _ change: (inout Row) -> Void) {
        guard var row = self.rows[id] else { return }
        change(&row)
        self.rows[id] = row
    }

    /// Takes a socket away; the session with the new sums, or nil when there is no such socket.
    mutating func detach(_ id: GUID, socket: Int, sent: UInt64, received: UInt64, idleUntil: Instant) -> Session? {
        guard var row = self.rows[id] ?? self.ending[id], row.enders.removeValue(forKey: socket) != nil else {
            return nil
        }
        row.session.sockets -= 1
        row.session.bytesSent &+= sent
        row.session.bytesReceived &+= received
        row.idleUntil = idleUntil
        if self.rows[id] != nil {
            self.rows[id] = row
        } else {
            self.ending[id] = row.enders.isEmpty ? nil : row
        }
        return row.session
    }

    /// How many sockets a session has and may still get.
    func load(of id: GUID) -> Int {
        (self.rows[id]?.session.sockets ?? 0) + self.tickets.values.count { $0.session == id }
    }

    @discardableResult
    mutating func remove(_ id: GUID) -> Row? {
        guard let row = self.rows.removeValue(forKey: id) else { return nil }
        if !row.enders.isEmpty { self.ending[id] = row }
        self.byAuthToken[row.authToken] = nil
        self.tickets = self.tickets.filter { $0.value.session != id }
        return row
    }

    mutating func issue(_ token: String, for session: GUID, until expiresAt: Instant) {
        self.tickets[token] = Ticket(session: session, expiresAt: expiresAt)
    }

    /// Takes a ticket away for good; nil when it never was, was used, or is too old. Its session lives on while the socket is made.
    mutating func spend(_ token: String, at now: Instant, idleUntil: Instant) -> Row? {
        guard let ticket = self.tickets.removeValue(forKey: token), ticket.expiresAt > now else { return nil }
        self.update(ticket.session) { $0.idleUntil = idleUntil }
        return self.rows[ticket.session]
    }

    /// Keeps a refusal for the socket that will ask for it; the oldest go when there are too many.
    mutating func refuse(_ token: String, _ refusal: Refusal, port: Int, until expiresAt: Instant) {
        while self.refusals.count >= 1000,
            let oldest = self.refusals.min(by: { $0.value.expiresAt < $1.value.expiresAt })
        {
            self.refusals[oldest.key] = nil
        }
        self.refusals[token] = (refusal, port, expiresAt)
    }

    /// The port that was asked for when a kept refusal was made.
    func refusedPort(_ token: String) -> Int? { self.refusals[token]?.port }

    /// Takes a kept refusal away.
    mutating func refusal(_ token: String, at now: Instant) -> Refusal? {
        guard let kept = self.refusals.removeValue(forKey: token), kept.expiresAt > now else { return nil }
        return kept.refusal
    }

    /// Forgets what nobody can use any more.
    mutating func sweep(at now: Instant) -> [Row] {
        self.refusals = self.refusals.filter { $0.value.expiresAt > now }
        self.tickets = self.tickets.filter { $0.value.expiresAt > now }
        self.gatewayTickets = self.gatewayTickets.filter { $0.value.forgetAt > now }
        let stale = self.rows.values.filter { $0.session.sockets == 0 && $0.idleUntil <= now }
        return stale.compactMap { self.remove($0.session.id) }
    }

    func count(of subject: GUID) -> Int {
        self.rows.values.count { $0.session.subject.id == subject }
    }
}
