/// Base 64 with the plain alphabet and padding, as headers and PEM use it. Source: RFC 4648 section 4.
public enum Base64 {
    /// Encodes with padding.
    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        let units = Base64URL.encode(bytes).utf8.map { unit -> UInt8 in
            switch unit {
            case UInt8(ascii: "-"): UInt8(ascii: "+")
            case UInt8(ascii: "_"): UInt8(ascii: "/")
            default: unit
            }
        }
        let padding = [UInt8](repeating: UInt8(ascii: "="), count: (4 - units.count % 4) % 4)
        return String(decoding: units + padding, as: UTF8.self)
    }
}
