import FoundationEssentials
import Vocabulary

/// A request to the instance metadata service.
struct MetadataRequest: Hashable, Sendable {
    var method: String
    /// The path without the query.
    var path: String
    /// The fields of the query and of a form in the body, by lower-case name; nil when they cannot be read or a name comes twice.
    var query: FormFields?
    /// The `Metadata` header.
    var metadata: String?
    /// The `Authorization` header.
    var authorization: String?
    /// Whether the request came through a proxy.
    var isForwarded: Bool

    /// Reads a request line's target, and the body of a form.
    init(
        method: String,
        target: String,
        metadata: String?,
        isForwarded: Bool,
        authorization: String? = nil,
        form: String = ""
    ) {
        let parts = target.split(separator: "?" as Character, maxSplits: 1, omittingEmptySubsequences: false)
        let fields = [parts.count > 1 ? String(parts[1]) : "", form].filter { !$0.isEmpty }
        self.method = method
        self.path = String(parts[0])
        self.query = FormFields(fields.joined(separator: "&"), names: .lowercased)
        self.metadata = metadata
        self.authorization = authorization
        self.isForwarded = isForwarded
    }

    /// The value of a parameter.
    func value(_ name: String) -> String? {
        self.query?[name]
    }
}

/// An answer of the instance metadata service.
struct MetadataAnswer: Hashable, Sendable {
    var status: Int
    var contentType: String
    var body: [UInt8]
    /// The `WWW-Authenticate` header, for an answer that wants a proof.
    var challenge: String?

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
