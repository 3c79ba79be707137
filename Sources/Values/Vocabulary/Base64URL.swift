/// Base 64 with the URL-safe alphabet, as tokens use it. Source: RFC 4648 section 5, RFC 7515 appendix C.
public enum Base64URL {
    /// Encodes without padding.
    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> count & 63)])
            }
        }
        if count > 0 {
            text.append(alphabet[Int(bits << (6 - count) & 63)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Decodes with or without `=` padding at the end; nil for a foreign character, a dangling digit or stray bits.
    ///
    /// Padding is tolerated because a real client sends it (the SSH key's `n`).
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var units = Array(text.utf8)
        var padding = 0
        while units.last == UInt8(ascii: "="), padding < 2 {
            units.removeLast()
            padding += 1
        }
        guard padding == 0 || (units.count + padding) % 4 == 0, units.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(units.count * 3 / 4)
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for unit in units {
            guard let value = Self.value(of: unit) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        guard bits & (1 << count - 1) == 0 else { return nil }
        return bytes
    }

    private static func value(of unit: UInt8) -> UInt8? {
        switch unit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): unit - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): unit - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): unit - UInt8(ascii: "0") + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
