public import Identity
import Keys
public import Vocabulary

/// Checking tokens that are presented to this installation. Source: RFC 8725; Microsoft identity platform, access tokens, validation.
extension Federation {
    /// Checks an `Authorization` header and says who calls.
    ///
    /// Throws `AuthenticationFailed` without a bearer token, `InvalidAuthenticationToken`, `ExpiredAuthenticationToken`,
    /// `InvalidAuthenticationTokenAudience`, `InvalidAuthenticationTokenTenant`, or `ServiceUnavailable` when the store cannot be read.
    public func caller(authorization header: String?, for audience: Audience) async throws(Problem) -> Caller {
        guard let header else {
            throw Problem(
                "AuthenticationFailed",
                shown: "Authentication failed. The 'Authorization' header is missing."
            )
        }
        let parts = header.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "bearer", !parts[1].isEmpty else {
            throw Problem(
                "AuthenticationFailed",
                shown: "Authentication failed. The 'Authorization' header is not in a valid format."
            )
        }
        return try await self.caller(token: String(parts[1]), for: audience)
    }

    /// Checks a token and says who calls; throws as for a header.
    public func caller(token: String, for audience: Audience) async throws(Problem) -> Caller {
        let claims = try self.claims(of: token, for: audience)
        return Caller(
            subject: try await self.subject(claims.id, issuedAt: claims.issuedAt),
            appID: claims.appID,
            tokenID: claims.tokenID,
            issuedAt: Instant(seconds: claims.issuedAt),
            expiresAt: Instant(seconds: claims.expiresAt),
            methods: claims.all["amr"]?.array?.compactMap(\.string) ?? []
        )
    }

    /// What a token says that is ours, for that audience, and in time. Whether its holder still counts is not looked at.
    struct TokenClaims: Sendable {
        let all: JSONValue
        let audience: String
        let id: GUID
        let appID: GUID
        let tokenID: String
        let issuedAt: Int64
        let expiresAt: Int64
    }

    /// Checks a token without looking at its holder; throws as for a header.
    func claims(of token: String, for audience: Audience) throws(Problem) -> TokenClaims {
        let claims = try self.keys.verify(token)
        let now = self.clock.now.seconds
        guard
            claims["ver"]?.string == "1.0",
            let issuer = claims["iss"]?.string,
            let named = claims["aud"]?.string,
            let tenant = claims["tid"]?.string,
            let id = claims["oid"]?.string.flatMap({ GUID($0) }),
            let appID = claims["appid"]?.string.flatMap({ GUID($0) }),
            let tokenID = claims["uti"]?.string,
            let issuedAt = claims["iat"]?.integer,
            let notBefore = claims["nbf"]?.integer,
            let expiresAt = claims["exp"]?.integer
        else { throw .invalidToken("a claim is missing") }
        guard
            tenant == self.tenant.id.description,
            issuer == self.origin.issuer(tenant: self.tenant.id, version: .v1)
        else {
            throw Problem(
                "InvalidAuthenticationTokenTenant",
                shown: "The access token is from the wrong issuer. It must match the tenant of this service.",
                logged: "iss \(PrintableText.of(issuer)) tid \(PrintableText.of(tenant))"
            )
        }
        guard self.origin.audience(named: named) == audience else {
            throw Problem(
                "InvalidAuthenticationTokenAudience",
                shown: "The access token has been obtained for a wrong audience. "
                    + "Ask for '\(self.origin.names(of: audience)[0])/.default'.",
                logged: "aud \(PrintableText.of(named))"
            )
        }
        guard expiresAt > now else {
            throw Problem("ExpiredAuthenticationToken", shown: "The access token expiry is in the past. Sign in again.")
        }
        guard notBefore <= now + Self.clockSkew, issuedAt <= now + Self.clockSkew else {
            throw .invalidToken("not yet valid")
        }
        return TokenClaims(
            all: claims,
            audience: named,
            id: id,
            appID: appID,
            tokenID: tokenID,
            issuedAt: issuedAt,
            expiresAt: expiresAt
        )
    }

    // Only servers of this installation issue tokens; their clocks may differ a little. Seconds.
    private static let clockSkew: Int64 = 60

    private func subject(_ id: GUID, issuedAt: Int64) async throws(Problem) -> Subject {
        let account: Account?
        do {
            account = try await self.directory.account(id)
        } catch {
            throw Problem("ServiceUnavailable", shown: "The directory cannot be read. Try again.", logged: "\(error)")
        }
        guard let account else { throw .invalidToken("nobody has the object id \(id)") }
        guard account.isEnabled else { throw .invalidToken("\(id) is disabled") }
        guard Instant(seconds: issuedAt) >= account.tokensValidFrom else { throw .invalidToken("\(id) was revoked") }
        return account.subject
    }

    /// A token for the identity of a machine, which has proved itself by other means.
    ///
    /// Throws `invalid_resource` for a resource that is none of ours and `Forbidden` for an identity that is disabled or no machine's.
    public func issueManagedIdentityToken(
        for principal: ServicePrincipal,
        resource: String
    ) async throws(Problem) -> ManagedIdentityToken {
        guard principal.kind == .managedIdentity, principal.accountEnabled else {
            throw Problem("Forbidden", shown: "This identity cannot get tokens.", logged: "\(principal.id)")
        }
        guard let audience = self.origin.audience(named: resource),
            audience == .resourceManager
                || audience == .graph || audience == .machine
        else {
            throw Problem(
                "invalid_resource",
                shown: "AADSTS500011: The resource principal named '\(PrintableText.of(resource, limit: 128))' was not "
                    + "found in the tenant."
            )
        }
        do {
            let minted = try self.mint.accessToken(
                for: .servicePrincipal(principal),
                resource: resource,
                client: principal.appID,
                proof: .assertion,
                methods: ["rsa"],
                source: "",
                lifetime: TokenMint.managedIdentityLifetime
            )
            return ManagedIdentityToken(
                accessToken: minted.text,
                notBefore: Instant(seconds: minted.notBefore),
                expiresOn: Instant(seconds: minted.expiresAt),
                resource: resource,
                clientID: principal.appID
            )
        } catch {
            throw Problem("ServiceUnavailable", shown: "No token can be signed. Try again.", logged: "\(error)")
        }
    }
}

extension Problem {
    fileprivate static func invalidToken(_ detail: String) -> Problem {
        Problem("InvalidAuthenticationToken", shown: "The access token is invalid.", logged: detail)
    }
}
