public import Vocabulary

/// Talks to the token endpoint. Source: RFC 6749, RFC 8628, RFC 7523.
public struct TokenClient: Sendable {
    /// The application id of this command line, known to every server.
    public static let clientID = "5a117000-0000-4000-8000-000000000001"

    /// What a successful answer holds.
    public struct Tokens: Sendable {
        /// Opens the service it was asked for.
        public let accessToken: String
        /// When the access token stops working.
        public let expiresAt: Instant
        /// Gets the next ones; nil for services and machines.
        public let refreshToken: String?
        /// Who signed in, as the identity token says; nil without one.
        public let idClaims: JSONValue?
        /// `Bearer`, or `ssh-cert` for a certificate.
        public let tokenType: String
    }

    private let http: HTTPClient
    private let base: String
    private let clock: TimeSource

    /// Makes a client for a server's address.
    public init(http: HTTPClient, base: String, clock: TimeSource = .system) {
        self.http = http
        self.base = base
        self.clock = clock
    }

    /// Asks for tokens. `authority` is a tenant id, a domain, or `organizations`.
    ///
    /// A refusal is a `Problem` whose code is the protocol's `error` and whose text is the server's description.
    public func tokens(authority: String, form: [(String, String)]) async throws -> Tokens {
        let json = try await self.post("\(self.base)/\(PercentEncoding.encode(authority))/oauth2/v2.0/token", form)
        guard let token = json["access_token"]?.string, let seconds = json["expires_in"]?.integer else {
            throw Problem("BadAnswer", shown: "The server's token answer is incomplete.")
        }
        return Tokens(
            accessToken: token,
            expiresAt: self.clock.now + .seconds(seconds),
            refreshToken: json["refresh_token"]?.string,
            idClaims: json["id_token"]?.string.flatMap(Self.claims),
            tokenType: json["token_type"]?.string ?? "Bearer"
        )
    }

    /// Asks for a device code.
    public func deviceCode(authority: String, scope: String) async throws -> JSONValue {
        try await self.post(
            "\(self.base)/\(PercentEncoding.encode(authority))/oauth2/v2.0/devicecode",
            [("client_id", Self.clientID), ("scope", scope)]
        )
    }

    /// The claims of a token, unverified: only for what is shown to its own owner.
    public static func claims(_ token: String) -> JSONValue? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64URL.decode(parts[1]) else { return nil }
        return try? JSONValue(parsing: bytes)
    }

    private func post(_ url: String, _ form: [(String, String)]) async throws -> JSONValue {
        let reply = try await self.http.send(
            WebRequest(
                "POST",
                url,
                headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: Array(FormFields.encode(form).utf8)
            )
        )
        guard let json = reply.json else {
            throw Problem(
                "BadAnswer",
                shown: "The server answered HTTP \(reply.status) without JSON. Is the address right?"
            )
        }
        guard reply.status == 200 else {
            throw Problem(
                json["error"]?.string ?? "server_error",
                shown: Self.firstLine(json["error_description"]?.string ?? "The server refused (HTTP \(reply.status)).")
            )
        }
        return json
    }

    // The description goes on with trace and correlation ids, which only help the server's operator.
    private static func firstLine(_ description: String) -> String {
        let cut = description.firstRange(of: " Trace ID:") ?? description.firstRange(of: "\r\nTrace ID:")
        return PrintableText.of(String(cut.map { description[..<$0.lowerBound] } ?? description[...]), limit: 1000)
    }
}

extension TokenClient.Tokens {
    /// The token of a machine's own identity, which its metadata service gave.
    public init(machineToken: String, expiresAt: Instant) {
        self.init(
            accessToken: machineToken,
            expiresAt: expiresAt,
            refreshToken: nil,
            idClaims: nil,
            tokenType: "Bearer"
        )
    }
}
