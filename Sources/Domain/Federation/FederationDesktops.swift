import AccessControl
import Audit
import Identity
public import Vocabulary

/// Signing in to desktops with an organisation's account (RDS AAD Auth): what the token endpoint does about it, and what the machine's side
/// asks afterwards. Source: MS-RDPBCGR section 5.4.5.4.
extension Federation {
    /// A nonce for a desktop client's assertion: what the token endpoint answers to the grant `srv_challenge`.
    public func desktopNonce() -> String {
        self.desktopNonces.make()
    }

    // MARK: - Tokens

    /// Whether a grant may buy what is asked for when a desktop has to do with it; nothing to say about any other.
    func checkDesktop(_ request: TokenRequest, _ entitlement: Entitlement) async throws {
        guard let resource = DesktopResource(entitlement.resource.name) else {
            guard request.confirmation == nil else { throw OAuthError.bindingWithoutDesktop }
            guard request.clientID != AuthorizationRequest.desktopClient else { throw OAuthError.notPreauthorized }
            return
        }
        guard case .user(let user) = entitlement.holder else { throw OAuthError.desktopForApplication }
        // A token for a desktop that anybody could use who sees it would be a password on the wire.
        guard request.confirmation != nil else { throw OAuthError.missing("req_cnf") }
        let host = try await self.desktopHost(resource, for: user)
        guard try await self.desktopConsents.isRemembered(host, of: user.id) else {
            throw OAuthError.desktopNotAllowed(host.hostName)
        }
    }

    /// A code for a desktop buys that desktop only, and no other code buys one: this one comes without PKCE, and the person was asked.
    func checkDesktop(_ resource: ScopeRequest.Resource, codeFor request: AuthorizationRequest) throws(OAuthError) {
        let asked: ScopeRequest? =
            if let scope = request.scope, request.version == .v2 {
                try ScopeRequest(scope: scope, origin: self.origin)
            } else if let resource = request.resource {
                try ScopeRequest(resource: resource, origin: self.origin)
            } else {
                nil
            }
        let resources = asked?.resources ?? []
        let concernsDesktop = ([resource] + resources).contains { $0.audience == .desktopSignIn }
        guard !concernsDesktop || resources == [resource] else { throw .badGrant }
    }

    /// The machine that somebody wants to the desktop of; throws an `OAuthError` that says what to do.
    func desktopHost(_ resource: DesktopResource, for user: User) async throws -> DesktopHost {
        guard !user.isGuest else { throw OAuthError(.guestNotAllowed(user.userPrincipalName)) }
        guard let hosts = self.desktopHosts else { throw OAuthError.trouble("no look-up of machines") }
        guard let subject = try await self.directory.subject(user.id) else { throw OAuthError.accountGone }
        switch await hosts.find(resource.hostName, subject) {
        case .allowed(let host): return host
        case .refused(let refusal): throw OAuthError.desktopNotFound(refusal)
        }
    }

    /// The addresses of our own that an application's answers may go to.
    func nativeClientAddresses(of application: ClientApplication) -> [String] {
        guard application.appID == AuthorizationRequest.desktopClient else { return [] }
        return self.origin.nativeClientAddresses(tenant: self.tenant)
    }

    // MARK: - Assertions

    /// Who sits at a desktop client, by the assertion that it sent over one connection to one machine.
    ///
    /// `nonce`: what this connection sent to the client. `hostName`: the machine's own name; the person has to have allowed it for this very
    /// `machine`, since tokens know names only. Each assertion counts once. Refusals carry
    /// `DesktopTokenNotValid`, `LogonFailure`, `AccountDisabled`, `PasswordExpired`, `GuestNotAllowed` or `ServersUnavailable`, and are
    /// recorded. Whether the person may sign in to the machine is not decided here. Throws when the store does.
    public func desktopPerson(
        assertion: String,
        nonce: String,
        hostName: String,
        machine: ResourcePath
    ) async throws -> Verdict<Subject> {
        let (verdict, person) = try await self.judge(
            assertion: assertion,
            nonce: nonce,
            hostName: hostName,
            machine: machine
        )
        if case .refused(let refusal) = verdict {
            try await self.audit.record(
                AuditEvent(
                    at: self.clock.now,
                    actor: person?.id,
                    actorName: person?.userPrincipalName ?? "",
                    action: "desktop.signIn",
                    target: PrintableText.of(hostName, limit: 253),
                    outcome: .refused,
                    reason: refusal.sentence,
                    details: ["code": refusal.code]
                )
            )
        }
        return verdict
    }

