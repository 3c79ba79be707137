import Vocabulary

/// A range of IPv4 addresses, and the addresses in it.
struct IPv4Prefix: Hashable, Sendable, CustomStringConvertible {
    let first: UInt32
    let bits: Int

    /// Reads `10.0.0.0/24`; nil for anything else, and for a prefix with bits set behind its length.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = Self.number(parts[0]), parts[1].count <= 2, let bits = Int(parts[1]),
            (1...32).contains(bits), parts[1].allSatisfy(\.isNumber)
        else { return nil }
        guard address & ~Self.mask(bits) == 0 else { return nil }
        self.first = address
        self.bits = bits
    }

    /// Reads an address or a range of a rule, in which bits behind the length are allowed and mean nothing.
    init?(masking text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = parts.first.flatMap({ Self.number($0) }) else { return nil }
        guard let bits = parts.count == 2 ? Int(parts[1]) : 32, (1...32).contains(bits) else { return nil }
        self.first = address & Self.mask(bits)
        self.bits = bits
    }

    /// Whether an address lies in it.
    func contains(_ address: UInt32) -> Bool {
        address & Self.mask(self.bits) == self.first
    }

    /// The first address that a machine could have; Azure gives it to the gateway.
    var gateway: UInt32 { self.first + 1 }

    var description: String { "\(Self.text(self.first))/\(self.bits)" }

    /// Reads dotted decimals without leading zeros.
    static func number(_ text: some StringProtocol) -> UInt32? {
        IPv4Address(text)?.number
    }

    /// Dotted decimals.
    static func text(_ address: UInt32) -> String {
        IPv4Address(number: address).description
    }

    private static func mask(_ bits: Int) -> UInt32 {
        bits == 0 ? 0 : ~UInt32(0) << (32 - bits)
    }
}
