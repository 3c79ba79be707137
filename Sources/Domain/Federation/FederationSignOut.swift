import Identity
import Keys
import Vocabulary

/// Signing out with a browser. Source: OpenID Connect RP-Initiated Logout 1.0.
extension Federation {
    /// Answers a request at the logout endpoint.
    ///
    /// Signs out at once when the request proves by an ID token of ours that it comes from an application the person uses; asks first
    /// otherwise, so that no foreign page can sign people out. Leads on only to an address that the application registered.
    public func signOutPage(
        _ parameters: [String: String],
        tenant: String,
        browser: String?,
        circumstances: Circumstances
    ) async -> BrowserReply {
        await self.answering(browser) {
            _ = try self.tenantWord(tenant)
            let hint = parameters["id_token_hint"].flatMap { try? self.keys.verify($0) }
            let client = (hint?["aud"]?.string ?? parameters["client_id"]).flatMap { GUID($0) }
            let next = try await self.nextAddress(parameters, client: client)
            let accounts = try await self.accounts(browser: browser)
            guard let browser, !accounts.isEmpty else {
                return (Self.signedOut(next: next), nil)
            }
            if let id = hint?["oid"]?.string, accounts.contains(where: { $0.authentication.user.description == id }) {
                return try await self.signOut(browser: browser, next: next, circumstances)
            }
            let (flow, fresh) = try await self.open(.signOut(next: next), browser: browser, circumstances)
            let page = SignInPage.SignOutPage(
                flow: flow,
                names: accounts.map(\.userPrincipalName),
                target: next.flatMap { RedirectURI($0)?.origin }
            )
            return (.page(.signOut(page), status: 200), fresh)
        }
    }

    /// Ends every session of a browser and gives it a new name.
    func signOut(
        browser: String,
        next: String?,
        _ circumstances: Circumstances
    ) async throws -> (BrowserOutcome, String?) {
        for account in try await self.accounts(browser: browser) {
            try await self.record(
                "signIn.end",
                actor: account.authentication.user,
                name: account.userPrincipalName,
                target: account.authentication.user.description,
                circumstances
            )
        }
        try await self.sessions.signOut(browser: browser)
        return (Self.signedOut(next: next), self.sessions.newBrowser())
    }

    private static func signedOut(next: String?) -> BrowserOutcome {
        if let next { return .redirect(to: next) }
        return .page(
            .done(title: "Signed out", text: "You are signed out. It is a good idea to close all browser windows."),
            status: 200
        )
    }

    private func nextAddress(_ parameters: [String: String], client: GUID?) async throws -> String? {
        guard
            let text = parameters["post_logout_redirect_uri"], let address = RedirectURI(text),
            let client, let application = try await self.directory.application(client),
            application.redirectURIs.contains(where: { RedirectURI($0).map { address.matches($0) } ?? false })
        else { return nil }
        guard let state = parameters["state"], state.utf8.count <= 4096 else { return address.text }
        return address.adding([("state", state)], asFragment: false)
    }
}
