import Hummingbird
import HTTPTypes
import Vocabulary

/// A request to the directory, read once and strictly. Source: Microsoft Graph, "Use query parameters".
struct GraphRequest: Sendable {
    /// Largest body: a thousand identifiers are 40 KB.
    private static let largestBody = 256 * 1024

    let method: HTTPRequest.Method
    /// What follows `/v1.0/`, decoded; `users('x')` reads as `users`, `x`, and `servicePrincipals(appId='x')` as `…`,
    /// `appId=x`.
    let segments: [String]
    let authorization: String?
    /// The document in the body; nil for an empty one, and until `readBody`.
    private(set) var body: JSONValue?
    /// Only members of this name are wanted; nil for the usual ones.
    let select: Set<String>?
    /// `$filter`.
    let filter: String?
    /// `$top`, 1 to 999.
    let limit: Int
    /// `$skiptoken`.
    let after: String?
    private let options: [String: String]

    /// Throws Request_BadRequest for what cannot be read, and Request_UnsupportedQuery for options that are not known:
    /// ignoring one would show more than was asked for.
    init(reading request: Request) throws(Problem) {
        guard
            let segments = Self.segments(of: request.uri.path),
            let options = FormFields(request.uri.query ?? "", names: .lowercased)?.values,
            request.headers[values: .authorization].count <= 1
        else { throw .badRequest("The request's address or headers cannot be read.") }
        for name in options.keys where name.hasPrefix("$") && !Self.known.contains(name) {
            throw .unsupported("The query option '\(PrintableText.of(name, limit: 64))' is not supported.")
        }
        self.method = request.method
        self.segments = segments
        self.authorization = request.headers[.authorization]
        self.options = options
        self.filter = options["$filter"]
        self.after = options["$skiptoken"]
        self.limit = try Self.limit(options["$top"])
        self.select = options["$select"].map { text in
            Set(text.split(separator: "," as Character).map { $0.filter { $0 != " " }.lowercased() })
        }
        if let order = options["$orderby"], !["displayname", "displayname asc"].contains(order.lowercased()) {
            throw .unsupported("Lists are ordered by displayName.")
        }
    }

    /// Whether it adds an object to a list.
    var creates: Bool { self.method == .post && self.segments.count == 1 }

    /// Reads the body, which waits until it is known who sends it. Throws Request_BadRequest for what is no document.
    mutating func readBody(of request: Request) async throws(Problem) {
        self.body = try await Self.document(of: request)
    }

    private static let known: Set<String> = ["$filter", "$top", "$select", "$skiptoken", "$orderby", "$count"]

    /// The options that a link to the next page repeats.
    func link(_ base: String, after next: String) -> String {
        var parts = ["$skiptoken=" + PercentEncoding.encode(next)]
        for name in ["$filter", "$top", "$select"] {
            if let value = self.options[name] { parts.append(name + "=" + PercentEncoding.encode(value)) }
        }
        return "\(base)/v1.0/\(self.segments.map(PercentEncoding.encode).joined(separator: "/"))?"
            + parts.joined(separator: "&")
    }

    private static func limit(_ text: String?) throws(Problem) -> Int {
        guard let text else { return 100 }
        guard let number = Int(text), (1...999).contains(number) else {
            throw .badRequest(
                "Invalid page size specified: '\(PrintableText.of(text, limit: 32))'. Must be between 1 and 999 inclusive."
            )
        }
        return number
    }

    private static func segments(of path: String) -> [String]? {
        var segments: [String] = []
        for piece in path.split(separator: "/" as Character).dropFirst() {
            guard
                let decoded = PercentEncoding.decode(piece), !decoded.contains("/"), decoded.utf8.count <= 1024
            else { return nil }
            guard decoded.hasSuffix("')"), let open = decoded.firstIndex(of: "(") else {
                segments.append(decoded)
                continue
            }
            segments.append(String(decoded[..<open]))
            // `'x'` or `key='x'`; a quote inside is written twice.
            let key = decoded[decoded.index(after: open)...].dropLast(2)
            guard let quote = key.firstIndex(of: "'") else { return nil }
            let value = key[key.index(after: quote)...].replacing("''", with: "'")
            segments.append("\(key[..<quote])\(value)")
        }
        return segments
    }

    private static func document(of request: Request) async throws(Problem) -> JSONValue? {
        do {
            let buffer = try await request.body.collect(upTo: Self.largestBody)
            return buffer.readableBytes == 0 ? nil : try JSONValue(parsing: buffer.readableBytesView)
        } catch {
            throw Problem(
                "Request_BadRequest",
                shown: "The request's body is too large or is no JSON document.",
                logged: "\(error)"
            )
        }
    }
}

extension Problem {
    static func badRequest(_ sentence: String) -> Problem { Problem("Request_BadRequest", shown: sentence) }

    static func unsupported(_ sentence: String) -> Problem { Problem("Request_UnsupportedQuery", shown: sentence) }

    static func unknownSegment(_ request: GraphRequest) -> Problem {
        .badRequest(
            "Resource not found for the segment '\(PrintableText.of(request.segments.joined(separator: "/"), limit: 128))'."
        )
    }

    static func unknownObject(_ name: String) -> Problem {
        Problem(
            "Request_ResourceNotFound",
            shown:
                "Resource '\(PrintableText.of(name))' does not exist or one of its queried reference-property objects are "
                + "not present."
        )
    }
}

extension HTTPField.Name {
    // Valid tokens, so the fallbacks are never taken.
    static let clientRequestID = HTTPField.Name("x-ms-client-request-id") ?? .via
    static let graphRequestID = HTTPField.Name("request-id") ?? .via
    static let graphClientRequestID = HTTPField.Name("client-request-id") ?? .via
}
