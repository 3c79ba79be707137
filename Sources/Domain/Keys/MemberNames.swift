import Vocabulary

/// Looks for repeated member names in a JSON document, which parsers resolve each in their own way.
///
/// RFC 7515 section 4 demands distinct names in headers; two readers that pick different ones of two `alg` members are an attack.
public enum MemberNames {
    /// Whether no object in the document, at any depth, has the same name twice. The document must also pass a parser.
    ///
    /// A name written with escapes counts as repeated at once: `"\u0061lg"` is `"alg"`, and no honest issuer writes it.
    public static func areDistinct(in bytes: [UInt8]) -> Bool {
        var open: [Set<[UInt8]>?] = []
        var awaitsName = false
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "{"):
                open.append([])
                awaitsName = true
            case UInt8(ascii: "["):
                open.append(nil)
                awaitsName = false
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard !open.isEmpty else { return false }
                open.removeLast()
                awaitsName = false
            case UInt8(ascii: ","):
                awaitsName = open.last.map { $0 != nil } ?? false
            case UInt8(ascii: "\""):
                guard let end = Self.endOfString(in: bytes, from: index + 1) else { return false }
                let text = Array(bytes[(index + 1)..<end])
                index = end
                guard awaitsName else { break }
                awaitsName = false
                guard !text.contains(UInt8(ascii: "\\")), let last = open.indices.last else { return false }
                guard open[last]?.insert(text).inserted == true else { return false }
            default: break
            }
            // A deep document costs its reader stack.
            guard open.count <= 32 else { return false }
            index += 1
        }
        return open.isEmpty
    }

    private static func endOfString(in bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""): return index
            case UInt8(ascii: "\\"): index += 2
            default: index += 1
            }
        }
        return nil
    }
}
