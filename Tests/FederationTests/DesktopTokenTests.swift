import Identity
import Testing
import Vocabulary

@testable import Federation

@Suite("Tokens for desktops")
struct DesktopTokenTests {
    @Test(
        "binds a token for one machine to the client's key, as FreeRDP 3 asks for it: without PKCE, with a page's address"
    )
    func token() async throws {
        let desktop = try await DesktopWorld()
        let code = try await desktop.code()
        let tokens = try await desktop.world.tokens(desktop.codeGrant(code), tenant: "common")
        let claims = try SignInWorld.claims(tokens.accessToken)
        #expect(tokens.tokenType == "Bearer")
        #expect(tokens.scope == DesktopWorld.scope())
        #expect(claims["aud"] == "ms-device-service://termsrv.wvd.microsoft.com/name/vm1")
        #expect(claims["cnf"]?["kid"]?.string == (try DesktopWorld.thumbprint(DesktopWorld.key.get())))
        #expect(claims["cnf"]?["xms_ksl"] == "sw")
        #expect(claims["scp"] == "user_impersonation")
        #expect(claims["upn"] == "Alice@contoso.example")
        #expect(claims["oid"]?.string == desktop.world.alice.id.description)
        #expect(claims["tid"]?.string == SignInWorld.tenantID.description)
        #expect(claims["appid"]?.string == "a85cf173-4192-42f8-81fa-777a763e6e2c")
    }

    @Test(
        "reads the resource in every spelling that clients use",
        arguments: [
            "ms-device-service://termsrv.wvd.microsoft.com/name/vm1/user_impersonation",
            "ms-device-service%3A%2F%2Ftermsrv.wvd.microsoft.com%2Fname%2Fvm1%2Fuser_impersonation",
            "ms-device-service://termsrv.wvd.microsoft.com/name/%76m1/user_impersonation",
        ]
    )
    func spellings(scope: String) async throws {
        let desktop = try await DesktopWorld()
        let code = try await desktop.code(["scope": scope])
        let tokens = try await desktop.world.tokens(desktop.codeGrant(code, ["scope": scope]), tenant: "common")
        let claims = try SignInWorld.claims(tokens.accessToken)
        #expect(claims["aud"] == "ms-device-service://termsrv.wvd.microsoft.com/name/vm1")
    }

    @Test(
        "reads no resource out of names that no host has",
        arguments: [
            "", "a/b", "a%2Fb", "a b", "-a", "a-", "a..b", ".", "a%00", "a%", "x@y", "[::1]", "ä", "a:3389",
            String(repeating: "a", count: 64), String(repeating: "a.", count: 127) + "a",
        ]
    )
    func illegal(host: String) {
        #expect(DesktopResource(DesktopResource.prefix + host) == nil)
    }

    @Test("sends answers only to pages of this service, under the tenant's names")
    func redirects() async throws {
        let desktop = try await DesktopWorld()
        for word in ["common", "organizations", "contoso.example", SignInWorld.tenantID.description] {
            let address = "https://sally.example:8443/\(word)/oauth2/nativeclient"
            guard case .page(.credentials, _) = await desktop.authorize(["redirect_uri": address]).outcome else {
                Issue.record("\(word) was refused")
                continue
            }
        }
        for address in [
            "https://login.microsoftonline.com/common/oauth2/nativeclient", "http://localhost:41234",
            "https://sally.example:8443/other/oauth2/nativeclient", "https://sally.example/common/oauth2/nativeclient",
        ] {
            guard case .page(.failure(let error), _) = await desktop.authorize(["redirect_uri": address]).outcome else {
                Issue.record("\(address) was accepted")
                continue
            }
            #expect(error.code == 50011)
        }
        let az = await desktop.authorize([
            "client_id": SignInWorld.az.description, "code_challenge": SignInWorld.challenge,
            "code_challenge_method": "S256",
        ])
        guard case .page(.failure(let error), _) = az.outcome else { throw Unexpected(what: "\(az.outcome)") }
        #expect(error.code == 50011)
    }

    @Test("gives the desktop client nothing but desktops, one at a time")
    func nothingElse() async throws {
        let desktop = try await DesktopWorld()
        for (scope, code) in [
            (SignInWorld.armScope, "AADSTS50147"), ("openid", "AADSTS50147"),
            (DesktopWorld.scope() + " " + DesktopWorld.scope("vm2"), "AADSTS28000"),
            (DesktopWorld.scope() + " https://graph.microsoft.com/.default", "AADSTS28000"),
        ] {
            guard case .redirect(let target) = await desktop.authorize(["scope": scope]).outcome else {
                Issue.record("\(scope) was accepted")
                continue
            }
            #expect(target.contains(code))
        }
        let challenge = ["code_challenge": SignInWorld.challenge, "code_challenge_method": "S256"]
        let arm = await desktop.authorize(challenge.merging(["scope": SignInWorld.armScope]) { $1 })
        guard case .redirect(let target) = arm.outcome else { throw Unexpected(what: "\(arm.outcome)") }
        #expect(target.contains("AADSTS65002"))
    }

