/// A 128-bit identifier in the spelling that Azure uses: 36 characters, lower case.
///
/// Names every immutable thing: tenants, subscriptions, users, groups, applications, role assignments, sessions. Source: RFC 9562.
public struct GUID: Hashable, Sendable {
    let high: UInt64
    let low: UInt64

    /// Makes an identifier from its two halves, most significant first.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes a random (version 4) identifier.
    public init(from random: RandomSource) {
        let bytes = random.bytes(16)
        var halves: [UInt64] = [0, 0]
        for (index, byte) in bytes.enumerated() {
            halves[index / 8] = halves[index / 8] << 8 | UInt64(byte)
        }
        self.high = halves[0] & 0xffff_ffff_ffff_0fff | 0x4000
        self.low = halves[1] & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
    }

    /// All zero: the identifier that Azure gives "everyone".
    public static let zero = GUID(high: 0, low: 0)

    /// The sixteen bytes, most significant first.
    public var bytes: [UInt8] {
        (0..<16).map { index in
            UInt8(truncatingIfNeeded: (index < 8 ? self.high : self.low) >> UInt64((7 - index % 8) * 8))
        }
    }
}

extension GUID: LosslessStringConvertible {
    /// Reads the 36-character form in any letter case; anything else is nil.
    public init?(_ text: some StringProtocol) {
        // Stores hold many of these: no copy of the text where it can be read in place.
        let read = text.utf8.withContiguousStorageIfAvailable { Self.read($0) }
        guard let (high, low) = read ?? Array(text.utf8).withUnsafeBufferPointer({ Self.read($0) }) else { return nil }
        self.init(high: high, low: low)
    }

    private static func read(_ units: UnsafeBufferPointer<UInt8>) -> (high: UInt64, low: UInt64)? {
        guard units.count == 36 else { return nil }
        var (high, low) = (UInt64(0), UInt64(0))
        for (index, unit) in units.enumerated() {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard unit == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let nibble = Hex.value(of: unit) else { return nil }
            // The third hyphen, at 18, is where the second half begins.
            if index < 18 {
                high = high << 4 | UInt64(nibble)
            } else {
                low = low << 4 | UInt64(nibble)
            }
        }
        return (high, low)
    }

    /// Reads the 36-character form in any letter case; anything else is nil.
    public init?(_ description: String) {
        self.init(description[...])
    }

    public var description: String {
        let text = Hex.encode(self.bytes)
        let cuts = [0, 8, 12, 16, 20, 32]
        let units = Array(text.utf8)
        return zip(cuts, cuts.dropFirst())
            .map { String(decoding: units[$0..<$1], as: UTF8.self) }
            .joined(separator: "-")
    }
}

extension GUID: Comparable {
    public static func < (left: GUID, right: GUID) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }
}

extension GUID: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = GUID(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a GUID")
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.description)
    }
}
