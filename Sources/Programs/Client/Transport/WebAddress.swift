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
    ///
    /// Hosts are letters, digits, dots, dashes and underscores, or an IPv6 address in brackets: nothing that could end a header line or
    /// lead to another host than the one that is shown.
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
        let host: ArraySlice<UInt8>
        let port: ArraySlice<UInt8>
        if authority.first == UInt8(ascii: "["), let end = authority.firstIndex(of: UInt8(ascii: "]")) {
            host = authority[1..<end]
            port = authority[(end + 1)...]
            guard host.contains(UInt8(ascii: ":")), host.allSatisfy(Self.isAddressUnit) else {
                throw Self.problem(text)
            }
        } else {
            host = authority.prefix { $0 != UInt8(ascii: ":") }
            port = authority[host.endIndex...]
            guard !host.isEmpty, host.allSatisfy(Self.isNameUnit) else { throw Self.problem(text) }
        }
        self.host = String(decoding: host, as: UTF8.self)
        if port.isEmpty {
            self.port = 443
        } else if port.first == UInt8(ascii: ":"), port.count <= 6,
            port.dropFirst().allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Int(String(decoding: port.dropFirst(), as: UTF8.self)), (1...65_535).contains(number)
        {
            self.port = number
        } else {
            throw Self.problem(text)
        }
    }

    private static func isNameUnit(_ unit: UInt8) -> Bool {
        let scalar = Character(Unicode.Scalar(unit))
        return unit < 0x80 && (scalar.isLetter || scalar.isNumber || "-._".contains(scalar))
    }

    private static func isAddressUnit(_ unit: UInt8) -> Bool {
        let scalar = Character(Unicode.Scalar(unit))
        return unit < 0x80 && (scalar.isHexDigit || ":.".contains(scalar))
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