    @Test("redeems a desktop's code for that desktop only, and another code for none")
    func otherScope() async throws {
        let desktop = try await DesktopWorld()
        let code = try await desktop.code()
        for scope in [SignInWorld.armScope, DesktopWorld.scope("vm2")] {
            let fields = try desktop.codeGrant(code, ["scope": scope])
            // A code is used up by the first try, whatever becomes of it.
            #expect([54005, 70000].contains(await desktop.world.refusal(fields, tenant: "common")?.code ?? 0))
        }
        let arm = try await desktop.world.code()
        let confirmation = try DesktopWorld.confirmation(DesktopWorld.key.get())
        let fields = desktop.world.codeGrant(arm, ["scope": DesktopWorld.scope(), "req_cnf": confirmation])
        #expect(await desktop.world.refusal(fields)?.code == 70000)
    }

    @Test("issues no token for a desktop without a key, and binds no other token")
    func confirmation() async throws {
        let desktop = try await DesktopWorld()
        let without = try desktop.codeGrant(try await desktop.code(), ["req_cnf": ""])
        #expect(await desktop.world.refusal(without, tenant: "common")?.code == 900_144)
        for wrong in ["e30", "{}", "!!", "eyJraWQiOiJzaG9ydCJ9", String(repeating: "A", count: 5000)] {
            let fields = desktop.world.passwordGrant(["req_cnf": wrong])
            #expect(await desktop.world.refusal(fields)?.code == 90023)
        }
        let confirmation = try DesktopWorld.confirmation(DesktopWorld.key.get())
        let arm = desktop.world.passwordGrant(["req_cnf": confirmation])
        #expect(await desktop.world.refusal(arm)?.code == 90023)
        #expect(await desktop.world.refusal(desktop.world.passwordGrant(["token_type": "pop"]))?.code == 900_144)
    }

    @Test("names a bound token as it was asked for")
    func proofToken() async throws {
        let desktop = try await DesktopWorld()
        let fields = try desktop.codeGrant(try await desktop.code(), ["token_type": "pop"])
        #expect(try await desktop.world.tokens(fields, tenant: "common").tokenType == "pop")
    }

    @Test("takes refresh tokens for a desktop that the person allowed, with a key")
    func refresh() async throws {
        let desktop = try await DesktopWorld()
        let code = try await desktop.code(["scope": DesktopWorld.scope() + " offline_access"])
        let scope = DesktopWorld.scope() + " offline_access"
        let first = try await desktop.world.tokens(desktop.codeGrant(code, ["scope": scope]), tenant: "common")
        let confirmation = try DesktopWorld.confirmation(DesktopWorld.otherKey.get())
        var fields = desktop.world.refreshGrant(
            first.refreshToken,
            ["client_id": DesktopWorld.client.description, "scope": DesktopWorld.scope(), "req_cnf": confirmation]
        )
        let claims = try SignInWorld.claims(try await desktop.world.tokens(fields).accessToken)
        #expect(claims["cnf"]?["kid"]?.string == (try DesktopWorld.thumbprint(DesktopWorld.otherKey.get())))
        fields["scope"] = DesktopWorld.scope("vm2")
        #expect(await desktop.world.refusal(fields)?.code == 65001)
        fields["scope"] = DesktopWorld.scope("elsewhere")
        #expect(await desktop.world.refusal(fields)?.code == 293_004)
        fields["req_cnf"] = nil
        fields["scope"] = SignInWorld.armScope
        #expect(await desktop.world.refusal(fields)?.code == 65002)
    }

    @Test("lets no application and no guest have one, and nobody without a look-up of machines")
    func others() async throws {
        let desktop = try await DesktopWorld()
        let confirmation = try DesktopWorld.confirmation(DesktopWorld.key.get())
        let robot = desktop.world.robotGrant(["scope": DesktopWorld.scope(), "req_cnf": confirmation])
        #expect(await desktop.world.refusal(robot, tenant: "contoso.example")?.code == 50105)
        let person = desktop.world.passwordGrant(["scope": DesktopWorld.scope(), "req_cnf": confirmation])
        #expect(await desktop.world.refusal(person)?.code == 65001)
        try await desktop.world.directory.put(
            user: UserDraft(userPrincipalName: "alice@contoso.example", displayName: "Alice", isGuest: true)
        )
        #expect(await desktop.world.refusal(person)?.code == 50105)
        try await desktop.world.directory.put(
            user: UserDraft(userPrincipalName: "alice@contoso.example", displayName: "Alice", isGuest: false)
        )
        desktop.world.federation.desktopHosts = nil
        #expect(await desktop.world.refusal(person)?.status == 503)
    }

    @Test("is no key to any other part of the service")
    func audiences() async throws {
        let desktop = try await DesktopWorld()
        let token = try await desktop.token()
        for audience in Audience.allCases where audience != .desktopSignIn {
            await #expect(throws: Problem("InvalidAuthenticationTokenAudience", shown: "")) {
                try await desktop.world.federation.caller(token: token, for: audience)
            }
        }
    }
}
