/// Percent-encoding for query values. Source: RFC 3986 section 2.
public enum PercentEncoding {
    /// Encodes everything but unreserved characters.
    public static func encode(_ text: String) -> String {
        var out = ""
        for unit in text.utf8 {
            switch unit {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.unicodeScalars.append(Unicode.Scalar(unit))
            default:
                let digits = Array("0123456789ABCDEF")
                out += "%"
                out.append(digits[Int(unit >> 4)])
                out.append(digits[Int(unit & 15)])
            }
        }
        return out
    }
}
