import AgentWire
import FoundationEssentials
import Vocabulary

/// The sessions that run, kept in a file so that an agent that is restarted still knows them.
struct SessionBook: Sendable {
    private(set) var sessions: [GUID: Session] = [:]
    /// The file's text about each session that has not changed since: a login waits while the file is written, however many others there are.
    private var texts: [GUID: Data] = [:]

    /// Adds a session.
    mutating func open(_ session: Session) {
        self.change(session.id) { $0 = session }
    }

    /// Marks a session's connection as over; its processes may still run.
    mutating func linger(_ id: GUID) {
        self.change(id) { $0?.isLingering = true }
    }

    /// Marks a session as one in which the person has been an administrator.
    mutating func promote(_ id: GUID) {
        self.change(id) { $0?.wasAdministrator = true }
    }

    /// Marks a session as one that was ended and of which processes are left.
    mutating func condemn(_ id: GUID) {
        self.change(id) {
            $0?.isCondemned = true
            $0?.isLingering = true
        }
    }

    /// Forgets a session.
    mutating func close(_ id: GUID) {
        self.change(id) { $0 = nil }
    }

    private mutating func change(_ id: GUID, _ body: (inout Session?) -> Void) {
        body(&self.sessions[id])
        self.texts[id] = nil
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
    mutating func file(boot: String) throws -> [UInt8] {
        var file = Array("{\"boot\":".utf8) + (try JSONText.encode(boot)) + Array(",\"sessions\":[".utf8)
        var isFirst = true
        for (id, session) in self.sessions {
            let text = try self.texts[id] ?? JSONText.encode(session)
            self.texts[id] = text
            if !isFirst { file.append(UInt8(ascii: ",")) }
            isFirst = false
            file += text
        }
        return file + Array("]}".utf8)
    }
}
