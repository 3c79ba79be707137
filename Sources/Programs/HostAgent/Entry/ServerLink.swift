import AgentWire
import Vocabulary

/// What the agent asks of the server, as functions, so that a test can answer for it.
struct ServerLink: Sendable {
    /// Who has this name? Nil when nobody of the tenant has.
    var lookup: @Sendable (_ name: String) async throws(HostAgentError) -> HostAccount?
    /// May this person enter?
    var decide: @Sendable (EntryQuestion) async throws(HostAgentError) -> EntryDecision
    /// Tells the server something; lost while there is no connection, which the status report at the next one makes good.
    var tell: @Sendable (AgentMessage) async -> Void
}
