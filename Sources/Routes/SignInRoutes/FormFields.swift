import Vocabulary

/// The fields of a form or query, each at most once. Source: WHATWG URL standard, application/x-www-form-urlencoded.
///
/// A repeated name is refused as a whole: two readers that pick different ones are how requests get smuggled.
struct FormFields: Sendable {
    static let mostFields = 64

    let values: [String: String]

    /// Reads an encoded text; nil for a repeated or too many names, a broken escape or text that is not UTF-8.
    init?(_ text: some StringProtocol) {
        var values: [String: String] = [:]
        for pair in text.utf8.split(separator: UInt8(ascii: "&")) {
            let pieces = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard
                let name = Self.decode(pieces[0]), !name.isEmpty,
                let value = pieces.count == 2 ? Self.decode(pieces[1]) : "",
                values.updateValue(value, forKey: name) == nil,
                values.count <= Self.mostFields
            else { return nil }
        }
        self.values = values
    }

    /// Decodes `+` and `%XX`; nil for a broken escape, a zero byte, or bytes that are not UTF-8.
    static func decode(_ text: some Collection<UInt8>) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text[...]
        while let unit = rest.popFirst() {
            switch unit {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard
                    rest.count >= 2,
                    let byte = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self))?.first,
                    byte != 0
                else { return nil }
                bytes.append(byte)
                rest = rest.dropFirst(2)
            default: bytes.append(unit)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
