import Identity
import Vocabulary

/// The authorize endpoint and the sign-in pages. Source: RFC 6749 section 4.1, OpenID Connect Core section 3.1.2.
extension Federation {
    /// Answers a request at the authorize endpoint.
    ///
    /// `browser`: the value of the session cookie. A request whose client or redirect address is not in order ends on a page of ours; every
    /// other error goes to the redirect address.
    public func authorize(
        _ parameters: [String: String],
        tenant: String,
        version: EndpointVersion,
        browser: String?,
        circumstances: Circumstances
    ) async -> BrowserReply {
        await self.answering(browser) {
            try await self.removeExpiredNowAndThen()
            _ = try self.tenantWord(tenant)
            let address = try AuthorizationAddress(parameters)
            guard let application = try await self.directory.application(address.client) else {
                throw OAuthError.unknownClient(address.client.description)
            }
            let registered = application.redirectURIs + self.nativeClientAddresses(of: application)
            guard registered.contains(where: { Self.matches(address.redirectURI, registered: $0) }) else {
                throw OAuthError.redirectMismatch
            }
            let request: AuthorizationRequest
            do throws(OAuthError) {
                request = try AuthorizationRequest(
                    parameters,
                    address: address,
                    version: version,
                    isPublicClient: application.isPublic,
                    origin: self.origin
                )
            } catch {
                return (
                    self.delivery(of: error, to: address.redirectURI, address.responseMode, state: address.state), nil
                )
            }
            return try await self.begin(request, browser: browser, circumstances)
        }
    }

    private static func matches(_ address: RedirectURI, registered: String) -> Bool {
        RedirectURI(registered).map { address.matches($0) } ?? false
    }

    private func begin(
        _ request: AuthorizationRequest,
        browser: String?,
        _ circumstances: Circumstances
    ) async throws -> (BrowserOutcome, String?) {
        let accounts = try await self.accounts(browser: browser)
        switch SignInStep.first(for: request, accounts: accounts, at: self.clock.now) {
        case .complete(let account):
            return try await self.conclude(request, account.authentication, pass: nil, browser: browser, circumstances)
        case .refuse(let error):
            return (try self.delivery(of: error, to: request), nil)
        case .credentials(let name):
            let (flow, fresh) = try await self.open(.authorize(request), browser: browser, circumstances)
            let page = try await self.credentialsPage(flow, request, name: name)
            return (.page(page, status: 200), fresh)
        case .choose(let accounts):
            let (flow, fresh) = try await self.open(.authorize(request), browser: browser, circumstances)
            let page = SignInPage.AccountsPage(
                flow: flow,
                application: try await self.applicationName(request.client),
                accounts: accounts,
                target: RedirectURI(request.redirectURI)?.origin
            )
            return (.page(.accounts(page), status: 200), fresh)
        }
    }

    /// Opens a pass through the pages; gives the browser a name when it has none.
    func open(
        _ purpose: SignInFlow.Purpose,
        browser: String?,
        _ circumstances: Circumstances
    ) async throws -> (flow: String, browser: String?) {
        if let seconds = try await self.limits.take([.start(from: circumstances.source)]) {
            throw OAuthError.throttled(seconds: seconds)
        }
        let fresh = browser.flatMap(Self.wellFormed) == nil ? self.sessions.newBrowser() : nil
        let flow = try await self.flows.begin(SignInFlow(purpose: purpose), browser: fresh ?? browser ?? "")
        return (flow, fresh)
    }

    // A name that we did not make is none.
    private static func wellFormed(_ browser: String) -> String? {
        browser.utf8.count == 43 && Base64URL.decode(browser)?.count == 32 ? browser : nil
    }

    // MARK: - Answers on pages

    /// Takes what a person did on a page.
    ///
    /// `flow`: the token that stood in the form; it counts only with the cookie of the browser that it was made for.
    public func answer(
        _ answer: PageAnswer,
        flow token: String,
        browser: String?,
        circumstances: Circumstances
    ) async -> BrowserReply {
        await self.answering(browser) {
            guard let browser, let flow = try await self.flows.flow(token, browser: browser) else {
                throw OAuthError.flowExpired
            }
            let pass = SignInPass(flow: flow, token: token, browser: browser)
            switch (flow.purpose, answer) {
            case (.signOut(let next), .confirm):
                return try await self.signOut(browser: browser, next: next, circumstances)
            case (.signOut, .cancel):
                _ = try await self.flows.end(token)
                return (.page(.done(title: "Still signed in", text: "Nothing was changed."), status: 200), nil)
            case (.deviceEntry, .userCode(let code)):
                return try await self.enter(code, pass, circumstances)
            case (.device(let id, let client, _), .confirm):
                return try await self.confirmDevice(id, client: client, pass, circumstances)
            case (.device(let id, let client, _), .cancel):
                return try await self.declineDevice(id, client: client, token: token, circumstances)
            case (.authorize(let request), .cancel):
                guard try await self.flows.end(token) else { throw OAuthError.flowExpired }
                return (try self.delivery(of: .declined, to: request), nil)
            case (.authorize(let request), .confirm):
                return try await self.allowDesktop(request, pass, circumstances)
            case (.authorize, _), (.device, _):
                return try await self.identify(answer, pass, circumstances)
            default:
                throw OAuthError.flowExpired
            }
        }
    }

