import Vocabulary

/// What comes next for somebody at the authorize endpoint, decided from the request and who is signed in with this browser.
enum SignInStep: Sendable, Hashable {
    /// Nothing to ask: they are signed in.
    case complete(SignedInAccount)
    /// Ask for name and password, the name filled in when it is known.
    case credentials(name: String)
    /// Ask which of the accounts it shall be.
    case choose([SignedInAccount])
    /// Tell the client no.
    case refuse(OAuthError)

    /// Decides. Source: OpenID Connect Core section 3.1.2.1 (`prompt`, `max_age`, `login_hint`).
    static func first(for request: AuthorizationRequest, accounts: [SignedInAccount], at now: Instant) -> SignInStep {
        let hint = request.loginHint
        let fresh = accounts.filter { account in
            request.maxAge.map { now - account.authentication.at <= .seconds($0) } ?? true
        }
        let hinted = hint.map { hint in
            fresh.first {
                $0.userPrincipalName.lowercased() == hint.lowercased()
                    || $0.authentication.user.description == hint.lowercased()
            }
        }
        if request.prompt.contains(.none) {
            switch hinted {
            case .some(.some(let account)): return .complete(account)
            case .some(.none): return .refuse(.loginRequired)
            case .none:
                guard let only = fresh.first else { return .refuse(.loginRequired) }
                return fresh.count == 1 ? .complete(only) : .refuse(.selectionRequired)
            }
        }
        if !request.prompt.isDisjoint(with: [.login, .create]) { return .credentials(name: hint ?? "") }
        if request.prompt.contains(.selectAccount) {
            return accounts.isEmpty ? .credentials(name: hint ?? "") : .choose(accounts)
        }
        switch hinted {
        case .some(.some(let account)): return .complete(account)
        case .some(.none): return .credentials(name: hint ?? "")
        case .none:
            if accounts.isEmpty { return .credentials(name: "") }
            if fresh.count == 1, accounts.count == 1 { return .complete(fresh[0]) }
            return accounts.count == 1 ? .credentials(name: accounts[0].userPrincipalName) : .choose(accounts)
        }
    }
}
