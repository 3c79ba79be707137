import Vocabulary

/// The Azure CLI on this computer.
struct AzureProgram: Sendable {
    /// Where it is.
    let path: String
    /// What it is told besides the environment of this program.
    let environment: [String: String]

    /// Looks along `PATH`; nil when it is not installed.
    init?(searching environment: [String: String], adding more: [String: String]) {
        guard let path = ChildProcess.find("az", along: environment["PATH"]) else { return nil }
        self.path = path
        self.environment = environment.merging(more) { $1 }
    }

    /// Runs a command to its end. Throws when it cannot be started.
    func run(_ arguments: [String]) throws(Problem) -> ChildProcess.Outcome {
        try ChildProcess.capture(self.path, arguments, environment: self.environment)
    }
}
