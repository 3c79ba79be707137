/// What can go wrong while the agent works on its host.
public enum HostAgentError: Error, Hashable, Sendable {
    /// A system call failed on a path.
    case system(call: String, path: String, code: Int32)
    /// A file is larger than anything that belongs there.
    case tooLarge(path: String)
    /// The agent's configuration cannot be used; the text says why.
    case configuration(String)
    /// A program of the host failed or is missing; the text is its own.
    case program(name: String, said: String)
    /// Something that the host must have is missing (exit code 52 of the extension).
    case missing(String)
    /// The server refused; code and sentence are its own.
    case server(code: String, message: String)
    /// There is no connection to the server.
    case notConnected
    /// An answer did not come in time.
    case tooLate
}

extension HostAgentError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .system(let call, let path, let code): "\(call) \(path): error \(code)"
        case .tooLarge(let path): "\(path) is too large"
        case .configuration(let text): text
        case .program(let name, let said): "\(name): \(said)"
        case .missing(let what): "\(what) is missing on this host"
        case .server(let code, let message): "\(message) (\(code))"
        case .notConnected: "there is no connection to the server"
        case .tooLate: "no answer in time"
        }
    }
}
