/// The fields of a form or a query, each at most once. Source: WHATWG URL standard, application/x-www-form-urlencoded.
///
/// A repeated name is refused with the whole form: two readers that pick different ones are how requests get smuggled,
/// and no protocol that we speak repeats one (RFC 6749 section 3.1 forbids it).
public struct FormFields: Hashable, Sendable {
    /// Whether the letter case of names counts.
    public enum Names: Hashable, Sendable {
        /// `a` and `A` are two fields: OAuth.
        case asWritten
        /// `a` and `A` are the same field, read back as `a`: the resource manager, the directory and machine metadata.
        case lowercased
    }

    /// More fields than any client sends; beyond them a form is refused.
    public static let mostFields = 64

    /// The fields, decoded.
    public let values: [String: String]

    /// Reads an encoded form; a field without `=` is empty.
    ///
    /// Nil for a repeated or empty name, too many fields, a broken escape, a zero byte or what is not UTF-8.
    public init?(_ units: some Collection<UInt8>, names: Names = .asWritten) {
        var values: [String: String] = [:]
        for pair in units.split(separator: UInt8(ascii: "&")) {
            let pieces = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard
                let name = PercentEncoding.decode(pieces[0], plusIsSpace: true), !name.isEmpty,
                let value = pieces.count == 2 ? PercentEncoding.decode(pieces[1], plusIsSpace: true) : "",
                values.updateValue(value, forKey: names == .lowercased ? name.lowercased() : name) == nil,
                values.count <= Self.mostFields
            else { return nil }
        }
        self.values = values
    }

    /// Reads an encoded text: the form of its bytes.
    public init?(_ text: some StringProtocol, names: Names = .asWritten) {
        self.init(text.utf8, names: names)
    }

    /// The value of a field.
    public subscript(_ name: String) -> String? { self.values[name] }

    /// `name=value` pairs joined by `&`, in their order.
    public static func encode(_ pairs: [(String, String)]) -> String {
        pairs.map { PercentEncoding.encode($0) + "=" + PercentEncoding.encode($1) }.joined(separator: "&")
    }
}
