// The snapshot first: the agent tells nobody of a change before the file says the same, and a login asks some thirty times. Then the agent, and the
// snapshot again, however large, when the agent is slow or away.

/// How long the agent may take before the snapshot is asked beside it, in milliseconds: it answers from memory in a tenth of one. `ls -l` in a
/// directory of many people's files asks many times, so that an agent that hangs must cost little each time.
private var promptness: Int { 100 }
/// How long it may take with a name that the snapshot does not hold, in seconds: the agent then asks the server.
private var patience: Int { 2 }

/// The largest snapshot, in bytes, that is read before the agent is asked: some hundreds of people. Reading a larger one takes longer than asking.
var smallSnapshot: Int { 64 << 10 }

/// The agent's answer, or what is kept when the agent is slow; nil when neither can be had.
@inline(__always)
func answer(
    _ question: (AgentConnection) -> Bool,
    receive: (AgentConnection) -> nss_status?,
    kept: () -> nss_status?
) -> nss_status? {
    guard let connection = AgentConnection(promptness: promptness, patience: patience) else { return nil }
    defer { connection.close() }
    guard question(connection) else { return nil }
    if !connection.hasAnswer(within: promptness), let status = kept() { return status }
    return receive(connection)
}
