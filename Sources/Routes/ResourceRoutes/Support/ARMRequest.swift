import Hummingbird
import HTTPTypes
import Vocabulary

/// A request to the resource manager, read once and strictly, so that every route sees the same path.
///
/// Source: Azure Resource Manager, "Common API details".
struct ARMRequest: Sendable {
    /// Largest body; the resource manager's own limit.
    static let largestBody = 4 * 1024 * 1024

    /// The verb.
    let method: HTTPRequest.Method
    /// The path, percent-decoded once, doubled slashes collapsed, without the query.
    let path: ResourcePath
    /// The query's options by lower-case name, decoded.
    let options: [String: String]
    /// The document in the body; nil for an empty one, and until `readBody`.
    private(set) var body: JSONValue?
    /// The `Authorization` header; nil when there is none.
    let authorization: String?
    /// Joins what belongs together: the client's own request id when it is a GUID, else a random one.
    let correlation: GUID
    /// The network address that the request came from, as the edge says.
    let source: String
    /// What to echo as `x-ms-client-request-id`, when the client asks for it.
    let echo: String?

    /// `api-version`, as written. Checked by `ARMConventions.answer`.
    var apiVersion: String? { self.options["api-version"] }
    /// `$filter`.
    var filter: String? { self.options["$filter"] }
    /// `$expand`.
    var expand: String? { self.options["$expand"] }

    /// The member of the body that holds what the client wants; the body itself when it has none.
    var properties: JSONValue? { self.body?.member("properties") }
}

extension ResourcePath {
    /// What stands after the last `/providers/`, and the scope before it.
    ///
    /// `/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/n` is scope `/subscriptions/s`, namespace
    /// `Microsoft.Authorization`, rest `roleAssignments`, `n`. Nil without a namespace.
    var provider: (scope: ResourcePath, namespace: String, rest: [String])? {
        guard
            let place = self.segments.lastIndex(where: { $0.lowercased() == "providers" }),
            place + 1 < self.segments.count,
            let scope = ResourcePath("/" + self.segments[..<place].joined(separator: "/"))
        else { return nil }
        return (scope, self.segments[place + 1], Array(self.segments[(place + 2)...]))
    }
}

extension ARMRequest {
    /// The path alone, for deciding whose request it is; nil when it cannot be read.
    static func path(of request: Request) -> ResourcePath? {
        var segments: [String] = []
        for segment in request.uri.path.split(separator: "/" as Character) {
            // Encoded slashes would move the borders between segments after the decision about them.
            guard let decoded = PercentEncoding.decode(segment), !decoded.contains("/") else { return nil }
            segments.append(decoded)
        }
        return ResourcePath("/" + segments.joined(separator: "/"))
    }

    /// Reads what stands before the body. Throws InvalidRequestUri, InvalidRequestHeader.
    init(reading request: Request, correlation: GUID) throws(Problem) {
        guard
            let path = Self.path(of: request),
            let options = FormFields(request.uri.query ?? "", names: .lowercased)?.values
        else {
            throw Problem("InvalidRequestUri", shown: "The request's address cannot be read.")
        }
        guard request.headers[values: .authorization].count <= 1 else {
            throw Problem("InvalidRequestHeader", shown: "The request has more than one Authorization header.")
        }
        self.method = request.method
        self.path = path
        self.options = options
        self.authorization = request.headers[.authorization]
        self.correlation = correlation
        self.source = request.headers[.sallyportSource] ?? ""
        self.echo =
            request.headers[.returnClientRequestID]?.lowercased() == "true"
            ? request.headers[.clientRequestID].map { PrintableText.of($0) } : nil
    }

    /// Reads the body, which waits until it is known who sends it. Throws InvalidRequestContent, RequestEntityTooLarge.
    mutating func readBody(of request: Request) async throws(Problem) {
        self.body = try await Self.document(of: request)
    }

    private static func document(of request: Request) async throws(Problem) -> JSONValue? {
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: Self.largestBody)
        } catch {
            throw Problem(
                "RequestEntityTooLarge",
                shown: "The request's body is larger than \(Self.largestBody) bytes or was cut off.",
                logged: "\(error)"
            )
        }
        guard buffer.readableBytes > 0 else { return nil }
        do {
            return try JSONValue(parsing: buffer.readableBytesView)
        } catch {
            // Templates come with the comments that people write into them.
            if request.uri.path.lowercased().contains("/microsoft.resources/"),
                let document = try? JSONValue(parsing: TemplateText.plain(buffer.readableBytesView))
            {
                return document
            }
            throw Problem(
                "InvalidRequestContent",
                shown: "The request content was invalid and could not be deserialized: it is not a JSON document.",
                logged: "\(error)"
            )
        }
    }
}

extension HTTPField.Name {
    private static func known(_ name: String, _ fallback: HTTPField.Name) -> HTTPField.Name {
        HTTPField.Name(name) ?? fallback
    }

    // The names are valid tokens, so the fallbacks are never taken.
    static let requestID = known("x-ms-request-id", .via)
    static let correlationRequestID = known("x-ms-correlation-request-id", .via)
    static let routingRequestID = known("x-ms-routing-request-id", .via)
    static let clientRequestID = known("x-ms-client-request-id", .via)
    static let returnClientRequestID = known("x-ms-return-client-request-id", .via)
    static let legacyNoCache = known("Pragma", .via)
    static let asyncOperation = known("Azure-AsyncOperation", .via)
    static let warning = known("Warning", .via)
    /// Set by the edge alone, which removes it from what clients send.
    static let sallyportSource = known("x-sallyport-source", .via)
}
