import AgentWire
import FoundationEssentials
import Vocabulary

/// What the server told last, kept for the time when it cannot be asked.
struct Knowledge: Hashable, Sendable, Codable {
    /// How the host serves its people.
    var configuration: HostConfiguration?
    /// Everybody who may log in.
    var accounts: [HostAccount] = []
    /// Which home belongs to whom.
    var homes: [GUID: String] = [:]
    /// When the server was heard last.
    var lastContact: Instant?

    /// Reads the file; nothing known when there is none.
    static func load(_ layout: HostLayout) -> Knowledge {
        let file = (try? HostFile.read(layout.knowledgeFile, limit: 64 << 20)).flatMap { $0 }
        return file.flatMap { try? JSONDecoder().decode(Knowledge.self, from: Data($0)) } ?? Knowledge()
    }

    /// Writes the file.
    func save(_ layout: HostLayout) throws(HostAgentError) {
        try HostFile.makeDirectory(layout.stateDirectory, mode: 0o755)
        try HostFile.makeDirectory(layout.privateDirectory, mode: 0o700)
        guard let data = try? JSONText.encode(self) else { throw .configuration("what is known cannot be written") }
        try HostFile.replace(layout.knowledgeFile, with: Array(data), .root(0o600))
    }
}
