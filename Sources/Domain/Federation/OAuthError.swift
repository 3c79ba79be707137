public import Vocabulary

/// Why the sign-in service said no, in the form that its clients know: an OAuth word, an AADSTS number and a sentence.
///
/// Source: RFC 6749 section 5.2 and the Microsoft Entra authentication error codes.
public struct OAuthError: Error, Sendable, Hashable {
    /// The OAuth word, for example `invalid_grant`.
    public let error: String
    /// The number after `AADSTS`.
    public let code: Int
    /// The sentence after the number; safe to show.
    public let description: String
    /// A hint for client libraries, for example `bad_token`.
    public let suberror: String?
    /// The HTTP status that goes with it: 400, 401 for a client that did not prove itself, 429 or 503.
    public let status: Int
    /// How many seconds to wait before asking again, when waiting helps.
    public let retryAfter: Int?
    /// Detail for the log, never shown.
    public let logged: String

    /// Makes an error.
    public init(
        _ error: String,
        _ code: Int,
        _ description: String,
        suberror: String? = nil,
        status: Int = 400,
        retryAfter: Int? = nil,
        logged: String = ""
    ) {
        self.error = error
        self.code = code
        self.description = description
        self.suberror = suberror
        self.status = status
        self.retryAfter = retryAfter
        self.logged = logged
    }

    /// `AADSTS50126: …`, without the trailing identifiers.
    public var sentence: String { "AADSTS\(self.code): \(self.description)" }

    /// The OAuth word in the spelling of an endpoint: policy failures read `interaction_required` on version 1.
    public func word(for version: EndpointVersion) -> String {
        let policyCodes: Set<Int> = [50072, 50074, 50076, 50078, 50079, 53000, 53001, 53002, 53003, 65001]
        return version == .v1 && policyCodes.contains(self.code) ? "interaction_required" : self.error
    }

    /// The JSON body of an error answer.
    public func document(
        version: EndpointVersion,
        at now: Instant,
        trace: GUID,
        correlation: String,
        origin: ServiceOrigin
    ) -> JSONValue {
        var body: JSONValue = [
            "error": .string(self.word(for: version)),
            "error_description": .string(
                "\(self.sentence) Trace ID: \(trace) Correlation ID: \(correlation) Timestamp: \(now.sentence)"
            ),
            "error_codes": [.integer(Int64(self.code))],
            "timestamp": .string(now.sentence),
            "trace_id": .string(trace.description),
            "correlation_id": .string(correlation),
            "error_uri": .string("\(origin.loginBase)/error?code=\(self.code)"),
        ]
        if let suberror = self.suberror { body["suberror"] = .string(suberror) }
        return body
    }
}
