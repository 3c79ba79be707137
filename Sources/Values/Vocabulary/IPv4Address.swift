/// An IPv4 address as a number, so that ranges can be compared. Source: RFC 791, text form of RFC 6943 section 3.1.1 (strict).
public struct IPv4Address: Hashable, Comparable, Sendable {
    /// The address in host order: 10.0.0.1 is 0x0a000001.
    public let number: UInt32

    /// Makes an address from its number.
    public init(number: UInt32) {
        self.number = number
    }

    /// Reads four decimal numbers; leading zeros, signs and short forms are refused because programs disagree about them.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "." as Character, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard
                (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.utf8.count == 1 || part.utf8.first != 0x30, let byte = UInt8(part)
            else { return nil }
            number = number << 8 | UInt32(byte)
        }
        self.number = number
    }

    public static func < (left: IPv4Address, right: IPv4Address) -> Bool {
        left.number < right.number
    }
}

extension IPv4Address: CustomStringConvertible {
    public var description: String {
        [24, 16, 8, 0].map { String(self.number >> UInt32($0) & 255) }.joined(separator: ".")
    }
}

extension IPv4Address {
    /// The hardware address of an interface with this address: of the locally administered kind (IEEE 802), unique where this one is.
    public func hardwareAddress(between separator: String) -> String {
        let bytes: [UInt8] = [0x02, 0x5a] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: self.number >> $0) }
        return bytes.map { Hex.encode([$0]) }.joined(separator: separator)
    }
}