    private func judge(
        assertion text: String,
        nonce: String,
        hostName: String,
        machine: ResourcePath
    ) async throws -> (Verdict<Subject>, User?) {
        let assertion: DesktopAssertion
        let claims: TokenClaims
        do throws(DesktopAssertion.Flaw) {
            assertion = try DesktopAssertion(text, nonce: nonce, hostName: hostName, now: self.clock.now)
        } catch {
            return (.refused(.desktopToken("The client's proof does not hold: \(error.rawValue).")), nil)
        }
        do throws(Problem) {
            claims = try self.claims(of: assertion.accessToken, for: .desktopSignIn)
        } catch {
            return (.refused(.desktopToken("The access token does not hold: \(error.shown)")), nil)
        }
        guard DesktopResource(claims.audience)?.hostName.lowercased() == assertion.resource.hostName.lowercased() else {
            return (.refused(.desktopToken("The access token is for another machine.")), nil)
        }
        guard claims.all["scp"]?.string?.split(separator: " ").contains("user_impersonation") == true else {
            return (.refused(.desktopToken("The access token does not let the client act for a person.")), nil)
        }
        guard claims.all["cnf"]?["kid"]?.string == assertion.thumbprint else {
            return (.refused(.desktopToken("The access token is bound to another key.")), nil)
        }
        guard let user = try await self.directory.user(claims.id),
            let account = try await self.directory.account(user.id)
        else { return (.refused(.desktopLogonFailure("The account does not exist any more.")), nil) }
        if let refusal = Self.refusal(of: user, tokenIssuedAt: claims.issuedAt) { return (.refused(refusal), user) }
        guard try await self.isAllowed(assertion.resource, on: machine, by: user) else {
            return (.refused(.desktopToken("The access token is for another machine of that name.")), user)
        }
        // Last, so that nobody but who holds the key can use a nonce up.
        switch self.desktopNonces.use(assertion.authorityNonce, by: user.id) {
        case .fresh: return (.allowed(account.subject), user)
        case .unknown:
            return (
                .refused(.desktopToken("The authority's nonce is not one of ours, or older than ten minutes.")), user
            )
        case .used: return (.refused(.desktopToken("The client's proof was used before.")), user)
        case .full: return (.refused(.tooManyDesktopSignIns), user)
        }
    }

    private func isAllowed(_ resource: DesktopResource, on machine: ResourcePath, by user: User) async throws -> Bool {
        do {
            let host = try await self.desktopHost(resource, for: user)
            guard host.machine == machine else { return false }
            return try await self.desktopConsents.isRemembered(host, of: user.id)
        } catch is OAuthError {
            return false
        }
    }

    private static func refusal(of user: User, tokenIssuedAt: Int64) -> Refusal? {
        guard user.accountEnabled else { return .accountDisabled(user.userPrincipalName) }
        guard Instant(seconds: tokenIssuedAt) >= user.tokensValidFrom else {
            return .desktopLogonFailure("The sign-in was revoked.")
        }
        guard !user.mustChangePassword else {
            return Refusal(
                "PasswordExpired",
                reason: "The password of \(PrintableText.of(user.userPrincipalName)) is temporary.",
                remedy: "Sign in with a browser and replace it, then connect again."
            )
        }
        return user.isGuest ? .guestNotAllowed(user.userPrincipalName) : nil
    }
}

extension AuthorizationRequest {
    /// The client that may only ask for desktops.
    static let desktopClient = ClientApplication.remoteDesktop.appID
}

extension Refusal {
    fileprivate static func desktopToken(_ reason: String) -> Refusal {
        Refusal("DesktopTokenNotValid", reason: reason, remedy: "Connect again.")
    }

    fileprivate static func desktopLogonFailure(_ reason: String) -> Refusal {
        Refusal("LogonFailure", reason: reason, remedy: "Sign in again.")
    }

    fileprivate static let tooManyDesktopSignIns = Refusal(
        "ServersUnavailable",
        reason: "Too many desktop sign-ins in the last ten minutes.",
        remedy: "Wait a few minutes and connect again."
    )
}
