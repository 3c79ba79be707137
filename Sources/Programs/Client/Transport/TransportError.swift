/// What can go wrong between a program of ours and its server.
public enum TransportError: Error, Hashable, Sendable {
    /// The text is not the address of a server.
    case badAddress(String)
    /// The file with certificate authorities cannot be used; the detail says why.
    case badAuthorities(String)
    /// The server's name has no address.
    case unknownHost(String)
    /// No connection; the detail says why.
    case unreachable(String)
    /// The server's certificate is not one we trust for this name, or TLS failed otherwise.
    case untrusted(String)
    /// No answer within the deadline.
    case tooLate
    /// The connection ended before the answer did.
    case closed
    /// The answer is larger than the caller allows.
    case tooLarge
    /// The server does not speak HTTP, or WebSocket, as it should; the detail says how.
    case malformed(String)
    /// The server answered the opening of a WebSocket with something else.
    case refused(status: Int, body: String)
}

extension TransportError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badAddress(let text): "\(text) is not the address of a server"
        case .badAuthorities(let detail): "the certificate authorities cannot be used: \(detail)"
        case .unknownHost(let host): "the name \(host) has no address"
        case .unreachable(let detail): "no connection: \(detail)"
        case .untrusted(let detail): "the server's certificate is not trusted: \(detail)"
        case .tooLate: "no answer in time"
        case .closed: "the server closed the connection"
        case .tooLarge: "the answer is too large"
        case .malformed(let detail): "the answer makes no sense: \(detail)"
        case .refused(let status, let body): "the server answered \(status): \(body.prefix(300))"
        }
    }
}
