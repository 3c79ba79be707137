import Vocabulary

/// An address that codes may be sent to, strictly read: `https` anywhere, plain `http` only on this computer.
///
/// Source: RFC 8252 section 7.3 and the Microsoft identity platform's redirect URI restrictions.
public struct RedirectURI: Sendable, Hashable {
    /// As it was written.
    public let text: String
    /// Scheme, host and port: what a content security policy may name.
    public let origin: String
    /// The host, without its port.
    public let host: String
    let isLoopback: Bool
    /// Path and query; an empty path is `/`.
    let rest: String

    /// Reads an address; nil for another scheme, user information, a fragment, an unusual host, or a character that needs escaping.
    public init?(_ text: String) {
        guard text.utf8.count <= 2048, text.utf8.allSatisfy(Self.isAllowed) else { return nil }
        guard let scheme = ["https://", "http://"].first(where: { text.hasPrefix($0) }) else { return nil }
        let afterScheme = text.dropFirst(scheme.count)
        let authority = afterScheme.prefix { $0 != "/" && $0 != "?" }
        let rest = afterScheme.dropFirst(authority.count)
        let pieces = authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let host = String(pieces[0])
        guard !host.isEmpty, host.utf8.allSatisfy(Self.isHostCharacter) else { return nil }
        if pieces.count == 2 {
            guard pieces[1].count <= 5, let port = UInt16(pieces[1]), port > 0 else { return nil }
        }
        let isLoopback = host == "localhost" || host == "127.0.0.1"
        guard scheme == "https://" || isLoopback else { return nil }
        self.text = text
        self.origin = scheme + authority
        self.host = host
        self.isLoopback = isLoopback && scheme == "http://"
        self.rest = rest.hasPrefix("/") ? String(rest) : "/" + rest
    }

    /// Whether this is an address of an application that registered `registered`.
    ///
    /// Exact, but for the port on this computer, which a program picks anew each time.
    public func matches(_ registered: RedirectURI) -> Bool {
        if self.isLoopback, registered.isLoopback {
            return self.host == registered.host && self.rest == registered.rest
        }
        return self.origin == registered.origin && self.rest == registered.rest
    }

    /// The address with parameters added to its query or as its fragment.
    func adding(_ parameters: [(name: String, value: String)], asFragment: Bool) -> String {
        let encoded = FormFields.encode(parameters.map { ($0.name, $0.value) })
        let whole = self.origin + self.rest
        return whole + (asFragment ? "#" : whole.contains("?") ? "&" : "?") + encoded
    }

    // RFC 3986 section 2, without "#", and without those that a header or an attribute might take for its own.
    private static func isAllowed(_ unit: UInt8) -> Bool {
        switch unit {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~:/?[]@&*+=%".utf8.contains(unit)
        }
    }

    private static func isHostCharacter(_ unit: UInt8) -> Bool {
        switch unit {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: unit == UInt8(ascii: "-") || unit == UInt8(ascii: ".")
        }
    }
}
