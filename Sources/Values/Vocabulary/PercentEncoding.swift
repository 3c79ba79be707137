/// Percent-encoding, for path segments, queries and forms alike. Source: RFC 3986 section 2.
public enum PercentEncoding {
    /// Encodes everything but letters, digits and `-._~`, with capital digits as section 2.1 asks.
    public static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for unit in text.utf8 {
            switch unit {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.append(unit)
            default:
                out += [UInt8(ascii: "%"), digits[Int(unit >> 4)], digits[Int(unit & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Decodes `%xx` once, and `+` when it stands for a space, as in forms.
    ///
    /// Nil for a broken escape, a zero byte, written out or not, or what is not UTF-8 in the end.
    public static func decode(_ units: some Sequence<UInt8>, plusIsSpace: Bool = false) -> String? {
        var out: [UInt8] = []
        out.reserveCapacity(units.underestimatedCount)
        var units = units.makeIterator()
        while var unit = units.next() {
            if unit == UInt8(ascii: "%") {
                guard
                    let high = units.next().flatMap(Hex.value(of:)),
                    let low = units.next().flatMap(Hex.value(of:))
                else { return nil }
                unit = high << 4 | low
            } else if plusIsSpace, unit == UInt8(ascii: "+") {
                unit = UInt8(ascii: " ")
            }
            guard unit != 0 else { return nil }
            out.append(unit)
        }
        return String(validating: out, as: UTF8.self)
    }

    /// Decodes a text: `decode(_:plusIsSpace:)` of its bytes.
    public static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        self.decode(text.utf8, plusIsSpace: plusIsSpace)
    }
}
