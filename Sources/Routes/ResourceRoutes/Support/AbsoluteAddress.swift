import Vocabulary

/// Addresses that clients follow as they are.
enum AbsoluteAddress {
    /// Writes one; `origin` is scheme, host and port.
    static func write(_ origin: String, _ path: ResourcePath, _ query: [String: String]) -> String {
        let pairs = query.sorted { $0.key < $1.key }.map { "\(Self.escaped($0.key))=\(Self.escaped($0.value))" }
        let place = path.segments.map(Self.escaped).joined(separator: "/")
        return "\(origin)/\(place)" + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
    }

    // RFC 3986 section 2.3, and `$`, which clients look for in the names of options.
    private static func escaped(_ text: String) -> String {
        var out = ""
        for unit in text.utf8 {
            switch unit {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "$"):
                out.append(Character(UnicodeScalar(unit)))
            default:
                out += "%" + Hex.encode([unit]).uppercased()
            }
        }
        return out
    }
}