    /// The answers by which a person says who they are.
    private func identify(
        _ answer: PageAnswer,
        _ pass: SignInPass,
        _ circumstances: Circumstances
    ) async throws -> (BrowserOutcome, String?) {
        switch answer {
        case .credentials(let name, let password):
            let name = Self.trimmed(name)
            let authentication: Authentication
            do {
                (_, authentication) = try await self.checkPassword(name, password, circumstances)
            } catch let error as OAuthError where error.error == "invalid_grant" {
                return try await self.refused(error, name: name, pass)
            }
            return try await self.signedIn(authentication, pass, circumstances)
        case .newPassword(let current, let new, let repeated):
            return try await self.replacePassword(current, new: new, repeated: repeated, pass, circumstances)
        case .account(let id):
            let account = try await self.accounts(browser: pass.browser).first { $0.authentication.user == id }
            guard let account, pass.flow.accepts(account, at: self.clock.now) else {
                let name = account?.userPrincipalName ?? ""
                return (.page(try await self.credentialsPage(pass, name: name), status: 200), nil)
            }
            return try await self.proceed(account.authentication, pass, circumstances)
        case .otherAccount:
            return (.page(try await self.credentialsPage(pass, name: ""), status: 200), nil)
        case .userCode, .confirm, .cancel:
            throw OAuthError.flowExpired
        }
    }

    private func refused(_ error: OAuthError, name: String, _ pass: SignInPass) async throws -> (
        BrowserOutcome, String?
    ) {
        guard error.code == 50055 else {
            return (.page(try await self.credentialsPage(pass, name: name, message: error.sentence), status: 200), nil)
        }
        var flow = pass.flow
        flow.nameWithTemporaryPassword = name
        try await self.flows.update(pass.token, flow)
        return (.page(.newPassword(flow.newPasswordPage(pass.token, name: name, message: nil)), status: 200), nil)
    }

    /// Somebody has just proved who they are: the browser gets a new name, and the pass goes on.
    func signedIn(
        _ authentication: Authentication,
        _ pass: SignInPass,
        _ circumstances: Circumstances
    ) async throws -> (BrowserOutcome, String?) {
        let fresh = try await self.sessions.signIn(authentication, browser: pass.browser)
        let moved = SignInPass(flow: pass.flow, token: pass.token, browser: fresh)
        do {
            let (outcome, _) = try await self.proceed(authentication, moved, circumstances)
            return (outcome, fresh)
        } catch let error as OAuthError {
            // With the name, or the browser would lose everybody who is signed in with it.
            return (.page(.failure(error), status: error.status), fresh)
        }
    }

    private func proceed(
        _ authentication: Authentication,
        _ pass: SignInPass,
        _ circumstances: Circumstances
    ) async throws -> (BrowserOutcome, String?) {
        switch pass.flow.purpose {
        case .authorize(let request):
            return try await self.conclude(request, authentication, pass: pass, browser: pass.browser, circumstances)
        case .device(_, let client, let source):
            var flow = pass.flow
            flow.chosen = authentication
            try await self.flows.update(pass.token, flow)
            let page = SignInPage.ConfirmDevicePage(
                flow: pass.token,
                application: try await self.applicationName(client),
                name: try await self.user(behind: authentication).userPrincipalName,
                source: source
            )
            return (.page(.confirmDevice(page), status: 200), nil)
        case .deviceEntry, .signOut:
            throw OAuthError.flowExpired
        }
    }

    // MARK: - Ends

    /// Issues the code.
    func complete(
        _ request: AuthorizationRequest,
        _ authentication: Authentication,
        browser: String?,
        _ circumstances: Circumstances
    ) async throws -> BrowserOutcome {
        let user = try await self.user(behind: authentication)
        let code = try await self.codes.issue(.init(authentication: authentication, request: request))
        if let browser { try await self.sessions.touch(user.id, browser: browser) }
        try await self.record(
            "code.issue",
            actor: user.id,
            name: user.userPrincipalName,
            target: request.client.description,
            circumstances
        )
        var fields = [BrowserOutcome.FormField(name: "code", value: code)]
        if request.wantsClientInfo {
            let document: JSONValue = [
                "uid": .string(user.id.description), "utid": .string(self.tenant.id.description),
            ]
            fields.append(.init(name: "client_info", value: Base64URL.encode(document.bytes)))
        }
        if let state = request.state { fields.append(.init(name: "state", value: state)) }
        // There always is one; and clients that are given the address by hand take the end of the line for a part of the code otherwise.
        fields.append(.init(name: "session_state", value: GUID(from: self.random).description))
        guard let address = RedirectURI(request.redirectURI) else { throw OAuthError.redirectMismatch }
        return Self.delivery(fields, to: address, request.responseMode)
    }

    func delivery(of error: OAuthError, to request: AuthorizationRequest) throws -> BrowserOutcome {
        guard let address = RedirectURI(request.redirectURI) else { throw OAuthError.redirectMismatch }
        return self.delivery(of: error, to: address, request.responseMode, state: request.state)
    }

    private func delivery(
        of error: OAuthError,
        to address: RedirectURI,
        _ mode: AuthorizationRequest.ResponseMode,
        state: String?
    ) -> BrowserOutcome {
        var fields = [
            BrowserOutcome.FormField(name: "error", value: error.error),
            BrowserOutcome.FormField(name: "error_description", value: error.sentence),
        ]
        if error.code == OAuthError.declined.code { fields.append(.init(name: "error_subcode", value: "cancel")) }
        if let state { fields.append(.init(name: "state", value: state)) }
        return Self.delivery(fields, to: address, mode)
    }

    private static func delivery(
        _ fields: [BrowserOutcome.FormField],
        to address: RedirectURI,
        _ mode: AuthorizationRequest.ResponseMode
    ) -> BrowserOutcome {
        if mode == .formPost { return .post(to: address.text, origin: address.origin, fields: fields) }
        return .redirect(to: address.adding(fields.map { ($0.name, $0.value) }, asFragment: mode == .fragment))
    }
}
