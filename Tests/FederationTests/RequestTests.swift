import Testing
import Vocabulary

@testable import Federation

@Suite("Proof keys")
struct CodeChallengeTests {
    @Test("accepts the verifier of RFC 7636 appendix B")
    func vector() throws {
        let challenge = try #require(try CodeChallenge(challenge: SignInWorld.challenge, method: "S256"))
        #expect(challenge.accepts(verifier: SignInWorld.verifier))
        #expect(!challenge.accepts(verifier: SignInWorld.verifier + "x"))
        #expect(!challenge.accepts(verifier: SignInWorld.challenge))
        #expect(!challenge.accepts(verifier: ""))
    }

    @Test("refuses the plain method, a missing method and odd lengths", arguments: ["plain", nil, "s256"])
    func methods(method: String?) {
        #expect(throws: OAuthError.challengeInvalid) {
            try CodeChallenge(challenge: SignInWorld.challenge, method: method)
        }
        #expect(throws: OAuthError.challengeInvalid) { try CodeChallenge(challenge: "short", method: "S256") }
        #expect(throws: OAuthError.challengeInvalid) { try CodeChallenge(challenge: nil, method: "S256") }
    }
}

@Suite("Scopes")
struct ScopeRequestTests {
    let origin: ServiceOrigin

    init() throws {
        self.origin = try ServiceOrigin(base: "https://sally.example:8443")
    }

    @Test("keeps the doubled slash of a resource that ends in one")
    func doubledSlash() throws {
        let scope = try ScopeRequest(scope: "https://management.core.windows.net//.default openid", origin: self.origin)
        #expect(try scope.single == .init(name: "https://management.core.windows.net/", audience: .resourceManager))
        #expect(scope.text == "https://management.core.windows.net//.default openid")
        #expect(scope.wantsIDToken)
        #expect(!scope.wantsRefreshToken)
    }

    @Test(
        "tells the parts of the service apart",
        arguments: [
            ("https://sally.example:8443/.default", Audience.graph), ("https://graph.microsoft.com/.default", .graph),
            ("https://sally.example:8443/management/.default", .resourceManager),
            ("https://management.azure.com/user_impersonation", .resourceManager),
            ("https://pasff.usgovcloudapi.net/CheckMyAccess/Linux/.default", .linuxSignIn),
            ("https://sally.example:8443/CheckMyAccess/Linux/.default", .linuxSignIn),
            ("https://sally.example:8443/hosts/.default", .machine),
        ]
    )
    func audiences(scope: String, audience: Audience) throws {
        #expect(try ScopeRequest(scope: scope, origin: self.origin).single.audience == audience)
    }

    @Test("refuses foreign resources, narrower permissions, several resources and none")
    func refusals() throws {
        func code(_ scope: String) -> Int? {
            do throws(OAuthError) {
                _ = try ScopeRequest(scope: scope, origin: self.origin).single
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code("https://evil.example/.default") == 500011)
        #expect(code("https://sally.example:8443///.default") == 500011)
        #expect(code("https://SALLY.example:8443/.default") == 500011)
        #expect(code("User.Read") == 650053)
        #expect(code("https://graph.microsoft.com/User.Read") == 650053)
        #expect(code("https://graph.microsoft.com/.default https://management.azure.com/.default") == 28000)
        #expect(code("openid profile") == 70011)
        #expect(code("") == 900144)
        #expect(code("openid\u{7}") == 70011)
    }
}

@Suite("Token requests")
struct TokenRequestTests {
    static func read(_ fields: [String: String]) -> OAuthError? {
        do throws(OAuthError) {
            _ = try TokenRequest(
                fields: fields,
                tenant: "organizations",
                version: .v2,
                circumstances: SignInWorld.circumstances
            )
            return nil
        } catch {
            return error
        }
    }

    static let az = SignInWorld.az.description

    @Test("refuses unknown grant types and token types instead of falling back")
    func unknownTypes() {
        #expect(
            Self.read(["grant_type": "urn:ietf:params:oauth:grant-type:saml2-bearer", "client_id": Self.az])?.code
                == 70003
        )
        #expect(Self.read(["grant_type": "", "client_id": Self.az])?.code == 70003)
        #expect(Self.read(["client_id": Self.az])?.code == 900144)
        #expect(
            Self.read(["grant_type": "client_credentials", "client_id": Self.az, "token_type": "mac"])?.code == 90023
        )
    }

    @Test("refuses two client credentials at once")
    func twoCredentials() {
        let fields = [
            "grant_type": "client_credentials", "client_id": Self.az, "client_secret": "a", "client_assertion": "b",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ]
        #expect(Self.read(fields)?.code == 9_002_313)
    }

    @Test("wants a JSON Web Key for an SSH certificate")
    func certificateKey() {
        let fields = ["grant_type": "client_credentials", "client_id": Self.az, "token_type": "ssh-cert"]
        #expect(Self.read(fields)?.code == 900144)
        #expect(Self.read(fields.merging(["req_cnf": "[1]"]) { $1 })?.code == 90023)
        #expect(Self.read(fields.merging(["req_cnf": "{}", "key_id": "k"]) { $1 }) == nil)
    }
}

@Suite("Error answers")
struct OAuthErrorTests {
    @Test("says interaction_required on version 1 where version 2 says invalid_grant")
    func versions() {
        let error = OAuthError(
            "invalid_grant",
            50076,
            "Multi-factor authentication is required.",
            suberror: "basic_action"
        )
        #expect(error.word(for: .v1) == "interaction_required")
        #expect(error.word(for: .v2) == "invalid_grant")
        #expect(OAuthError.badGrant.word(for: .v1) == "invalid_grant")
    }

    @Test("carries number, identifiers and time")
    func envelope() throws {
        let trace = GUID(high: 1, low: 2)
        let body = OAuthError.badGrant.document(
            version: .v2,
            at: Instant(seconds: 1_767_225_600),
            trace: trace,
            correlation: "c",
            origin: try ServiceOrigin(base: "https://sally.example")
        )
        #expect(body["error"] == "invalid_grant")
        #expect(body["error_codes"] == [70000])
        #expect(body["suberror"] == "bad_token")
        #expect(body["timestamp"] == "2026-01-01 00:00:00Z")
        #expect(body["error_description"]?.string?.hasPrefix("AADSTS70000: ") == true)
        #expect(body["error_description"]?.string?.hasSuffix("Timestamp: 2026-01-01 00:00:00Z") == true)
    }
}

@Suite("Addresses of the service")
struct ServiceOriginTests {
    @Test(
        "refuses an address with a path, without TLS, or that is none",
        arguments: ["http://localhost:8443", "https://a.example/x", "a.example", "https://", "https://a.example?x"]
    )
    func refused(base: String) {
        #expect(throws: Problem("InvalidOrigin", shown: "")) { try ServiceOrigin(base: base) }
    }

    @Test("gives every part its own name, so that a token for one is none for another")
    func distinctNames() throws {
        for origin in [
            try ServiceOrigin(base: "https://a.example/"),
            try ServiceOrigin(base: "https://a.example", graphBase: "https://g.example"),
        ] {
            let names = Audience.allCases.flatMap(origin.names)
            #expect(Set(names).count == names.count)
            #expect(origin.audience(named: origin.resourceManagerAudience) == .resourceManager)
        }
    }
}
