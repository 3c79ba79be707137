import FoundationEssentials
import Vocabulary

/// A request to the instance metadata service.
struct MetadataRequest: Hashable, Sendable {
    var method: String
    /// The path without the query.
    var path: String
    /// The query's pairs in order, decoded.
    var query: [Pair]
    /// The `Metadata` header.
    var metadata: String?
    /// Whether the request came through a proxy.
    var isForwarded: Bool

    /// A name and a value of the query.
    struct Pair: Hashable, Sendable {
        var name: String
        var value: String
    }

    /// Reads a request line's target.
    init(method: String, target: String, metadata: String?, isForwarded: Bool) {
        let parts = target.split(separator: "?" as Character, maxSplits: 1, omittingEmptySubsequences: false)
        self.method = method
        self.path = String(parts[0])
        self.query = (parts.count > 1 ? parts[1] : "").split(separator: "&" as Character).map { pair in
            let sides = pair.split(separator: "=" as Character, maxSplits: 1, omittingEmptySubsequences: false)
            return Pair(name: Self.decoded(sides[0]).lowercased(), value: sides.count > 1 ? Self.decoded(sides[1]) : "")
        }
        self.metadata = metadata
        self.isForwarded = isForwarded
    }

    /// The value of a parameter.
    func value(_ name: String) -> String? {
        self.query.first { $0.name == name }?.value
    }

    private static func decoded(_ text: Substring) -> String {
        let spaced = String(text.map { $0 == "+" ? " " : $0 })
        var bytes: [UInt8] = []
        var units = Array(spaced.utf8)[...]
        while let unit = units.popFirst() {
            if unit == UInt8(ascii: "%"), units.count >= 2,
                let byte = Hex.decode(String(decoding: units.prefix(2), as: UTF8.self))
            {
                bytes += byte
                units = units.dropFirst(2)
            } else {
                bytes.append(unit)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// An answer of the instance metadata service.
struct MetadataAnswer: Hashable, Sendable {
    var status: Int
    var contentType: String
    var body: [UInt8]

    /// A JSON document.
    static func json(_ value: JSONValue, status: Int = 200) -> MetadataAnswer {
        MetadataAnswer(status: status, contentType: "application/json; charset=utf-8", body: value.bytes)
    }

    /// A plain text.
    static func text(_ text: String) -> MetadataAnswer {
        MetadataAnswer(status: 200, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }

    /// An error of the instance part: `{"error": sentence}`.
    static func failure(_ status: Int, _ sentence: String) -> MetadataAnswer {
        .json(["error": .string(sentence)], status: status)
    }

    /// An error of the identity part: `{"error", "error_description"}`.
    static func failure(_ status: Int, _ code: String, _ description: String) -> MetadataAnswer {
        .json(["error": .string(code), "error_description": .string(description)], status: status)
    }
}
