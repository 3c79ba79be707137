import Audit
import Federation
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Identity
import Keys
import Passwords
import SQLiteStorage
import Storage
import TestKit
import Vocabulary

@testable import SignInRoutes

/// The routes over a small tenant, and a browser that keeps its cookie.
final class PageWorld: Sendable {
    static let tenantID = GUID(high: 0x1111_1111_2222_3333, low: 0x4444_5555_5555_5555)
    static let base = "https://sally.example:8443"
    static let az = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
    static let robot = "77770000-0000-4000-8000-000000000007"
    static let password = "Tr0ub4dor&3-horse"
    static let secret = "robot-secret-with-length-42"
    static let temporary = "Fleeting-Orchid-77"
    static let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    static let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    let clock = TurnedClock()
    let database: SQLiteDatabase
    let directory: Directory
    let federation: Federation
    let routes: SignInRoutes
    let alice: User

    init() async throws {
        let random = SeededRandom()
        let database = try await MemoryStore.make(
            AuditLog.migrations + SigningKeys.migrations + Directory.migrations + Federation.migrations
        )
        let audit = AuditLog(database: database)
        self.database = database
        let keys = SigningKeys(
            database: database,
            audit: audit,
            clock: self.clock.source,
            random: random.source,
            sealing: try SealingKey(bytes: Array(repeating: 7, count: 32))
        )
        try await keys.load()
        self.directory = Directory(
            tenant: try Tenant(id: Self.tenantID, displayName: "Contoso", domains: ["contoso.example"]),
            database: database,
            audit: audit,
            clock: self.clock.source,
            random: random.source,
            passwords: PasswordHasher()
        )
        try await self.directory.load()
        self.alice = try await self.directory.put(
            user: UserDraft(userPrincipalName: "alice@contoso.example", displayName: "Alice <Liddell>"),
            password: Secret(Array(Self.password.utf8))
        ).value
        try await self.directory.put(
            user: UserDraft(userPrincipalName: "bob@contoso.example", displayName: "Bob", mustChangePassword: true),
            password: Secret(Array(Self.temporary.utf8))
        )
        try await self.directory.put(
            servicePrincipal: ServicePrincipalDraft(appID: GUID(Self.robot), displayName: "ci-robot"),
            secret: Secret(Array(Self.secret.utf8))
        )
        let origin = try ServiceOrigin(base: Self.base)
        self.federation = Federation(
            directory: self.directory,
            keys: keys,
            database: database,
            audit: audit,
            clock: self.clock.source,
            random: random.source,
            origin: origin
        )
        self.routes = try SignInRoutes(
            federation: self.federation,
            directory: self.directory,
            keys: keys,
            origin: origin,
            clock: self.clock.source,
            random: random.source
        )
        self.clock.turn(.seconds(5))
    }

    func run(_ body: @Sendable (Browser) async throws -> Void) async throws {
        let router = Router()
        self.routes.add(to: router)
        try await Application(router: router).test(.router) { client in
            try await body(Browser(client: client))
        }
    }

    static func authorize(_ more: [String: String] = [:], endpoint: String = "organizations/oauth2/v2.0/authorize")
        -> String
    {
        let parameters = [
            "client_id": Self.az, "response_type": "code", "response_mode": "form_post",
            "redirect_uri": "http://localhost:41234", "state": "st<&\"ate",
            "scope": "\(Self.base)/management//.default offline_access openid profile",
            "code_challenge": Self.challenge, "code_challenge_method": "S256", "nonce": "n1",
            "client_info": "1", "prompt": "select_account",
            "claims": #"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#,
        ].merging(more) { $1 }
        return "/\(endpoint)?" + Self.encode(parameters)
    }

    static func encode(_ fields: [String: String]) -> String {
        fields.filter { !$0.value.isEmpty }
            .map { "\(PercentEncoding.encode($0.key))=\(PercentEncoding.encode($0.value))" }
            .joined(separator: "&")
    }
}

/// Sends requests as a browser would: keeps the cookie, follows nothing.
final class Browser: Sendable {
    let client: any TestClientProtocol
    private let cookie = Cookie()

    actor Cookie {
        var value: String?
        func set(_ value: String?) { self.value = value }
    }

    init(client: any TestClientProtocol) {
        self.client = client
    }

    func value() async -> String? { await self.cookie.value }

    func set(_ value: String?) async { await self.cookie.set(value) }

    @discardableResult
    func get(_ uri: String) async throws -> Answer {
        try await self.send(uri, .get, [:], nil)
    }

    @discardableResult
    func post(_ uri: String, _ fields: [String: String], headers: HTTPFields = [:]) async throws -> Answer {
        var headers = headers
        headers[.contentType] = headers[.contentType] ?? "application/x-www-form-urlencoded"
        let body = fields.map { "\(PercentEncoding.encode($0.key))=\(PercentEncoding.encode($0.value))" }
            .joined(separator: "&")
        return try await self.send(uri, .post, headers, ByteBuffer(string: body))
    }

    func send(_ uri: String, _ method: HTTPRequest.Method, _ more: HTTPFields, _ body: ByteBuffer?) async throws
        -> Answer
    {
        var headers = more
        if let value = await self.cookie.value { headers[.cookie] = "other=1; \(SignInRoutes.cookieName)=\(value)" }
        headers[named: "x-sallyport-source"] = "203.0.113.9"
        let response = try await self.client.execute(uri: uri, method: method, headers: headers, body: body)
        if let set = response.headers[.setCookie],
            let value = set.split(separator: "=", maxSplits: 1).last?.split(separator: ";").first
        {
            await self.cookie.set(String(value))
        }
        return Answer(status: response.status.code, headers: response.headers, text: String(buffer: response.body))
    }
}

struct Answer: Sendable {
    let status: Int
    let headers: HTTPFields
    let text: String

    /// The value of a form's hidden field, unescaped.
    func field(_ name: String) -> String? {
        guard
            let start = self.text.range(of: "name=\"\(name)\" value=\""),
            let end = self.text.range(of: "\"", range: start.upperBound..<self.text.endIndex)
        else { return nil }
        return String(self.text[start.upperBound..<end.lowerBound])
            .replacingOccurrences(of: "&lt;", with: "<").replacingOccurrences(of: "&gt;", with: ">")
            .replacingOccurrences(of: "&quot;", with: "\"").replacingOccurrences(of: "&amp;", with: "&")
    }

    var json: JSONValue { (try? JSONValue(parsing: self.text.utf8)) ?? .null }
    var policy: String { self.headers[named: "content-security-policy"] ?? "" }
    var location: String { self.headers[.location] ?? "" }
}

extension Browser {
    /// Fills in the sign-in page of an authorize request; returns what comes next.
    func signIn(
        _ uri: String,
        name: String = "alice@contoso.example",
        password: String = PageWorld.password
    ) async throws -> Answer {
        let page = try await self.get(uri)
        return try await self.post(
            "/signin",
            ["flow": page.field("flow") ?? "", "username": name, "password": password, "action": "signin"]
        )
    }
}
