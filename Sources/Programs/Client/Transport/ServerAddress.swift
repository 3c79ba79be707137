/// Where a server is: scheme, host and port of its base URL.
public struct ServerAddress: Hashable, Sendable {
    /// Whether TLS is spoken.
    public let isSecure: Bool
    /// A name or an IP address, without brackets.
    public let host: String
    /// The TCP port.
    public let port: Int

    /// Makes an address.
    public init(isSecure: Bool, host: String, port: Int) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
    }

    /// Reads `https://host[:port]` or `http://host[:port]`, with at most a slash behind.
    public init(_ text: String) throws(TransportError) {
        let isSecure: Bool
        var rest: Substring
        switch text.lowercased() {
        case let lower where lower.hasPrefix("https://"):
            isSecure = true
            rest = text.dropFirst(8)
        case let lower where lower.hasPrefix("http://"):
            isSecure = false
            rest = text.dropFirst(7)
        default: throw .badAddress(text)
        }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard let address = ServerAddress(isSecure: isSecure, authority: Array(rest.utf8)[...]) else {
            throw .badAddress(text)
        }
        self = address
    }

    /// Reads `host[:port]`; nil for anything else.
    ///
    /// Hosts are letters, digits, dots, dashes and underscores, or an IPv6 address in brackets: nothing that could end a header line or
    /// lead to another host than the one that is shown.
    init?(isSecure: Bool, authority: ArraySlice<UInt8>) {
        let host: ArraySlice<UInt8>
        let port: ArraySlice<UInt8>
        if authority.first == UInt8(ascii: "["), let end = authority.firstIndex(of: UInt8(ascii: "]")) {
            host = authority[authority.startIndex..<end].dropFirst()
            port = authority[(end + 1)...]
            guard host.contains(UInt8(ascii: ":")), host.allSatisfy(Self.isAddressUnit) else { return nil }
        } else {
            host = authority.prefix { $0 != UInt8(ascii: ":") }
            port = authority[host.endIndex...]
            guard !host.isEmpty, host.allSatisfy(Self.isNameUnit) else { return nil }
        }
        var number = isSecure ? 443 : 80
        if !port.isEmpty {
            guard
                port.first == UInt8(ascii: ":"), port.count <= 6, port.dropFirst().allSatisfy(Self.isDigit),
                let written = Int(String(decoding: port.dropFirst(), as: UTF8.self)), (1...65_535).contains(written)
            else { return nil }
            number = written
        }
        self.init(isSecure: isSecure, host: String(decoding: host, as: UTF8.self), port: number)
    }

    private static func isDigit(_ unit: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(unit)
    }

    private static func isNameUnit(_ unit: UInt8) -> Bool {
        let scalar = Character(Unicode.Scalar(unit))
        return unit < 0x80 && (scalar.isLetter || scalar.isNumber || "-._".contains(scalar))
    }

    private static func isAddressUnit(_ unit: UInt8) -> Bool {
        let scalar = Character(Unicode.Scalar(unit))
        return unit < 0x80 && (scalar.isHexDigit || ":.".contains(scalar))
    }

    /// The value of the `Host` header: without the scheme's usual port.
    public var authority: String {
        let name = self.host.contains(":" as Character) ? "[\(self.host)]" : self.host
        return self.port == (self.isSecure ? 443 : 80) ? name : "\(name):\(self.port)"
    }
}

extension ServerAddress: CustomStringConvertible {
    public var description: String { "\(self.isSecure ? "https" : "http")://\(self.authority)" }
}
