import Audit
import Crypto
import Foundation
import Identity
import Keys
import Passwords
import SQLiteStorage
import Storage
import TestKit
import Vocabulary

@testable import Federation

/// A small tenant with everything that signing in needs, on a clock that tests turn.
struct SignInWorld {
    static let tenantID = GUID(high: 0x1111_1111_2222_3333, low: 0x4444_5555_5555_5555)
    static let az = ClientApplication.azureCLI.appID
    static let robot = GUID(high: 0x7777_0000_0000_4000, low: 0x8000_0000_0000_0007)
    static let password = "Tr0ub4dor&3-horse"
    static let robotSecret = "robot-secret-with-length-42"
    static let loopback = "http://localhost:41234"
    static let armScope = "https://sally.example:8443/management//.default offline_access openid profile"
    static let sshScope = "https://pas.windows.net/CheckMyAccess/Linux/.default offline_access openid profile"
    // RFC 7636 appendix B.
    static let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    static let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    let clock = TurnedClock()
    let random = SeededRandom()
    let database: SQLiteDatabase
    let directory: Directory
    let keys: SigningKeys
    let federation: Federation
    let alice: User

    init() async throws {
        let database = try await MemoryStore.make(
            AuditLog.migrations + SigningKeys.migrations + Directory.migrations + Federation.migrations
        )
        let audit = AuditLog(database: database)
        self.database = database
        self.keys = SigningKeys(
            database: database,
            audit: audit,
            clock: self.clock.source,
            random: self.random.source,
            sealing: try SealingKey(bytes: Array(repeating: 7, count: 32))
        )
        try await self.keys.load()
        self.directory = Directory(
            tenant: try Tenant(id: Self.tenantID, displayName: "Contoso", domains: ["contoso.example"]),
            database: database,
            audit: audit,
            clock: self.clock.source,
            random: self.random.source,
            passwords: PasswordHasher()
        )
        try await self.directory.load()
        self.alice = try await self.directory.put(
            user: UserDraft(userPrincipalName: "Alice@contoso.example", displayName: "Alice Liddell"),
            password: Secret(Array(Self.password.utf8))
        ).value
        try await self.directory.put(
            servicePrincipal: ServicePrincipalDraft(appID: Self.robot, displayName: "ci-robot"),
            secret: Secret(Array(Self.robotSecret.utf8))
        )
        self.federation = Federation(
            directory: self.directory,
            keys: self.keys,
            database: database,
            audit: audit,
            clock: self.clock.source,
            random: self.random.source,
            origin: try ServiceOrigin(base: "https://sally.example:8443")
        )
        self.clock.turn(.seconds(5))
    }

    static let circumstances = Circumstances(source: "203.0.113.9", correlation: "c0ffee00-0000-4000-8000-000000000000")

    /// A request at the token endpoint.
    func ask(
        _ fields: [String: String],
        version: EndpointVersion = .v2,
        tenant: String = "organizations"
    ) async -> TokenOutcome {
        do throws(OAuthError) {
            let request = try TokenRequest(
                fields: fields,
                tenant: tenant,
                version: version,
                circumstances: Self.circumstances
            )
            return await self.federation.token(request: request)
        } catch {
            return .refused(error)
        }
    }

    func tokens(
        _ fields: [String: String],
        version: EndpointVersion = .v2,
        tenant: String = "organizations"
    ) async throws -> TokenResponse {
        switch await self.ask(fields, version: version, tenant: tenant) {
        case .tokens(let response): return response
        case .refused(let error): throw error
        }
    }

    func refusal(
        _ fields: [String: String],
        version: EndpointVersion = .v2,
        tenant: String = "organizations"
    ) async -> OAuthError? {
        guard case .refused(let error) = await self.ask(fields, version: version, tenant: tenant) else { return nil }
        return error
    }

    func passwordGrant(_ more: [String: String] = [:]) -> [String: String] {
        [
            "grant_type": "password", "client_id": Self.az.description, "username": "alice@contoso.example",
            "password": Self.password, "scope": Self.armScope,
        ].merging(more) { $1 }
    }

    func robotGrant(_ more: [String: String] = [:]) -> [String: String] {
        [
            "grant_type": "client_credentials", "client_id": Self.robot.description, "client_secret": Self.robotSecret,
            "scope": "https://management.core.windows.net//.default",
        ].merging(more) { $1 }
    }

    func refreshGrant(_ token: Secret<String>?, _ more: [String: String] = [:]) -> [String: String] {
        [
            "grant_type": "refresh_token", "client_id": Self.az.description,
            "refresh_token": token?.withValue { $0 } ?? "", "scope": Self.armScope,
        ].merging(more) { $1 }
    }

    /// A code for Alice, as the browser would carry it.
    func code(_ more: [String: String] = [:]) async throws -> String {
        let reply = await self.federation.authorize(
            [
                "client_id": Self.az.description, "response_type": "code", "redirect_uri": Self.loopback,
                "scope": Self.armScope, "code_challenge": Self.challenge, "code_challenge_method": "S256",
                "nonce": "n-0S6", "state": "xyz",
            ].merging(more) { $1 },
            tenant: "organizations",
            version: .v2,
            browser: nil,
            circumstances: Self.circumstances
        )
        guard case .page(.credentials(let page), _) = reply.outcome else { throw Unexpected(what: "\(reply.outcome)") }
        let answer = await self.federation.answer(
            .credentials(name: "alice@contoso.example", password: Secret(Array(Self.password.utf8))),
            flow: page.flow,
            browser: reply.browser?.withValue { $0 },
            circumstances: Self.circumstances
        )
        guard
            case .redirect(let target) = answer.outcome,
            let found = URLComponents(string: target)?.queryItems?.first(where: { $0.name == "code" })?.value
        else { throw Unexpected(what: "\(answer.outcome)") }
        return found
    }

    func codeGrant(_ code: String, _ more: [String: String] = [:]) -> [String: String] {
        [
            "grant_type": "authorization_code", "client_id": Self.az.description, "code": code,
            "redirect_uri": Self.loopback, "code_verifier": Self.verifier, "scope": Self.armScope,
        ].merging(more) { $1 }
    }

    static func claims(_ token: Secret<String>?) throws -> JSONValue {
        try JWS.split(token?.withValue { $0 } ?? "").claims
    }

    static func header(_ token: Secret<String>?) throws -> JSONValue {
        try JWS.split(token?.withValue { $0 } ?? "").header
    }
}

struct Unexpected: Error {
    let what: String
}
