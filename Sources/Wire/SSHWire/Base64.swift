/// Base 64 with the plain alphabet and padding, as OpenSSH's text lines use it. Source: RFC 4648 section 4.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xff, count: 256)
        for (value, unit) in Self.alphabet.enumerated() {
            values[Int(unit)] = UInt8(value)
        }
        return values
    }()

    /// Encodes with padding.
    static func encode(_ bytes: [UInt8]) -> String {
        let alphabet = Self.alphabet
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let left = bytes.count - index
            let word =
                UInt32(bytes[index]) << 16 | (left > 1 ? UInt32(bytes[index + 1]) << 8 : 0)
                | (left > 2 ? UInt32(bytes[index + 2]) : 0)
            text.append(alphabet[Int(word >> 18)])
            text.append(alphabet[Int(word >> 12 & 63)])
            text.append(left > 1 ? alphabet[Int(word >> 6 & 63)] : UInt8(ascii: "="))
            text.append(left > 2 ? alphabet[Int(word & 63)] : UInt8(ascii: "="))
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Decodes padded text; nil for a foreign character, missing padding or stray bits.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var units = Array(text)
        guard units.count % 4 == 0 else { return nil }
        var padding = 0
        while padding < 2, units.last == UInt8(ascii: "=") {
            units.removeLast()
            padding += 1
        }
        let values = Self.values
        var bytes: [UInt8] = []
        bytes.reserveCapacity(units.count / 4 * 3 + 2)
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for unit in units {
            let value = values[Int(unit)]
            guard value != 0xff else { return nil }
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
}
