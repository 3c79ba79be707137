public import Vocabulary

/// The account of this computer, with fresh tokens whenever somebody asks for one.
public actor SignedIn {
    /// A certificate or token counts as fresh while more than this is left.
    static let margin: Duration = .seconds(120)

    private let state: StateDirectory
    private let clock: TimeSource
    private let http: HTTPClient
    private let tokens: TokenClient
    private var account: Account

    /// Loads the account that `sally login` left.
    public init(state: StateDirectory, clock: TimeSource = .system) throws {
        guard let account = try state.read(Account.self, from: Account.file) else {
            throw Problem("NotSignedIn", shown: "You are not signed in. Run 'sally login'.")
        }
        let http = HTTPClient(reach: try ServerReach(authorityFile: account.authorityFile))
        self.state = state
        self.clock = clock
        self.http = http
        self.tokens = TokenClient(http: http, base: account.url, clock: clock)
        self.account = account
    }

    /// Who is signed in.
    public var current: Account { self.account }

    /// The connection to the server, for requests without a token.
    public nonisolated var connection: HTTPClient { self.http }

    /// Changes what is remembered, for example the chosen subscription.
    public func update(_ change: (inout Account) -> Void) throws {
        change(&self.account)
        try self.state.write(self.account, to: Account.file)
    }

    /// An access token for the resource API.
    /// - Parameter refused: one that the server takes no more, although it is young; it is not given out again.
    public func resourceManagerToken(insteadOf refused: AccessToken? = nil) async throws -> AccessToken {
        try await self.token(scope: Scope.resourceManager(self.account.url), insteadOf: refused)
    }

    /// An access token for a scope: the kept one while it is fresh, a new one otherwise.
    public func token(scope: String, insteadOf refused: AccessToken? = nil) async throws -> AccessToken {
        if let kept = self.account.tokens[scope], kept.expiresAt > self.clock.now + Self.margin,
            kept.token != refused?.token
        {
            return kept
        }
        let answer = try await self.request(scope: scope, more: [])
        let token = AccessToken(token: answer.accessToken, expiresAt: answer.expiresAt)
        try self.update { account in
            account.tokens = account.tokens.filter { $0.value.expiresAt > self.clock.now }
            account.tokens[scope] = token
        }
        return token
    }

    /// An SSH certificate for a public key, as the base64 blob.
    /// - Parameter key: the key as JSON Web Key.
    public func certificate(for key: JSONValue, keyID: String) async throws -> (blob: String, expiresAt: Instant) {
        let answer = try await self.request(
            scope: Scope.sshCertificate,
            more: [("token_type", "ssh-cert"), ("req_cnf", key.text), ("key_id", keyID)]
        )
        guard answer.tokenType == "ssh-cert" else {
            throw Problem("BadAnswer", shown: "The server sent no certificate.")
        }
        return (answer.accessToken, answer.expiresAt)
    }

    private func request(scope: String, more: [(String, String)]) async throws -> TokenClient.Tokens {
        var form = [("client_id", TokenClient.clientID), ("client_info", "1")]
        switch self.account.kind {
        case .user:
            guard let refreshToken = self.account.refreshToken else { throw Self.expired }
            form += [
                ("grant_type", "refresh_token"), ("refresh_token", refreshToken),
                ("scope", scope + " " + Scope.person),
            ]
        case .servicePrincipal:
            form[0] = ("client_id", self.account.name)
            form += [("grant_type", "client_credentials"), ("scope", scope)]
            form += try ApplicationCredential(self.account)
                .form(
                    tokenEndpoint: "\(self.account.url)/\(self.account.tenantID)/oauth2/v2.0/token",
                    at: self.clock.now
                )
        case .managedIdentity:
            throw Problem(
                "NotPossible",
                shown: "A managed identity gets its tokens from the machine: 'sally login --identity' again."
            )
        }
        do {
            let answer = try await self.tokens.tokens(authority: self.account.tenantID.description, form: form + more)
            if let refreshToken = answer.refreshToken {
                try self.update { $0.refreshToken = refreshToken }
            }
            return answer
        } catch let problem as Problem where problem.code == "invalid_grant" && problem.shown.hasPrefix("AADSTS7000") {
            throw Self.expired
        }
    }

    private static let expired = Problem("SignInExpired", shown: "Your sign-in has expired. Run 'sally login'.")
}
