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
    @Option(help: "Tenant id or domain (default: the one your account belongs to).")
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
    @Flag(help: "Sign in as this machine.")
    var identity = false
    @Flag(name: .customLong("switch"), help: "Choose another account even if one is remembered.")
    var switchAccount = false
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let state = try StateDirectory(environment: Context.environment)
        let last = try? state.read(Account.self, from: Account.file)
        guard let url = self.url ?? Context.environment["SALLYPORT_URL"] ?? last?.url else {
            throw Problem("NoServer", shown: "Which server? Give --url https://… or set SALLYPORT_URL.")
        }
        var base = url
        while base.hasSuffix("/") { base.removeLast() }
        _ = try WebAddress(base)
        let authority =
            self.authorityFile ?? Context.environment["SALLYPORT_CA"] ?? (self.url == nil ? last?.authorityFile : nil)
        let http = HTTPClient(dialler: try Dialler(authorityFile: authority))
        let tokens = TokenClient(http: http, base: base)
        let scope = Scope.resourceManager(base) + " " + Scope.person
        let kind: Account.Kind
        let answer: TokenClient.Tokens
        var account: Account
        if self.identity {
            let machine = try await MachineIdentity.token(resource: base + "/")
            kind = .managedIdentity
            answer = machine
            account = Account(
                url: base,
                authorityFile: authority,
                tenantID: .zero,
                kind: kind,
                name: "systemAssignedIdentity"
            )
        } else if self.servicePrincipal {
            guard let tenant = self.tenant else {
                throw Problem("NoTenant", shown: "A service principal needs --tenant: its id or domain.")
            }
            guard let id = self.username else {
                throw Problem("NoUser", shown: "Give the application id with --username.")
            }
            account = Account(url: base, authorityFile: authority, tenantID: .zero, kind: .servicePrincipal, name: id)
            account.certificateFile = self.certificate
            if self.certificate == nil {
                account.clientSecret = try SecretInput.read(prompt: "Secret: ", standardInput: self.passwordStdin)
            }
            let proof = try ApplicationCredential(account).form(
                tokenEndpoint: "\(base)/\(tenant)/oauth2/v2.0/token",
                at: TimeSource.system.now
            )
            kind = .servicePrincipal
            answer = try await tokens.tokens(
                authority: tenant,
                form: [("client_id", id), ("grant_type", "client_credentials"), ("scope", Scope.resourceManager(base))]
                    + proof
            )
        } else {
            kind = .user
            let authority = self.tenant ?? "organizations"
            if let username = self.username {
                let password = try SecretInput.read(prompt: "Password: ", standardInput: self.passwordStdin)
                answer = try await tokens.tokens(
                    authority: authority,
                    form: [
                        ("client_id", TokenClient.clientID), ("grant_type", "password"), ("username", username),
                        ("password", password), ("scope", scope), ("client_info", "1"),
                    ]
                )
            } else if self.useDeviceCode {
                answer = try await DeviceSignIn(tokens: tokens).run(authority: authority, scope: scope)
            } else {
                answer = try await BrowserSignIn(tokens: tokens, base: base)
                    .run(authority: authority, scope: scope, prompt: self.switchAccount ? "login" : "select_account")
            }
            account = Account(
                url: base,
                authorityFile: self.absolute(authority: nil),
                tenantID: .zero,
                kind: .user,
                name: ""
            )
        }
        account.authorityFile = self.absolute(authority: authority)
        try await self.finish(account, answer, http: http, base: base, state: state)
    }

    private func finish(
        _ draft: Account,
        _ answer: TokenClient.Tokens,
        http: HTTPClient,
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

    // A relative file name would point elsewhere from another directory.
    private func absolute(authority: String?) -> String? {
        authority.map { $0.hasPrefix("/") ? $0 : FileManager.default.currentDirectoryPath + "/" + $0 }
    }
}

/// `sally logout`.
struct Logout: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Forget the account, its tokens, keys and certificates.")

    func run() async throws {
        let state = try StateDirectory(environment: Context.environment)
        SSHCredentials.forget(in: state)
        try? FileManager.default.removeItem(atPath: state.path + "/" + Account.file)
    }
}
