import FoundationEssentials
import Vocabulary

/// What an operator on the server's own machine may ask for, with the server running or not.
///
/// Goes as one line of JSON over a UNIX socket inside the data directory; being able to open that directory is the permission.
enum ControlCommand: Codable, Sendable {
    /// Carries out an apply file; `secrets` by `SecretSource.key`.
    case apply(text: String, secrets: [String: String], dryRun: Bool)
    /// Makes a single-use join token for a machine.
    case hostToken(machine: String, life: Int)
    /// The newest audit entries.
    case auditList(limit: Int)
    /// Checks the audit chain.
    case auditVerify
    /// Makes new keys: `tokens`, `ssh-user-ca` or `ssh-host-ca`.
    case rotate(String)
    /// Copies the store into a new file.
    case backUp(path: String)
}

/// The answer to one command.
struct ControlAnswer: Codable, Sendable {
    /// What to print on standard output, line by line.
    var lines: [String]
    /// What went wrong, for standard error; nil for success.
    var problem: String?
}
