import Federation
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Vocabulary

extension SignInRoutes {
    /// The longest form that is read, in bytes: a client assertion with its certificate chain fits several times.
    static let longestForm = 65_536

    /// What a request brought along.
    func circumstances(_ request: Request) -> Circumstances {
        let named = ["client-request-id", "x-ms-client-request-id"].lazy
            .compactMap { request.headers[named: $0] }
            .compactMap { GUID($0) }
            .first
        // The edge sets this one from the connection, and removes what clients send under its name.
        return Circumstances(
            source: request.headers[named: "x-sallyport-source"] ?? "",
            correlation: (named ?? GUID(from: self.random)).description
        )
    }

    /// The fields of a form in the body. Throws `malformed` for another content type, a repeated field or a broken escape.
    func form(_ request: Request) async throws -> [String: String] {
        let type = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased() ?? ""
        guard type.split(separator: " ").joined() == "application/x-www-form-urlencoded" else {
            throw OAuthError.malformedForm("the content type must be application/x-www-form-urlencoded")
        }
        let body = try await request.body.collect(upTo: Self.longestForm)
        guard let fields = FormFields(body.readableBytesView) else {
            throw OAuthError.malformedForm("a field is repeated or not well encoded")
        }
        return fields.values
    }

    /// The parameters of the query. Throws `malformed`.
    func query(_ request: Request) throws(OAuthError) -> [String: String] {
        guard let text = request.uri.query else { return [:] }
        guard text.utf8.count <= Self.longestForm, let fields = FormFields(text) else {
            throw .malformedForm("a parameter is repeated or not well encoded")
        }
        return fields.values
    }

    /// The name of the browser: nil without the cookie, or with two of them.
    func browser(_ request: Request) -> String? {
        // HTTP/2 clients may send one header for each cookie (RFC 9113 section 8.2.3).
        let pairs: [Substring] = request.headers[values: .cookie]
            .flatMap { (header: String) -> [Substring] in header.split(separator: ";") }
            .map { (pair: Substring) -> Substring in pair.drop { $0 == " " } }
        let mine = pairs.filter { $0.hasPrefix(Self.cookieName + "=") }
        return mine.count == 1 ? String(mine[0].dropFirst(Self.cookieName.count + 1)) : nil
    }

    /// Whether a form comes from a page of ours, as far as the browser says; the form's own token is checked elsewhere.
    func isFromOurPages(_ request: Request) -> Bool {
        if let origin = request.headers[.origin], origin != self.origin.loginBase { return false }
        if let site = request.headers[named: "sec-fetch-site"], site != "same-origin" {
            return false
        }
        return true
    }

    /// The credentials of an HTTP Basic header, each form-encoded. Source: RFC 6749 section 2.3.1.
    func basicCredentials(_ request: Request) throws(OAuthError) -> (name: String, secret: String)? {
        guard let header = request.headers[.authorization], header.lowercased().hasPrefix("basic ") else { return nil }
        guard let bytes = Data(base64Encoded: String(header.dropFirst("basic ".count))) else {
            throw .malformedForm("the Authorization header is not well encoded")
        }
        let pieces = bytes.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard
            pieces.count == 2,
            let name = PercentEncoding.decode(pieces[0], plusIsSpace: true),
            let secret = PercentEncoding.decode(pieces[1], plusIsSpace: true)
        else {
            throw .malformedForm("the Authorization header is not well encoded")
        }
        return (name, secret)
    }

    /// The tenant word of the path, without its escapes.
    func tenantWord(_ context: some RequestContext) -> String {
        let word = context.parameters.get("tenant") ?? ""
        return PercentEncoding.decode(word, plusIsSpace: true) ?? word
    }
}
