import Identity
import Keys
import Vocabulary

/// What clients prove and what they offer in exchange for tokens. Source: RFC 6749 sections 2.3, 4 and 6.
extension Federation {
    /// What a grant turned out to be worth: for whom, for what, and what else comes with it.
    struct Entitlement: Sendable {
        let holder: TokenHolder
        let authentication: Authentication?
        let methods: [String]
        let scope: ScopeRequest
        let resource: ScopeRequest.Resource
        var nonce: String?
    }

    /// Who the client is: public ones prove nothing, others must; only applications with an identity of their own can.
    func proof(_ request: TokenRequest, application: ClientApplication?) async throws -> ClientProof {
        let isPublic = application?.isPublic ?? false
        switch request.credential {
        case .none:
            if isPublic, case .clientCredentials = request.grant { throw OAuthError.credentialMissing }
            guard isPublic else {
                guard try await self.isKnown(request.clientID) || application != nil else {
                    throw OAuthError.unknownClient(request.clientID.description)
                }
                throw OAuthError.credentialMissing
            }
            return .none
        case .secret, .assertion:
            guard !isPublic else { throw OAuthError.credentialFromPublicClient }
            try await self.prove(request)
            if case .secret = request.credential { return .secret }
            return .assertion
        }
    }

    private func isKnown(_ appID: GUID) async throws -> Bool {
        try await self.directory.servicePrincipal(appID: appID)?.kind == .application
    }

    private func prove(_ request: TokenRequest) async throws {
        switch request.credential {
        case .none: break
        case .secret(let secret):
            let verdict = try await self.directory.signIn(
                appID: request.clientID,
                secret: secret,
                source: request.circumstances.source
            )
            if case .refused(let refusal) = verdict { throw OAuthError(refusal) }
        case .assertion(let text):
            let assertion = ClientAssertion(
                client: request.clientID,
                audiences: self.origin.tokenEndpoints(tenant: self.tenant),
                certificates: try await self.directory.certificates(ofApp: request.clientID),
                now: self.clock.now
            )
            if let flaw = assertion.flaw(in: text) { throw flaw }
        }
    }

    func clientCredentials(_ request: TokenRequest, proof: ClientProof) async throws -> Entitlement {
        guard
            let principal = try await self.directory.servicePrincipal(appID: request.clientID),
            principal.kind == .application
        else { throw OAuthError.unknownClient(request.clientID.description) }
        guard principal.accountEnabled else { throw OAuthError.applicationDisabled }
        let scope = try self.scope(request, remembered: nil)
        return Entitlement(
            holder: .servicePrincipal(principal),
            authentication: nil,
            methods: proof.methods,
            scope: scope,
            resource: try scope.single
        )
    }

    func password(
        _ name: String,
        _ password: Secret<[UInt8]>,
        _ request: TokenRequest
    ) async throws -> Entitlement {
        let scope = try self.scope(request, remembered: nil)
        let resource = try scope.single
        let (user, authentication) = try await self.checkPassword(name, password, request.circumstances)
        return Entitlement(
            holder: .user(user),
            authentication: authentication,
            methods: authentication.methods,
            scope: scope,
            resource: resource
        )
    }

    func redeem(
        _ code: Secret<[UInt8]>,
        redirectURI: String,
        verifier: Secret<[UInt8]>?,
        _ request: TokenRequest
    ) async throws -> Entitlement {
        let client = request.clientID
        let redemption = try await self.codes.redeem(code) { entry in
            guard entry.request.client == client, entry.request.redirectURI == redirectURI else { return .badGrant }
            if let challenge = entry.request.challenge {
                guard let verifier else { return .missing("code_verifier") }
                return challenge.accepts(verifier: verifier.text) ? nil : .verifierMismatch
            }
            // A verifier without a challenge is somebody else's code put into this exchange (RFC 9700 section 4.8.2).
            return verifier == nil ? nil : .verifierMismatch
        }
        guard case .redeemed(let entry) = redemption else {
            if case .refused(let error) = redemption { throw error }
            throw OAuthError.badGrant
        }
        let scope = try self.scope(request, remembered: (entry.request.scope, entry.request.resource))
        guard let resource = scope.resources.first else { throw OAuthError.scope("it names no resource") }
        try self.checkDesktop(resource, codeFor: entry.request)
        let user = try await self.user(behind: entry.authentication)
        return Entitlement(
            holder: .user(user),
            authentication: entry.authentication,
            methods: entry.authentication.methods,
            scope: scope,
            resource: resource,
            nonce: entry.request.nonce
        )
    }

    func refresh(
        _ token: Secret<[UInt8]>,
        isFamily: Bool,
        _ request: TokenRequest
    ) async throws -> Entitlement {
        guard let entry = try await self.refreshTokens.entry(token) else { throw OAuthError.badGrant }
        if entry.client != request.clientID {
            // Members of one family share; nobody else does.
            let issuedTo = try await self.directory.application(entry.client)
            guard isFamily, issuedTo?.isFamily == true else { throw OAuthError.badGrant }
        }
        guard entry.expiresAt > self.clock.now else { throw OAuthError.refreshExpired }
        let user = try await self.user(behind: entry.authentication)
        let scope = try self.scope(request, remembered: nil)
        // A refresh that names several resources is for the first of them.
        guard let resource = scope.resources.first else { throw OAuthError.scope("it names no resource") }
        return Entitlement(
            holder: .user(user),
            authentication: entry.authentication,
            methods: entry.authentication.methods,
            scope: scope,
            resource: resource
        )
    }

    func device(_ code: Secret<[UInt8]>, _ request: TokenRequest) async throws -> Entitlement {
        switch try await self.deviceCodes.poll(code, client: request.clientID) {
        case .refused(let error): throw error
        case .redeemed(let wish, let authentication):
            let user = try await self.user(behind: authentication)
            let scope = try self.scope(request, remembered: (wish.scope, wish.resource))
            return Entitlement(
                holder: .user(user),
                authentication: authentication,
                methods: authentication.methods,
                scope: scope,
                resource: try scope.single
            )
        }
    }

    /// The scope of a request, or what was asked for when its grant was made.
    private func scope(
        _ request: TokenRequest,
        remembered: (scope: String?, resource: String?)?
    ) throws(OAuthError) -> ScopeRequest {
        if request.version == .v1, let resource = request.resource ?? remembered?.resource {
            return try ScopeRequest(resource: resource, origin: self.origin)
        }
        guard let scope = request.scope ?? remembered?.scope else {
            throw .missing(request.version == .v1 ? "resource" : "scope")
        }
        return try ScopeRequest(scope: scope, origin: self.origin)
    }
}
