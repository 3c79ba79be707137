public import Vocabulary

/// Something to be done on a machine, as root, by its agent.
public enum MachineTask: Sendable {
    /// A shell script with its parameters, and the seconds that it may take when somebody said so.
    case script(String, parameters: [(name: String, value: String)], seconds: Int? = nil)
    /// Make a local account or change it.
    case setUser(String, password: Secret<String>?, publicKey: String?)
    /// Remove a local account with its home directory.
    case removeUser(String)
    /// Put sshd's configuration back to what the distribution delivers.
    case resetSSH
}

/// How that came out.
public struct MachineTaskResult: Sendable, Hashable {
    /// What a script returned; 0 for everything else.
    public let exitCode: Int
    /// The end of a script's standard output.
    public let output: String
    /// The end of a script's error output.
    public let errors: String

    /// Describes an outcome.
    public init(exitCode: Int, output: String, errors: String) {
        self.exitCode = exitCode
        self.output = output
        self.errors = errors
    }
}

extension Refusal {
    /// Nothing can be done on a machine whose agent is not there.
    static func notThere(_ machine: ResourcePath) -> Refusal {
        Refusal(
            "VMAgentStatusCommunicationError",
            reason: "The agent of '\(machine.name)' is not connected, so nothing can be done there.",
            remedy: "Start the machine, or see on it what 'sally-agent doctor' says."
        )
    }
}
