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
        var host = rest
        var port = isSecure ? 443 : 80
        if let colon = rest.lastIndex(of: ":" as Character), !rest[colon...].contains("]" as Character) {
            guard let number = UInt16(rest[rest.index(after: colon)...]), number > 0 else { throw .badAddress(text) }
            port = Int(number)
            host = rest[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        let isHarmless = host.utf8.allSatisfy { unit in
            switch unit {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard !host.isEmpty, isHarmless else { throw .badAddress(text) }
        self.init(isSecure: isSecure, host: String(host), port: port)
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
