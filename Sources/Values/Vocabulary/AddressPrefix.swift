/// A range of IPv4 addresses in CIDR form. Source: RFC 4632 section 3.1.
public struct AddressPrefix: Hashable, Sendable {
    /// The first address.
    public let base: IPv4Address
    /// How many leading bits are fixed, 0 to 32.
    public let length: Int

    /// Reads `10.0.0.0/16`; bits set beyond the length are refused, as Azure does.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/" as Character, omittingEmptySubsequences: false)
        guard
            parts.count == 2, let base = IPv4Address(parts[0]), (1...2).contains(parts[1].utf8.count),
            parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(parts[1]), length <= 32,
            parts[1].utf8.count == 1 || parts[1].utf8.first != 0x30
        else { return nil }
        self.base = base
        self.length = length
        guard base.number & ~self.mask == 0 else { return nil }
    }

    /// Reads an address or a range as rules name them: bits beyond the length are allowed and mean nothing.
    public init?(masking text: some StringProtocol) {
        let parts = text.split(separator: "/" as Character, omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = IPv4Address(parts[0]),
            let length = parts.count == 2 ? Int(parts[1]) : 32, (0...32).contains(length)
        else { return nil }
        self.init(address, length: length)
    }

    /// The range of a length that an address lies in; the length must be one from 0 to 32.
    public init(_ address: IPv4Address, length: Int) {
        self.base = IPv4Address(number: length == 0 ? 0 : address.number & (UInt32.max << UInt32(32 - length)))
        self.length = length
    }

    private var mask: UInt32 {
        self.length == 0 ? 0 : UInt32.max << UInt32(32 - self.length)
    }

    /// Every address.
    public static let everything = AddressPrefix(IPv4Address(number: 0), length: 0)

    /// What both ranges hold: the smaller one if it lies in the other, else nothing.
    public func intersection(_ other: AddressPrefix) -> AddressPrefix? {
        if self.contains(other) { return other }
        return other.contains(self) ? self : nil
    }

    /// What is left without another range, in at most 32 parts.
    public func without(_ other: AddressPrefix) -> [AddressPrefix] {
        guard self.overlaps(other) else { return [self] }
        guard self.length < other.length else { return [] }
        let low = AddressPrefix(self.base, length: self.length + 1)
        let high = AddressPrefix(IPv4Address(number: low.last.number + 1), length: self.length + 1)
        return low.without(other) + high.without(other)
    }

    /// The last address.
    public var last: IPv4Address { IPv4Address(number: self.base.number | ~self.mask) }

    /// The first address behind the network's own; Azure gives it to the gateway of a subnet.
    public var gateway: IPv4Address { IPv4Address(number: self.base.number &+ 1) }

    /// Whether the address lies in the range.
    public func contains(_ address: IPv4Address) -> Bool {
        address.number & self.mask == self.base.number
    }

    /// Whether the other range lies wholly in this one.
    public func contains(_ other: AddressPrefix) -> Bool {
        other.length >= self.length && self.contains(other.base)
    }

    /// Whether the two ranges share an address.
    public func overlaps(_ other: AddressPrefix) -> Bool {
        self.contains(other.base) || other.contains(self.base)
    }

    /// The addresses that something in the range may have: not the first, which is the network's, nor the last, which is everybody's. Ranges of one
    /// or two addresses have no such ones. Source: RFC 3021.
    public var hosts: ClosedRange<UInt32> {
        guard self.length <= 30 else { return self.base.number...self.last.number }
        return self.base.number + 1...self.last.number - 1
    }

    /// The addresses that an interface may have: Azure keeps the first four and the last one of a subnet for itself.
    public var usable: ClosedRange<UInt32>? {
        guard self.length <= 29 else { return nil }
        return self.base.number + 4...self.last.number - 1
    }
}

extension AddressPrefix: CustomStringConvertible {
    public var description: String { "\(self.base)/\(self.length)" }
}
