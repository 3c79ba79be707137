import Crypto
import CryptoExtras
import Identity
import Keys
import TestKit
import Testing
import Vocabulary

@testable import Federation

@Suite("Desktop clients' assertions")
struct DesktopAssertionTests {
    @Test("says who sits at the client")
    func good() async throws {
        let desktop = try await DesktopWorld()
        let assertion = try desktop.assertion(try await desktop.token())
        guard case .allowed(let subject) = try await desktop.judge(assertion, hostName: "VM1") else {
            throw Unexpected(what: "refused")
        }
        #expect(subject.id == desktop.world.alice.id)
        #expect(subject.kind == .member)
    }

    @Test("counts each assertion once, and each nonce of the authority once")
    func replay() async throws {
        let desktop = try await DesktopWorld()
        let token = try await desktop.token()
        let nonce = desktop.world.federation.desktopNonce()
        let claims: [String: JSONValue?] = ["client_claims": .string(#"{"aad_nonce":"\#(nonce)"}"#)]
        let assertion = try desktop.assertion(token, claims)
        #expect(try await desktop.refusal(assertion) == nil)
        #expect(try await desktop.refusal(assertion)?.code == "DesktopTokenNotValid")
        desktop.world.clock.turn(.seconds(1))
        let second = try desktop.assertion(token, claims)
        #expect(try await desktop.refusal(second)?.reason == "The client's proof was used before.")
    }

    struct Change: Sendable {
        let name: String
        let value: JSONValue?
        let flaw: DesktopAssertion.Flaw

        init(_ name: String, _ value: JSONValue?, _ flaw: DesktopAssertion.Flaw = .malformed) {
            self.name = name
            self.value = value
            self.flaw = flaw
        }
    }

    static let misfits = [
        Change("nonce", "another", .nonce),
        Change("nonce", nil),
        Change("u", "ms-device-service://termsrv.wvd.microsoft.com/name/vm2", .host),
        Change("u", "ms-device-service://termsrv.wvd.microsoft.com/name/vm1.evil.example", .host),
        Change("u", nil),
        Change("u", "vm1"),
        Change("ts", "x"),
        Change("ts", nil),
        Change("ts", "-5"),
        Change("ts", "1", .time),
        Change("ts", "99999999999", .time),
        Change("ts", 1, .time),
        Change("at", nil),
        Change("client_claims", nil),
        Change("client_claims", "{}"),
        Change("client_claims", "["),
        Change("client_claims", #"{"aad_nonce":"a","aad_nonce":"b"}"#),
        Change("cnf", nil),
        Change("cnf", ["kid": "x"]),
        Change("cnf", ["jwk": ["kty": "EC"]], .key),
        Change("cnf", ["jwk": ["kty": "RSA", "n": "AQAB", "e": "AQAB"]], .key),
        Change("cnf", ["jwk": ["kty": "RSA", "n": "A\",\"x\":\"", "e": "AQAB"]], .key),
        Change("cnf", ["jwk": ["kty": "RSA", "n": .string(String(repeating: "A", count: 1402)), "e": "AQAB"]], .key),
    ]

    @Test("refuses claims that do not fit, each for its own reason", arguments: Self.misfits)
    func claims(_ change: Change) async throws {
        let desktop = try await DesktopWorld()
        let assertion = try desktop.assertion("token", [change.name: change.value])
        #expect(throws: change.flaw) {
            try DesktopAssertion(assertion, nonce: "our-nonce", hostName: "vm1", now: desktop.world.clock.now)
        }
        #expect(try await desktop.refusal(assertion)?.code == "DesktopTokenNotValid")
    }

    @Test("allows clocks to be five minutes apart, not more", arguments: [-301, -300, 0, 300, 301])
    func clocks(offset: Int64) async throws {
        let desktop = try await DesktopWorld()
        let time = String(desktop.world.clock.now.seconds + offset)
        let assertion = try desktop.assertion(try await desktop.token(), ["ts": .string(time)])
        #expect((try await desktop.refusal(assertion) == nil) == (abs(offset) <= 300))
    }

    @Test("refuses other algorithms, none among them", arguments: ["none", "HS256", "PS256", "ES256", "RS512", ""])
    func algorithms(name: String) async throws {
        let desktop = try await DesktopWorld()
        let assertion = try desktop.assertion(try await desktop.token(), header: ["alg": .string(name)])
        #expect(
            try await desktop.refusal(assertion)?.reason
                == "The client's proof does not hold: it is not signed with RS256."
        )
    }

    @Test("refuses a signature by another key than the one it brings, and a changed one")
    func signature() async throws {
        let desktop = try await DesktopWorld()
        let token = try await desktop.token()
        let forged = try desktop.assertion(token, signedBy: DesktopWorld.otherKey.get())
        #expect(try await desktop.refusal(forged)?.reason.contains("signature") == true)
        let good = try desktop.assertion(token)
        let cut = String(good[...(good.lastIndex(of: ".") ?? good.startIndex)])
        #expect(try await desktop.refusal(cut) != nil)
    }

    @Test("refuses a token that is bound to another key: who steals a token has nothing")
    func stolen() async throws {
        let desktop = try await DesktopWorld()
        let assertion = try desktop.assertion(try await desktop.token(), jwkOf: DesktopWorld.otherKey.get())
        #expect(try await desktop.refusal(assertion)?.reason == "The access token is bound to another key.")
    }

    @Test("refuses repeated members, junk, and what is too long")
    func junk() async throws {
        let desktop = try await DesktopWorld()
        let key = try DesktopWorld.key.get()
        let repeated = Array(#"{"nonce":"our-nonce","nonce":"other"}"#.utf8)
        let inputs = [
            "", ".", "..", "a.b.c", String(repeating: "A", count: 70_000),
            try DesktopWorld.sign(["alg": "RS256"], repeated, by: key),
            try DesktopWorld.sign(["alg": "RS256", "crit": ["x"]], Array("{}".utf8), by: key),
            try DesktopWorld.sign(["alg": "RS256"], Array("[]".utf8), by: key),
            try DesktopWorld.sign(["alg": "RS256"], Array("{}".utf8), by: key),
        ]
        for input in inputs {
            #expect(try await desktop.refusal(input)?.code == "DesktopTokenNotValid")
        }
    }

    static let wrongTokens = [
        Change("aud", "ms-device-service://termsrv.wvd.microsoft.com/name/vm2"),
        Change("aud", "https://management.azure.com"), Change("iss", "https://login.microsoftonline.com/x/"),
        Change("tid", "00000000-0000-0000-0000-000000000009"), Change("scp", nil), Change("scp", "other"),
        Change("cnf", nil), Change("cnf", ["kid": "x"]), Change("exp", 1), Change("nbf", 99_999_999_999),
        Change("oid", nil), Change("ver", "2.0"),
    ]

    @Test("refuses tokens that are not for this", arguments: Self.wrongTokens)
    func tokens(_ change: Change) async throws {
        let desktop = try await DesktopWorld()
        var claims = try JWS.split(try await desktop.token()).claims
        claims[change.name] = change.value
        let token = try desktop.world.keys.sign(claims, with: .es256)
        #expect(try await desktop.refusal(desktop.assertion(token))?.code == "DesktopTokenNotValid")
    }

    @Test("refuses a token that is over, and one that somebody else signed")
    func foreign() async throws {
        let desktop = try await DesktopWorld()
        let token = try await desktop.token()
        let signed = try DesktopWorld.sign(["alg": "RS256"], JWS.split(token).claims.bytes, by: DesktopWorld.key.get())
        #expect(try await desktop.refusal(desktop.assertion(signed))?.code == "DesktopTokenNotValid")
        desktop.world.clock.turn(.seconds(3600))
        let late = try await desktop.refusal(desktop.assertion(token))
        #expect(late?.reason.contains("expiry") == true)
    }

    @Test("tells disabled, revoked, temporary and guest accounts apart")
    func accounts() async throws {
        let desktop = try await DesktopWorld()
        let token = try await desktop.token()
        let (directory, alice) = (desktop.world.directory, desktop.world.alice.id)
        func code() async throws -> String? { try await desktop.refusal(desktop.assertion(token))?.code }
        var draft = UserDraft(userPrincipalName: "alice@contoso.example", displayName: "Alice")
        draft.isGuest = true
        try await directory.put(user: draft)
        #expect(try await code() == "GuestNotAllowed")
        draft.isGuest = false
        draft.mustChangePassword = true
        try await directory.put(user: draft)
        #expect(try await code() == "PasswordExpired")
        draft.mustChangePassword = false
        try await directory.put(user: draft)
        #expect(try await code() == nil)
        try await directory.setEnabled(alice, false)
        #expect(try await code() == "AccountDisabled")
        try await directory.setEnabled(alice, true)
        #expect(try await code() == "LogonFailure")
    }

    @Test("leaves the nonce unused when anything else is wrong")
    func notSpoiled() async throws {
        let desktop = try await DesktopWorld()
        let token = try await desktop.token()
        let nonce: JSONValue = .string(#"{"aad_nonce":"\#(desktop.world.federation.desktopNonce())"}"#)
        #expect(try await desktop.refusal(desktop.assertion(token, ["client_claims": nonce, "nonce": "x"])) != nil)
        #expect(try await desktop.refusal(desktop.assertion(token, ["client_claims": nonce])) == nil)
    }

    @Test("takes a machine's name with its domain or without")
    func names() async throws {
        let resource = try #require(DesktopResource(DesktopResource.prefix + "vm1"))
        #expect(resource.means(hostNamed: "VM1.contoso.example"))
        #expect(!resource.means(hostNamed: "vm10"))
        let long = try #require(DesktopResource(DesktopResource.prefix + "vm1.contoso.example"))
        #expect(long.means(hostNamed: "vm1.contoso.example"))
        #expect(!long.means(hostNamed: "vm1"))
    }
}
