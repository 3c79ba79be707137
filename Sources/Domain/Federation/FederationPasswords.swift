import Identity
import Vocabulary

/// Proving who somebody is, and whether an earlier proof still counts.
extension Federation {
    /// Checks a name and a password; throws an `OAuthError` with the directory's reason.
    ///
    /// The directory gives the same answer after the same work for names that nobody has, counts wrong tries and records them.
    func checkPassword(
        _ name: String,
        _ password: Secret<[UInt8]>,
        _ circumstances: Circumstances
    ) async throws -> (User, Authentication) {
        switch try await self.directory.signIn(userName: name, password: password, source: circumstances.source) {
        case .refused(let refusal): throw OAuthError(refusal)
        case .allowed(let user): return (user, self.authentication(of: user, methods: ["pwd"]))
        }
    }

    func authentication(of user: User, methods: [String]) -> Authentication {
        // Revocation counts in whole seconds, rounded up: who signs in during the rest of that second signs in after it.
        Authentication(user: user.id, methods: methods, at: max(self.clock.now, user.tokensValidFrom))
    }

    /// The person behind an earlier sign-in, if it still counts: not disabled, not removed, not revoked since.
    func user(behind authentication: Authentication) async throws -> User {
        guard let user = try await self.directory.user(authentication.user) else { throw OAuthError.accountGone }
        guard user.accountEnabled else { throw OAuthError.accountDisabled }
        guard authentication.at >= user.tokensValidFrom else { throw OAuthError.revoked }
        return user
    }

    /// Those who are signed in with a browser, as of now, for other pages of this installation.
    ///
    /// `browser`: the value of the session cookie. Throws when the store does.
    public func accounts(browser: String?) async throws -> [SignedInAccount] {
        guard let browser, !browser.isEmpty else { return [] }
        var accounts: [SignedInAccount] = []
        for authentication in try await self.sessions.authentications(of: browser) {
            guard let user = try? await self.user(behind: authentication) else { continue }
            accounts.append(
                SignedInAccount(
                    authentication: authentication,
                    userPrincipalName: user.userPrincipalName,
                    displayName: user.displayName
                )
            )
        }
        return accounts
    }

    /// Replaces a temporary password on the page that asks for it; the name is the one that the right temporary password was given for.
    func replacePassword(
        _ current: Secret<[UInt8]>,
        new: Secret<[UInt8]>,
        repeated: Secret<[UInt8]>,
        _ pass: SignInPass,
        _ circumstances: Circumstances
    ) async throws -> (BrowserOutcome, String?) {
        guard let name = pass.flow.nameWithTemporaryPassword else { throw OAuthError.flowExpired }
        func again(_ message: String) -> (BrowserOutcome, String?) {
            (.page(.newPassword(pass.flow.newPasswordPage(pass.token, name: name, message: message)), status: 200), nil)
        }
        guard new == repeated else { return again("The two new passwords are not the same.") }
        let verdict = try await self.directory.changePassword(
            userName: name,
            current: current,
            to: new,
            source: circumstances.source
        )
        switch verdict {
        case .refused(let refusal): return again(refusal.sentence)
        case .allowed(let user):
            return try await self.signedIn(self.authentication(of: user, methods: ["pwd"]), pass, circumstances)
        }
    }
}
