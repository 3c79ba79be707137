import Identity
import Keys
import Vocabulary

/// The token endpoint. Source: RFC 6749 sections 4 to 6.
extension Federation {
    /// Answers a request at the token endpoint.
    public func token(request: TokenRequest) async -> TokenOutcome {
        do {
            try await self.removeExpiredNowAndThen()
            return .tokens(try await self.issue(request))
        } catch let error as OAuthError {
            await self.noteRefusal(error, request)
            return .refused(error)
        } catch {
            return .refused(.trouble("\(error)"))
        }
    }

    private func issue(_ request: TokenRequest) async throws -> TokenResponse {
        let word = try self.tenantWord(request.tenant)
        let application = try await self.directory.application(request.clientID)
        let proof = try await self.proof(request, application: application)
        var entitlement: Entitlement
        switch request.grant {
        case .clientCredentials:
            guard word == .tenant else { throw OAuthError.tenantNeeded }
            entitlement = try await self.clientCredentials(request, proof: proof)
        case .password(let name, let password):
            guard word != .common else { throw OAuthError.passwordNeedsTenant }
            entitlement = try await self.password(name, password, request)
        case .authorizationCode(let code, let redirectURI, let verifier):
            entitlement = try await self.redeem(code, redirectURI: redirectURI, verifier: verifier, request)
        case .refreshToken(let token):
            entitlement = try await self.refresh(token, isFamily: application?.isFamily ?? false, request)
        case .deviceCode(let code):
            entitlement = try await self.device(code, request)
        }
        return try await self.respond(to: request, entitlement, proof: proof, isFamily: application?.isFamily ?? false)
    }

    private func respond(
        to request: TokenRequest,
        _ entitlement: Entitlement,
        proof: ClientProof,
        isFamily: Bool
    ) async throws -> TokenResponse {
        let (tokenType, minted) = try await self.access(request, entitlement, proof: proof)
        var refreshToken: Secret<String>?
        var idToken: Secret<String>?
        var clientInfo: String?
        if case .user(let user) = entitlement.holder, let authentication = entitlement.authentication {
            if entitlement.scope.wantsRefreshToken {
                refreshToken = try await self.refreshTokens.issue(authentication, client: request.clientID)
            }
            if entitlement.scope.wantsIDToken {
                idToken = try self.mint.idToken(
                    for: user,
                    client: request.clientID,
                    nonce: entitlement.nonce,
                    authentication: authentication,
                    version: request.version
                )
            }
            if request.wantsClientInfo { clientInfo = self.clientInfo(user.id) }
        }
        try await self.noteIssue(request, entitlement, tokenType: tokenType, tokenID: minted.id)
        return TokenResponse(
            tokenType: tokenType,
            accessToken: minted.text,
            expiresIn: minted.expiresAt - minted.notBefore,
            notBefore: minted.notBefore,
            expiresOn: minted.expiresAt,
            scope: entitlement.scope.text,
            resource: entitlement.resource.name,
            refreshToken: refreshToken,
            idToken: idToken,
            clientInfo: clientInfo,
            isFamily: isFamily
        )
    }

    private func access(
        _ request: TokenRequest,
        _ entitlement: Entitlement,
        proof: ClientProof
    ) async throws -> (String, TokenMint.Minted) {
        guard let wish = request.certificate else {
            try await self.checkDesktop(request, entitlement)
            return (
                request.wantsProofToken ? "pop" : "Bearer",
                try self.mint.accessToken(
                    for: entitlement.holder,
                    resource: entitlement.resource.name,
                    client: request.clientID,
                    proof: proof,
                    methods: entitlement.methods,
                    source: request.circumstances.source,
                    confirmation: request.confirmation
                )
            )
        }
        guard entitlement.resource.audience == .linuxSignIn else {
            throw OAuthError.scope(
                "SSH certificates are issued for 'https://pas.windows.net/CheckMyAccess/Linux/.default'"
            )
        }
        guard let issuer = self.certificateIssuer else { throw OAuthError.trouble("no certificate issuer") }
        guard let subject = try await self.directory.subject(entitlement.holder.id) else {
            throw OAuthError.accountGone
        }
        let verdict = await issuer.issue(
            CertificateOrder(
                subject: subject,
                appID: request.clientID,
                key: wish.key,
                keyID: wish.keyID,
                methods: entitlement.methods,
                source: request.circumstances.source,
                correlation: request.circumstances.correlation
            )
        )
        switch verdict {
        case .refused(let refusal): throw OAuthError(refusal)
        case .allowed(let certificate):
            let now = self.clock.now.seconds
            let minted = TokenMint.Minted(
                text: Secret(certificate.blobBase64),
                id: wish.keyID,
                issuedAt: now,
                notBefore: now,
                expiresAt: now + certificate.expiresIn
            )
            return ("ssh-cert", minted)
        }
    }

    private func clientInfo(_ user: GUID) -> String {
        let document: JSONValue = ["uid": .string(user.description), "utid": .string(self.tenant.id.description)]
        return Base64URL.encode(document.bytes)
    }

    private func noteIssue(
        _ request: TokenRequest,
        _ entitlement: Entitlement,
        tokenType: String,
        tokenID: String
    ) async throws {
        let name =
            switch entitlement.holder {
            case .user(let user): user.userPrincipalName
            case .servicePrincipal(let principal): principal.displayName
            }
        try await self.record(
            "token.issue",
            actor: entitlement.holder.id,
            name: name,
            target: entitlement.resource.name,
            request.circumstances,
            details: [
                "client": request.clientID.description, "grant": request.grant.name, "tokenType": tokenType,
                "token": tokenID,
            ]
        )
    }

    // A program that polls is no news.
    private func noteRefusal(_ error: OAuthError, _ request: TokenRequest) async {
        guard error.error != "authorization_pending", error.error != "slow_down", error.status < 429 else { return }
        try? await self.record(
            "token.issue",
            actor: nil,
            name: request.clientID.description,
            target: request.scope ?? request.resource ?? "",
            refusal: error,
            request.circumstances,
            details: ["grant": request.grant.name, "detail": error.logged]
        )
    }
}

extension TokenRequest.Grant {
    /// The name for the record.
    var name: String {
        switch self {
        case .authorizationCode: "authorization_code"
        case .refreshToken: "refresh_token"
        case .deviceCode: "device_code"
        case .clientCredentials: "client_credentials"
        case .password: "password"
        }
    }
}
