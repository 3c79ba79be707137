public import Vocabulary

/// An `https` address taken apart.
public struct WebAddress: Sendable, Hashable {
    /// The host: a name or an address without brackets.
    public let host: String
    /// The port, 443 when none is written.
    public let port: Int
    /// Path and query, beginning with a slash.
    public let target: String

    /// Reads `https://host[:port][/path]` (or `wss://`); throws a `Problem` for anything else.
    public init(_ text: String) throws(Problem) {
        let schemes = ["https://", "wss://"]
        guard let scheme = schemes.first(where: { text.lowercased().hasPrefix($0) }) else {
            throw Self.problem(text)
        }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let target = rest.dropFirst(authority.count)
        guard !authority.isEmpty, !authority.contains("@"), target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw Self.problem(text)
        }
        self.target = target.hasPrefix("/") ? String(target) : "/" + target
        let port: Substring
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            self.host = String(authority[authority.index(after: authority.startIndex)..<end])
            port = authority[authority.index(after: end)...]
        } else {
            self.host = String(authority.prefix { $0 != ":" })
            port = authority.dropFirst(self.host.count)
        }
        if port.isEmpty {
            self.port = 443
        } else if port.hasPrefix(":"), let number = Int(port.dropFirst()), (1...65_535).contains(number) {
            self.port = number
        } else {
            throw Self.problem(text)
        }
    }

    /// What the `Host` header says.
    public var authority: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return self.port == 443 ? host : "\(host):\(self.port)"
    }

    private static func problem(_ text: String) -> Problem {
        Problem(
            "InvalidAddress",
            shown: "'\(PrintableText.of(text, limit: 200))' is not an https address like https://host:8443."
        )
    }
}
