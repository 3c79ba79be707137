import CLinux
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What can go wrong while machines and networks are made.
enum FabricError: Error, Hashable, Sendable {
    /// The system refused a call.
    case system(call: String, of: String, number: Int32)
    /// A program ended badly; what it said.
    case program(String, said: String)
    /// The order makes no sense, or does not fit what is there.
    case order(code: String, String)
    /// A message that is too long, cut off or not understood.
    case message(String)
    /// The other side is not there.
    case away(String)
    /// It took too long.
    case late(String)
}

extension FabricError: CustomStringConvertible {
    var description: String {
        switch self {
        case .system(let call, let object, let number):
            "\(call) \(object): \(String(cString: strerror(number)))"
        case .program(let name, let said): "\(name): \(PrintableText.of(said, limit: 600))"
        case .order(_, let text), .message(let text), .away(let text), .late(let text): text
        }
    }

    /// The same for whoever gave the order. What the box itself said stays in the log.
    var problem: Problem {
        switch self {
        case .order(let code, let text): Problem(code, shown: text)
        case .late(let text): Problem("FabricTimeout", shown: text)
        case .away(let text):
            Problem("FabricUnavailable", shown: "The service that runs machines does not answer.", logged: text)
        case .system(_, _, let number) where number == ENOSPC || number == EDQUOT:
            Problem(
                "AllocationFailed",
                shown: "The disk of the box that runs machines is full.",
                logged: self.description
            )
        case .system, .program, .message:
            Problem(
                "FabricFailed",
                shown: "The box could not do it; the log of 'sallyport fabric' says why.",
                logged: self.description
            )
        }
    }

    /// The error that the last failed call left behind.
    static func last(_ call: String, of object: String) -> FabricError {
        .system(call: call, of: object, number: errno)
    }
}
