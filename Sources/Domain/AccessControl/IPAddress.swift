import Vocabulary

/// An Internet address as a number.
public enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    case v6(UInt128)

    /// Reads the text form: four decimal numbers without leading zeros, or RFC 4291 section 2.2 without a zone.
    ///
    /// The shorthand that old C libraries take (`127.1`, `0x7f000001`, `2130706433`, `0177.0.0.1`) is refused, because
    /// two readers of it may disagree about where it leads.
    public init?(_ text: some StringProtocol) {
        if let address = IPv4Address(text) {
            self = .v4(address.number)
        } else if let number = Self.readV6(text) {
            self = .v6(number)
        } else {
            return nil
        }
    }

    private static func readV6(_ text: some StringProtocol) -> UInt128? {
        guard text.utf8.count <= 45 else { return nil }
        let halves = Self.halves(of: String(text))
        guard halves.count <= 2, let front = Self.groups(halves[0], mayEndInV4: halves.count == 1) else { return nil }
        guard halves.count == 2 else { return front.count == 8 ? Self.number(front) : nil }
        // A `::` stands for at least one group.
        guard let back = Self.groups(halves[1], mayEndInV4: true), front.count + back.count <= 7 else { return nil }
        return Self.number(front + [UInt16](repeating: 0, count: 8 - front.count - back.count) + back)
    }

    /// The text cut at every `::`.
    private static func halves(of text: String) -> [Substring] {
        var halves: [Substring] = []
        var start = text.startIndex
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if text[index] == ":", next < text.endIndex, text[next] == ":" {
                halves.append(text[start..<index])
                start = text.index(after: next)
                index = start
            } else {
                index = next
            }
        }
        return halves + [text[start...]]
    }

    private static func groups(_ text: Substring, mayEndInV4: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        let parts = text.split(separator: ":" as Character, omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if mayEndInV4, index == parts.count - 1, let number = IPv4Address(part)?.number {
                groups += [UInt16(number >> 16), UInt16(truncatingIfNeeded: number)]
                continue
            }
            let isHex = part.utf8.allSatisfy { unit in
                switch unit {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                    UInt8(ascii: "A")...UInt8(ascii: "F"):
                    true
                default: false
                }
            }
            guard isHex, (1...4).contains(part.utf8.count), let group = UInt16(part, radix: 16) else { return nil }
            groups.append(group)
        }
        return groups
    }

    private static func number(_ groups: [UInt16]) -> UInt128 {
        groups.reduce(UInt128(0)) { $0 << 16 | UInt128($1) }
    }
}

/// Addresses that begin with the same bits.
public struct AddressRange: Hashable, Sendable {
    private let base: IPAddress
    private let bits: Int

    /// Reads `10.0.0.0/8`, `fd00::/8`, or a single address.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/" as Character, omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let base = IPAddress(parts[0]) else { return nil }
        let width = if case .v4 = base { 32 } else { 128 }
        let bits = parts.count == 2 ? Int(parts[1]) : width
        guard let bits, (0...width).contains(bits), parts.count == 1 || String(bits) == parts[1] else { return nil }
        self.base = base
        self.bits = bits
    }

    /// Whether the address lies in the range; addresses of the other family never do.
    public func contains(_ address: IPAddress) -> Bool {
        switch (self.base, address) {
        case (.v4(let base), .v4(let other)): (base ^ other) >> (32 - self.bits) == 0
        case (.v6(let base), .v6(let other)): (base ^ other) >> (128 - self.bits) == 0
        case (.v4, .v6), (.v6, .v4): false
        }
    }
}
