import Crypto
import Vocabulary

/// Names that follow from other names, the same on every run.
enum StableName {
    /// 13 letters and digits.
    ///
    /// Azure does not say how it works its own out, so the letters differ from Azure's for the same arguments; nothing else does.
    static func short(_ parts: [String]) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
        let digest = Array(SHA256.hash(data: Self.bytes(parts)))
        var number = digest.prefix(9).reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        var out: [UInt8] = []
        for _ in 0..<13 {
            out.append(alphabet[Int(number & 31)])
            number >>= 5
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// A GUID of version 5 in the namespace of ARM templates, of the parts joined by hyphens. Source: RFC 9562 section 5.5.
    static func guid(_ parts: [String]) -> String {
        let namespace = GUID("11fb06fb-712d-4ddd-98c7-e71bbd588830") ?? .zero
        let digest = Insecure.SHA1.hash(data: namespace.bytes + Array(parts.joined(separator: "-").utf8))
        var bytes = Array(digest.prefix(16))
        bytes[6] = bytes[6] & 0x0f | 0x50
        bytes[8] = bytes[8] & 0x3f | 0x80
        let half = { (range: Range<Int>) in bytes[range].reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        return GUID(high: half(0..<8), low: half(8..<16)).description
    }

    // With lengths, so that ("a", "bc") and ("ab", "c") are two names.
    private static func bytes(_ parts: [String]) -> [UInt8] {
        parts.flatMap { Array("\($0.utf8.count):\($0)".utf8) }
    }
}

/// Base64 with `+` and `/` and padding. Source: RFC 4648 section 4.
enum Base64Text {
    static func encode(_ bytes: [UInt8]) -> String {
        let text = Base64URL.encode(bytes).map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        return String(text) + String(repeating: "=", count: (4 - text.count % 4) % 4)
    }

    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        guard text.utf8.count % 4 == 0 else { return nil }
        var digits = text.utf8.map {
            $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0
        }
        for _ in 0..<2 where digits.last == UInt8(ascii: "=") { digits.removeLast() }
        return Base64URL.decode(String(decoding: digits, as: UTF8.self))
    }
}

/// Percent-encoding and joining of addresses. Source: RFC 3986 sections 2.1 and 5.2.
enum URIText {
    static func encoded(_ text: String) -> String {
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.append(byte)
            default: out += "%\(Hex.encode([byte]).uppercased())".utf8
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    static func decoded(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "%") else {
                out.append(bytes[index])
                index += 1
                continue
            }
            guard index + 2 < bytes.count,
                let byte = Hex.decode(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self))
            else { return nil }
            out += byte
            index += 3
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// An address beside or below another one.
    static func combined(_ base: String, _ relative: String) -> String {
        if relative.contains("://") { return relative }
        let origin = base.split(separator: "/" as Character, maxSplits: 3, omittingEmptySubsequences: false)
        if relative.hasPrefix("/"), origin.count >= 3 { return origin.prefix(3).joined(separator: "/") + relative }
        guard origin.count == 4, let slash = base.lastIndex(of: "/") else { return base + "/" + relative }
        return String(base[...slash]) + relative
    }
}
