import ArgumentParser
import Client
import FoundationEssentials
import Vocabulary

/// `sally login`.
struct Login: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Sign in.")

    @Option(help: "The server's address (default: SALLYPORT_URL, or the one used last).")
    var url: String?
    @Option(
        name: .customLong("ca"),
        help: "PEM file with the authority to trust (default: SALLYPORT_CA, or the system's)."
    )
    var authorityFile: String?
    @Option(
        name: [.customShort("t"), .customLong("tenant")],
        help: "Tenant id or domain (default: the one your account belongs to)."
    )
    var tenant: String?
    @Option(
        name: [.customShort("u"), .customLong("username")],
        help: "User name, or application id with --service-principal."
    )
    var username: String?
    @Flag(help: "Read the password or secret from standard input.")
    var passwordStdin = false
    @Flag(help: "Sign in with a code on another device.")
    var useDeviceCode = false
    @Flag(help: "Sign in as an application.")
    var servicePrincipal = false
    @Option(help: "PEM file with the application's key and certificate.")
    var certificate: String?
    @Flag(name: [.customShort("i"), .customLong("identity")], help: "Sign in as this machine.")
    var identity = false
    @Flag(
        name: .customLong("switch"),
        help: "Forget the account that is remembered here and in the browser's sign-in page, and sign in anew."
    )
    var switchAccount = false
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let state = try StateDirectory(environment: Context.environment)
        let server = try ServerChoice(url: self.url, authorityFile: self.authorityFile, state)
        // Before the new sign-in: whoever gives up half-way must not go on as the one who was to be forgotten.
        if self.switchAccount { Logout.forget(in: state) }
        let http = HTTPClient(reach: try ServerReach(authorityFile: server.authorityFile))
        let tokens = TokenClient(http: http, base: server.base)
        let (account, answer) =
            if self.identity {
                try await self.asMachine(server)
            } else if self.servicePrincipal {
                try await self.asApplication(server, tokens)
            } else {
                try await self.asPerson(server, tokens, http)
            }
        try await self.finish(account, answer, base: server.base, state: state)
    }

    func validate() throws {
        guard [self.identity, self.servicePrincipal, self.useDeviceCode].count(where: { $0 }) <= 1 else {
            throw ValidationError("Give one of --identity, --service-principal and --use-device-code.")
        }
        guard self.certificate == nil || self.servicePrincipal else {
            throw ValidationError("--certificate goes with --service-principal.")
        }
        guard !self.passwordStdin || self.username != nil else {
            throw ValidationError("--password-stdin goes with --username.")
        }
    }

    private func asMachine(_ server: ServerChoice) async throws -> (Account, TokenClient.Tokens) {
        let answer = try await MachineIdentity.token(resource: server.base + "/")
        return (server.account(.managedIdentity, "systemAssignedIdentity"), answer)
    }

    private func asApplication(_ server: ServerChoice, _ tokens: TokenClient) async throws -> (
        Account, TokenClient.Tokens
    ) {
        guard let tenant = self.tenant else {
            throw Problem("NoTenant", shown: "A service principal needs --tenant: its id or domain.")
        }
        guard let id = self.username else {
            throw Problem("NoUser", shown: "Give the application id with --username.")
        }
        var account = server.account(.servicePrincipal, id)
        // A relative file name would point elsewhere from another directory.
        account.certificateFile = self.certificate.map(StateDirectory.absolute)
        if self.certificate == nil {
            account.clientSecret = try SecretInput.read(prompt: "Secret: ", standardInput: self.passwordStdin)
        }
        let proof = try ApplicationCredential(account).form(
            tokenEndpoint: "\(server.base)/\(tenant)/oauth2/v2.0/token",
            at: TimeSource.system.now
        )
        let scope = Scope.resourceManager(server.base)
        let answer = try await tokens.tokens(
            authority: tenant,
            form: [("client_id", id), ("grant_type", "client_credentials"), ("scope", scope)] + proof
        )
        return (account, answer)
    }

    private func asPerson(_ server: ServerChoice, _ tokens: TokenClient, _ http: HTTPClient) async throws
        -> (Account, TokenClient.Tokens)
    {
        let tenant = self.tenant ?? "organizations"
        let scope = Scope.resourceManager(server.base) + " " + Scope.person
        let answer: TokenClient.Tokens
        if self.useDeviceCode {
            answer = try await DeviceSignIn(tokens: tokens).run(authority: tenant, scope: scope)
        } else if let username = self.username {
            let password = try SecretInput.read(prompt: "Password: ", standardInput: self.passwordStdin)
            answer = try await tokens.tokens(
                authority: tenant,
                form: [
                    ("client_id", TokenClient.clientID), ("grant_type", "password"), ("username", username),
                    ("password", password), ("scope", scope), ("client_info", "1"),
                ]
            )
        } else {
            // A wrong address shows here, not as an error page in the browser and ten minutes of waiting.
            let metadata = "\(server.base)/\(PercentEncoding.encode(tenant))/v2.0/.well-known/openid-configuration"
            let reply = try await http.send(WebRequest("GET", metadata))
            guard reply.status == 200, reply.json?["authorization_endpoint"] != nil else {
                throw Problem(
                    "NoSignIn",
                    shown: "\(server.base) offers no sign-in for '\(PrintableText.of(tenant))' (HTTP \(reply.status))."
                )
            }
            answer = try await BrowserSignIn(tokens: tokens, base: server.base)
                .run(authority: tenant, scope: scope, prompt: self.switchAccount ? "login" : "select_account")
        }
        return (server.account(.user, ""), answer)
    }

    private func finish(
        _ draft: Account,
        _ answer: TokenClient.Tokens,
        base: String,
        state: StateDirectory
    ) async throws {
        var account = draft
        let claims = answer.idClaims ?? TokenClient.claims(answer.accessToken)
        guard let tenant = claims?["tid"]?.string.flatMap({ GUID($0) }) else {
            throw Problem("BadAnswer", shown: "The server did not say which tenant the account belongs to.")
        }
        account.tenantID = tenant
        account.objectID = claims?["oid"]?.string.flatMap { GUID($0) }
        if account.kind == .user {
            account.name = claims?["preferred_username"]?.string ?? claims?["upn"]?.string ?? ""
        }
        account.refreshToken = answer.refreshToken
        account.tokens[Scope.resourceManager(base)] = AccessToken(
            token: answer.accessToken,
            expiresAt: answer.expiresAt
        )
        try state.write(account, to: Account.file)
        SSHCredentials.forget(in: state)
        let signedIn = try SignedIn(state: state)
        let subscriptions = try await ResourceManager(signedIn).list("/subscriptions").compactMap { json in
            json["subscriptionId"]?.string.flatMap { GUID($0) }.map {
                SubscriptionSummary(id: $0, name: json["displayName"]?.string ?? "")
            }
        }
        try await signedIn.update { account in
            account.subscriptions = subscriptions
            account.subscription = subscriptions.first?.id
        }
        Output.show(await AccountDocument.list(signedIn.current), as: self.output, columns: AccountDocument.columns)
    }
}

/// `sally logout`.
struct Logout: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Forget the account, its tokens, keys and certificates.")

    func run() async throws {
        Self.forget(in: try StateDirectory(environment: Context.environment))
    }

    /// Removes everything that belongs to the account.
    static func forget(in state: StateDirectory) {
        SSHCredentials.forget(in: state)
        try? FileManager.default.removeItem(atPath: state.path + "/desktops")
        try? FileManager.default.removeItem(atPath: state.path + "/" + Account.file)
    }
}
