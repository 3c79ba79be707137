public import Vocabulary

/// An `https` address taken apart.
public struct WebAddress: Sendable, Hashable {
    /// The server; port 443 when none is written.
    public let server: ServerAddress
    /// Path and query, beginning with a slash.
    public let target: String

    /// Reads `https://host[:port][/path]` (or `wss://`); throws a `Problem` for anything else.
    public init(_ text: String) throws(Problem) {
        let schemes = ["https://", "wss://"]
        guard let scheme = schemes.first(where: { text.lowercased().hasPrefix($0) }) else {
            throw Self.problem(text)
        }
        let rest = Array(text.utf8.dropFirst(scheme.utf8.count))
        guard rest.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\") }) else {
            throw Self.problem(text)
        }
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        let target = String(decoding: rest[authority.endIndex...], as: UTF8.self)
        self.target = target.hasPrefix("/") ? target : "/" + target
        guard let server = ServerAddress(isSecure: true, authority: authority) else { throw Self.problem(text) }
        self.server = server
    }

    /// The host: a name or an address without brackets.
    public var host: String { self.server.host }
    /// The port.
    public var port: Int { self.server.port }
    /// What the `Host` header says.
    public var authority: String { self.server.authority }

    private static func problem(_ text: String) -> Problem {
        Problem(
            "InvalidAddress",
            shown: "'\(PrintableText.of(text, limit: 200))' is not an https address like https://host:8443."
        )
    }
}
