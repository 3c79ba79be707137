import AgentWire
import Vocabulary

/// What `sally-agent status` shows.
struct AgentReport: Hashable, Sendable, Codable {
    var server: String
    var resourceId: String
    var isConnected: Bool
    var lastContact: Instant?
    var status: HostStatus
    var people: Int
}
