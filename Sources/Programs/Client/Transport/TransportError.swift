import NIOCore
import NIOHTTP1
import NIOSSL
public import Vocabulary

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
    /// The server's certificate is not one we trust for this name.
    case untrusted(String)
    /// The server speaks something else than TLS; the detail says how that showed.
    case notTLS(String)
    /// No answer within the deadline.
    case tooLate
    /// The connection ended before the first byte of an answer.
    case closed
    /// The connection ended in the middle of an answer.
    case cutShort
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
        case .notTLS(let detail): "the server does not speak TLS: \(detail)"
        case .tooLate: "no answer in time"
        case .closed: "the server closed the connection"
        case .cutShort: "the connection broke in the middle of the answer"
        case .tooLarge: "the answer is too large"
        case .malformed(let detail): "the answer makes no sense: \(detail)"
        case .refused(let status, let body): "the server answered \(status): \(body.prefix(300))"
        }
    }
}

extension TransportError {
    /// Puts what a channel reports into our words.
    static func from(_ error: any Error) -> TransportError {
        switch error {
        case let error as TransportError: return error
        case let error as HTTPParserError: return error == .invalidEOFState ? .cutShort : .malformed("\(error)")
        case ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed, ChannelError.eof: return .closed
        case ChannelError.connectTimeout: return .tooLate
        case NIOSSLError.uncleanShutdown: return .closed
        default: break
        }
        let text = "\(error)"
        // Of the library's many TLS errors, those that mean the server is not who it should be; the others mean a
        // broken connection.
        let aboutTrust = ["CERTIFICATE_VERIFY_FAILED", "noCertificateToValidate", "unableToValidateCertificate"]
        if error is NIOSSLExtraError || aboutTrust.contains(where: text.contains) { return .untrusted(text) }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") { return .notTLS(text) }
        return .unreachable(text)
    }

    /// The same for people at a terminal, with what to do about it.
    public func problem(at address: ServerAddress) -> Problem {
        let place = address.authority
        let (code, sentence) =
            switch self {
            case .badAuthorities, .untrusted:
                (
                    "Trust",
                    "The certificate of \(place) is not trusted. Name the server's CA file with SALLYPORT_CA or --ca."
                )
            case .notTLS: ("NotTLS", "\(place) does not speak TLS. Is the port right?")
            case .tooLate: ("Timeout", "\(place) did not answer in time.")
            case .tooLarge: ("AnswerTooLarge", "The server's answer is too large.")
            case .closed: ("Unreachable", "\(place) closed the connection without an answer.")
            case .cutShort: ("Unreachable", "The connection broke in the middle of the server's answer.")
            case .badAddress(let text): ("InvalidAddress", "'\(PrintableText.of(text, limit: 200))' is no address.")
            case .unknownHost, .unreachable, .malformed, .refused:
                ("Unreachable", "\(place) cannot be reached. Is the address right and the server running?")
            }
        return Problem(code, shown: sentence, logged: "\(self)")
    }
}
