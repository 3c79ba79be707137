import Vocabulary

/// Percent-decoding of addresses. Source: RFC 3986 section 2.1.
enum QueryText {
    /// Decodes `%xx` once; nil for a broken escape or bytes that are not UTF-8.
    static func decoded(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        var out: [UInt8] = []
        var units = text.utf8.makeIterator()
        while let unit = units.next() {
            switch unit {
            case UInt8(ascii: "%"):
                guard
                    let high = units.next().flatMap(Self.digit),
                    let low = units.next().flatMap(Self.digit)
                else { return nil }
                out.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace:
                out.append(UInt8(ascii: " "))
            default:
                out.append(unit)
            }
        }
        return String(validating: out, as: UTF8.self)
    }

    private static func digit(_ unit: UInt8) -> UInt8? {
        switch unit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): unit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): unit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): unit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The options of a query by lower-case name; nil when an escape is broken or a name stands there twice.
    static func options(_ query: String) -> [String: String]? {
        var options: [String: String] = [:]
        for pair in query.split(separator: "&" as Character) {
            let parts = pair.split(separator: "=" as Character, maxSplits: 1, omittingEmptySubsequences: false)
            guard
                let name = Self.decoded(parts[0], plusIsSpace: true)?.lowercased(),
                let value = Self.decoded(parts.count == 2 ? parts[1] : "", plusIsSpace: true),
                options.updateValue(value, forKey: name) == nil
            else { return nil }
        }
        return options
    }
}
