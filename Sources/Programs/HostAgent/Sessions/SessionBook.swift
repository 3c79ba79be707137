import AgentWire
import FoundationEssentials
import Vocabulary

/// The sessions that run, kept in a file so that an agent that is restarted still knows them.
struct SessionBook: Sendable {
    private(set) var sessions: [GUID: Session] = [:]

    /// Adds a session.
    mutating func open(_ session: Session) {
        self.sessions[session.id] = session
    }

    /// Marks a session's connection as over; its processes may still run.
    mutating func linger(_ id: GUID) {
        self.sessions[id]?.isLingering = true
    }

    /// Marks a session as one in which the person has been an administrator.
    mutating func promote(_ id: GUID) {
        self.sessions[id]?.wasAdministrator = true
    }

    /// Marks a session as one that was ended and of which processes are left.
    mutating func condemn(_ id: GUID) {
        self.sessions[id]?.isCondemned = true
        self.sessions[id]?.isLingering = true
    }

    /// Forgets a session.
    mutating func close(_ id: GUID) {
        self.sessions[id] = nil
    }

    /// The session of a connection's privileged process.
    func session(of pid: Int32, startTime: UInt64) -> Session? {
        self.sessions.values.first { $0.pid == pid && $0.startTime == startTime && !$0.isLingering }
    }

    /// The sessions that an order means.
    func sessions(meantBy order: EndOrder) -> [Session] {
        self.sessions.values.filter { $0.isMeant(by: order) }
    }

    /// The sessions whose certificates have expired.
    func expired(at now: Instant) -> [Session] {
        self.sessions.values.filter { session in session.validBefore.map { $0 <= now } ?? false }
    }

    /// Sessions with a connection, in the order they began.
    var connected: [Session] {
        self.sessions.values.filter { !$0.isLingering }.sorted { $0.openedAt < $1.openedAt }
    }

    /// The shape of the file.
    private struct Content: Codable {
        var boot: String
        var sessions: [Session]
    }

    /// Reads the file; sessions of an earlier boot are gone.
    init(file: [UInt8]?, boot: String) {
        guard let file, let content = try? JSONDecoder().decode(Content.self, from: Data(file)), content.boot == boot
        else { return }
        for session in content.sessions {
            self.sessions[session.id] = session
        }
    }

    /// The file.
    func file(boot: String) -> [UInt8] {
        let content = Content(boot: boot, sessions: self.sessions.values.sorted { $0.id < $1.id })
        return (try? JSONText.encode(content)).map(Array.init) ?? []
    }
}
