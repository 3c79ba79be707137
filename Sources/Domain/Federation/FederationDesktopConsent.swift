import Identity
import Vocabulary

/// The question at the authorize endpoint whether desktop connections to a machine are wanted.
extension Federation {
    /// Goes on with somebody who has signed in: to the question that is open for a desktop, or to the code.
    ///
    /// `pass`: the pages that the person came through; nil for who was signed in already.
    func conclude(
        _ request: AuthorizationRequest,
        _ authentication: Authentication,
        pass: SignInPass?,
        browser: String?,
        _ circumstances: Circumstances
    ) async throws -> (BrowserOutcome, String?) {
        if let resource = self.desktop(of: request) {
            let user = try await self.user(behind: authentication)
            let host = try await self.desktopHost(resource, for: user)
            let isRemembered = try await self.desktopConsents.isRemembered(host, of: user.id)
            if !isRemembered || request.prompt.contains(.consent) {
                if request.prompt.contains(.none) {
                    return (try self.delivery(of: .desktopNotAllowed(host.hostName), to: request), nil)
                }
                return try await self.askForDesktop(host, request, authentication, user, pass, browser, circumstances)
            }
        }
        if let pass {
            guard try await self.flows.end(pass.token) else { throw OAuthError.flowExpired }
        }
        return (try await self.complete(request, authentication, browser: browser, circumstances), nil)
    }

    private func desktop(of request: AuthorizationRequest) -> DesktopResource? {
        if let scope = request.scope, request.version == .v2 {
            return (try? ScopeRequest(scope: scope, origin: self.origin))?.resources.lazy
                .compactMap { DesktopResource($0.name) }.first
        }
        return request.resource.flatMap { DesktopResource($0) }
    }

    private func askForDesktop(
        _ host: DesktopHost,
        _ request: AuthorizationRequest,
        _ authentication: Authentication,
        _ user: User,
        _ pass: SignInPass?,
        _ browser: String?,
        _ circumstances: Circumstances
    ) async throws -> (BrowserOutcome, String?) {
        let (token, fresh): (String, String?) =
            if let pass {
                (pass.token, nil)
            } else {
                try await self.open(.authorize(request), browser: browser, circumstances)
            }
        var flow = pass?.flow ?? SignInFlow(purpose: .authorize(request))
        flow.chosen = authentication
        flow.desktop = host.identity
        try await self.flows.update(token, flow)
        let page = SignInPage.AllowDesktopPage(
            flow: token,
            hostName: PrintableText.of(host.hostName, limit: 253),
            machine: host.machine.description,
            name: PrintableText.of(user.userPrincipalName),
            target: flow.target
        )
        return (.page(.allowDesktop(page), status: 200), fresh)
    }

    /// Somebody said yes to the machine that the page named.
    func allowDesktop(
        _ request: AuthorizationRequest,
        _ pass: SignInPass,
        _ circumstances: Circumstances
    ) async throws -> (BrowserOutcome, String?) {
        guard let authentication = pass.flow.chosen, let resource = self.desktop(of: request) else {
            throw OAuthError.flowExpired
        }
        let user = try await self.user(behind: authentication)
        let host = try await self.desktopHost(resource, for: user)
        // The name may have become another machine's while the page was open.
        guard pass.flow.desktop == host.identity else {
            return try await self.askForDesktop(
                host,
                request,
                authentication,
                user,
                pass,
                pass.browser,
                circumstances
            )
        }
        guard try await self.flows.end(pass.token) else { throw OAuthError.flowExpired }
        try await self.desktopConsents.remember(host, of: user.id)
        try await self.record(
            "desktop.allow",
            actor: user.id,
            name: user.userPrincipalName,
            target: host.machine.description,
            circumstances,
            details: ["hostName": host.hostName]
        )
        return (try await self.complete(request, authentication, browser: pass.browser, circumstances), nil)
    }
}
