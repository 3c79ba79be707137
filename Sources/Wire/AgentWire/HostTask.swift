public import Vocabulary

/// Work that the server gives a host on behalf of somebody with the right to it; done as root, one piece after the other.
///
/// Source: Azure virtual machines REST, "Run Command"; the VMAccess extension for Linux.
public struct HostTask: Hashable, Sendable, Codable {
    /// What is to be done.
    public enum Work: String, Hashable, Sendable, Codable {
        /// Run `script`.
        case script
        /// Make `user` or change its password and key.
        case setUser
        /// Remove `user` with its home directory.
        case removeUser
        /// Put sshd's configuration back to what the distribution delivers.
        case resetSSH
    }

    /// Tells its result from those of others.
    public var id: GUID
    /// What is to be done.
    public var work: Work
    /// The text of a script.
    public var script: String?
    /// What a script is given, in order; those with a name also stand in its environment.
    public var parameters: [Parameter]?
    /// The name of a local account.
    public var user: String?
    /// A new password.
    public var password: String?
    /// A public key to let in, as an OpenSSH line.
    public var publicKey: String?
    /// How long it may take, in seconds.
    public var seconds: Int

    /// A word for a script.
    public struct Parameter: Hashable, Sendable, Codable {
        /// Its name.
        public var name: String
        /// What it is.
        public var value: String

        /// Makes a parameter.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Describes a piece of work.
    public init(id: GUID, work: Work, seconds: Int) {
        self.id = id
        self.work = work
        self.seconds = seconds
    }
}

extension HostTask: CustomStringConvertible, CustomReflectable {
    /// Says nothing of what it carries: scripts and passwords belong in no log.
    public var description: String { "\(self.work.rawValue) \(self.id)" }
    public var customMirror: Mirror { Mirror(self, children: [("task", self.description)]) }
}

/// How a piece of work came out.
public struct HostTaskResult: Hashable, Sendable, Codable {
    /// Which one.
    public var id: GUID
    /// Whether it was done; a script that ran was, whatever it returned.
    public var isDone: Bool
    /// What a script returned; 128 and more for one that was killed by a signal.
    public var exitCode: Int
    /// The end of what a script wrote to its standard output, or why the work was not done.
    public var output: String
    /// The end of what a script wrote to its error output.
    public var errors: String

    /// Most bytes of an output that are kept, counted from its end. Source: Azure Run Command, "Restrictions".
    public static let longestOutput = 4096

    /// Describes an outcome.
    public init(id: GUID, isDone: Bool, exitCode: Int = 0, output: String = "", errors: String = "") {
        self.id = id
        self.isDone = isDone
        self.exitCode = exitCode
        self.output = output
        self.errors = errors
    }
}
