import Crypto
import Identity
import Keys
import Vocabulary

/// Whom a token speaks of.
enum TokenHolder: Sendable {
    case user(User)
    case servicePrincipal(ServicePrincipal)

    var id: GUID {
        switch self {
        case .user(let user): user.id
        case .servicePrincipal(let principal): principal.id
        }
    }

    var tokensValidFrom: Instant {
        switch self {
        case .user(let user): user.tokensValidFrom
        case .servicePrincipal(let principal): principal.tokensValidFrom
        }
    }

    var accountEnabled: Bool {
        switch self {
        case .user(let user): user.accountEnabled
        case .servicePrincipal(let principal): principal.accountEnabled
        }
    }
}

/// How a client proved itself, as the `appidacr` claim numbers it.
enum ClientProof: String, Sendable {
    case none = "0"
    case secret = "1"
    case assertion = "2"

    /// The `amr` of an application that signed in as itself.
    var methods: [String] {
        switch self {
        case .none: []
        case .secret: ["pwd"]
        case .assertion: ["rsa"]
        }
    }
}

/// Writes tokens. Source: Microsoft identity platform, access token claims reference (version 1.0) and ID token claims reference.
struct TokenMint: Sendable {
    struct Minted: Sendable {
        let text: Secret<String>
        let id: String
        let issuedAt: Int64
        let notBefore: Int64
        let expiresAt: Int64
    }

    static let lifetime = Duration.seconds(3600)
    static let managedIdentityLifetime = Duration.seconds(86_400)

    let keys: SigningKeys
    let origin: ServiceOrigin
    let tenant: Tenant
    let clock: TimeSource
    let random: RandomSource

    /// An access token in the 1.0 shape, which ARM and Graph use, signed ES256. The audience is the resource exactly as it was asked for.
    func accessToken(
        for holder: TokenHolder,
        resource: String,
        client: GUID,
        proof: ClientProof,
        methods: [String],
        source: String,
        confirmation: KeyConfirmation? = nil,
        lifetime: Duration = Self.lifetime
    ) throws -> Minted {
        let now = self.clock.now
        // Revocation counts in whole seconds, rounded up: a token made in the rest of that second belongs to the time after it.
        let issuedAt = max(now.seconds, holder.tokensValidFrom.seconds)
        let expiresAt = now.seconds + lifetime.milliseconds / 1000
        let id = self.random.token(bytes: 16)
        var claims: JSONValue = [
            "aud": .string(resource),
            "iss": .string(self.origin.issuer(tenant: self.tenant.id, version: .v1)),
            "iat": .integer(issuedAt),
            "nbf": .integer(now.seconds),
            "exp": .integer(expiresAt),
            "appid": .string(client.description),
            "appidacr": .string(proof.rawValue),
            "oid": .string(holder.id.description),
            "sub": .string(self.subject(holder.id, at: resource)),
            "tid": .string(self.tenant.id.description),
            "uti": .string(id),
            "ver": "1.0",
        ]
        if !source.isEmpty { claims["ipaddr"] = .string(source) }
        if let confirmation { claims["cnf"] = confirmation.claim }
        switch holder {
        case .user(let user):
            claims["idtyp"] = "user"
            claims["acr"] = "1"
            claims["amr"] = .array(methods.map { .string($0) })
            claims["scp"] = "user_impersonation"
            claims["acct"] = .integer(user.isGuest ? 1 : 0)
            claims["upn"] = .string(user.userPrincipalName)
            claims["unique_name"] = .string(user.userPrincipalName)
            claims["name"] = .string(user.displayName)
            claims["given_name"] = user.givenName.map { .string($0) }
            claims["family_name"] = user.surname.map { .string($0) }
        case .servicePrincipal(let principal):
            claims["idtyp"] = "app"
            claims["app_displayname"] = .string(principal.displayName)
            claims["amr"] = .array(methods.map { .string($0) })
            if let resource = principal.resource { claims["xms_mirid"] = .string(resource.description) }
        }
        return Minted(
            text: Secret(try self.keys.sign(claims, with: .es256)),
            id: id,
            issuedAt: issuedAt,
            notBefore: now.seconds,
            expiresAt: expiresAt
        )
    }

    /// An ID token, signed RS256 because libraries insist. Its version follows the endpoint; only version 1 tells how somebody signed in.
    func idToken(
        for user: User,
        client: GUID,
        nonce: String?,
        authentication: Authentication,
        version: EndpointVersion
    ) throws -> Secret<String> {
        let now = self.clock.now.seconds
        var claims: JSONValue = [
            "aud": .string(client.description),
            "iss": .string(self.origin.issuer(tenant: self.tenant.id, version: version)),
            "iat": .integer(now),
            "nbf": .integer(now),
            "exp": .integer(now + Self.lifetime.milliseconds / 1000),
            "auth_time": .integer(authentication.at.seconds),
            "name": .string(user.displayName),
            "oid": .string(user.id.description),
            "preferred_username": .string(user.userPrincipalName),
            "sub": .string(self.subject(user.id, at: client.description)),
            "tid": .string(self.tenant.id.description),
            "uti": .string(self.random.token(bytes: 16)),
            "ver": version == .v1 ? "1.0" : "2.0",
        ]
        if let nonce { claims["nonce"] = .string(nonce) }
        if version == .v1 {
            claims["amr"] = .array(authentication.methods.map { .string($0) })
            claims["upn"] = .string(user.userPrincipalName)
            claims["unique_name"] = .string(user.userPrincipalName)
            claims["given_name"] = user.givenName.map { .string($0) }
            claims["family_name"] = user.surname.map { .string($0) }
        }
        return Secret(try self.keys.sign(claims, with: .rs256))
    }

    // Pairwise: two applications cannot join what they know of a person by it. Source: OpenID Connect Core section 8.1.
    private func subject(_ id: GUID, at audience: String) -> String {
        let bare = audience.hasSuffix("/") ? String(audience.dropLast()) : audience
        return Base64URL.encode(SHA256.hash(data: Array("\(self.tenant.id)\n\(id)\n\(bare)".utf8)))
    }
}
