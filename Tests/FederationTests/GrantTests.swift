import Foundation
import Identity
import Keys
import SQLiteStorage
import Storage
import TestKit
import Testing
import Vocabulary

@testable import Federation

@Suite("Grants")
struct GrantTests {
    @Test("gives tokens for a name and a password, with the scope as it was asked for")
    func password() async throws {
        let world = try await SignInWorld()
        let tokens = try await world.tokens(world.passwordGrant(["client_info": "1"]))
        #expect(tokens.tokenType == "Bearer")
        #expect(tokens.expiresIn == 3600)
        #expect(tokens.scope.split(separator: " ").contains("https://sally.example:8443/management//.default"))
        #expect(tokens.refreshToken != nil)
        let body = tokens.document(version: .v2)
        #expect(body["expires_in"] == 3600)
        #expect(body["foci"] == "1")
        let info = try JSONValue(parsing: Base64URL.decode(body["client_info"]?.string ?? "") ?? [])
        #expect(
            info == ["uid": .string(world.alice.id.description), "utid": .string(SignInWorld.tenantID.description)]
        )
    }

    @Test("writes ARM tokens in the 1.0 shape, ES256, with the audience as asked and how the person signed in")
    func accessToken() async throws {
        let world = try await SignInWorld()
        let tokens = try await world.tokens(world.passwordGrant())
        #expect(try SignInWorld.header(tokens.accessToken)["alg"] == "ES256")
        let claims = try SignInWorld.claims(tokens.accessToken)
        #expect(claims["aud"] == "https://sally.example:8443/management/")
        #expect(claims["iss"] == .string("https://sally.example:8443/\(SignInWorld.tenantID)/"))
        #expect(claims["ver"] == "1.0")
        #expect(claims["amr"] == ["pwd"])
        #expect(claims["scp"] == "user_impersonation")
        #expect(claims["appid"] == .string(SignInWorld.az.description))
        #expect(claims["appidacr"] == "0")
        #expect(claims["upn"] == "Alice@contoso.example")
        #expect(claims["oid"] == .string(world.alice.id.description))
        for name in ["iat", "nbf", "exp"] {
            guard case .integer = claims[name] else {
                Issue.record("\(name) is no whole number")
                continue
            }
        }
    }

    @Test("writes ID tokens RS256, with how the person signed in only in version 1")
    func idToken() async throws {
        let world = try await SignInWorld()
        let second = try await world.tokens(world.passwordGrant()).idToken
        #expect(try SignInWorld.header(second)["alg"] == "RS256")
        let claims = try SignInWorld.claims(second)
        #expect(claims["aud"] == .string(SignInWorld.az.description))
        #expect(claims["iss"] == .string("https://sally.example:8443/\(SignInWorld.tenantID)/v2.0"))
        #expect(claims["preferred_username"] == "Alice@contoso.example")
        #expect(claims["tid"] == .string(SignInWorld.tenantID.description))
        #expect(claims["amr"] == nil)
        var fields = world.passwordGrant(["resource": "https://management.core.windows.net/"])
        fields["scope"] = nil
        let first = try await world.tokens(fields, version: .v1).idToken
        #expect(try SignInWorld.claims(first)["amr"] == ["pwd"])
        #expect(try SignInWorld.claims(first)["ver"] == "1.0")
    }

    @Test("writes numbers as strings in version 1")
    func versionOne() async throws {
        let world = try await SignInWorld()
        var fields = world.robotGrant(["resource": "https://management.core.windows.net/"])
        fields["scope"] = nil
        let tokens = try await world.tokens(fields, version: .v1, tenant: "contoso.example")
        let body = tokens.document(version: .v1)
        #expect(body["expires_in"] == "3600")
        #expect(body["expires_on"] == .string(String(world.clock.now.seconds + 3600)))
        #expect(body["resource"] == "https://management.core.windows.net/")
        #expect(body["refresh_token"] == nil)
    }

    @Test("tells a wrong password by 400 and a wrong secret by 401")
    func wrong() async throws {
        let world = try await SignInWorld()
        let password = await world.refusal(world.passwordGrant(["password": "wrong"]))
        #expect(password?.code == 50126)
        #expect(password?.error == "invalid_grant")
        #expect(password?.status == 400)
        let secret = await world.refusal(world.robotGrant(["client_secret": "wrong"]), tenant: "contoso.example")
        #expect(secret?.code == 7_000_215)
        #expect(secret?.error == "invalid_client")
        #expect(secret?.status == 401)
    }

    @Test("answers an unknown name like a wrong password")
    func unknownName() async throws {
        let world = try await SignInWorld()
        let known = await world.refusal(world.passwordGrant(["password": "wrong"]))
        let unknown = await world.refusal(
            world.passwordGrant(["username": "nobody@contoso.example", "password": "wrong"])
        )
        #expect(known == unknown)
    }

    @Test("lets applications sign in only at a concrete tenant, and people not at /common with a password")
    func tenants() async throws {
        let world = try await SignInWorld()
        #expect(await world.refusal(world.robotGrant(), tenant: "organizations")?.code == 50059)
        #expect(await world.refusal(world.robotGrant(), tenant: SignInWorld.tenantID.description) == nil)
        #expect(await world.refusal(world.robotGrant(), tenant: "CONTOSO.example") == nil)
        #expect(await world.refusal(world.passwordGrant(), tenant: "common")?.code == 9_001_023)
        #expect(await world.refusal(world.passwordGrant(), tenant: "fabrikam.example")?.code == 90002)
        #expect(await world.refusal(world.passwordGrant(), tenant: "consumers")?.code == 90002)
        #expect(await world.refusal(world.passwordGrant(), tenant: GUID.zero.description)?.code == 90002)
    }

    @Test("gives applications no refresh token and no ID token")
    func application() async throws {
        let world = try await SignInWorld()
        let tokens = try await world.tokens(
            world.robotGrant(["scope": "https://graph.microsoft.com/.default openid offline_access"]),
            tenant: "contoso.example"
        )
        #expect(tokens.refreshToken == nil)
        #expect(tokens.idToken == nil)
        let claims = try SignInWorld.claims(tokens.accessToken)
        #expect(claims["idtyp"] == "app")
        #expect(claims["appidacr"] == "1")
        #expect(claims["scp"] == nil)
    }

    @Test("wants proof from applications that can give it, and none from public clients")
    func proofs() async throws {
        let world = try await SignInWorld()
        var bare = world.robotGrant()
        bare["client_secret"] = nil
        #expect(await world.refusal(bare, tenant: "contoso.example")?.code == 7_000_218)
        #expect(await world.refusal(world.passwordGrant(["client_secret": "x"]))?.code == 700025)
        let stranger = world.passwordGrant(["client_id": "99999999-0000-4000-8000-000000000000"])
        #expect(await world.refusal(stranger)?.code == 700016)
        var anonymous = world.robotGrant(["client_id": SignInWorld.az.description])
        anonymous["client_secret"] = nil
        #expect(await world.refusal(anonymous, tenant: "contoso.example")?.code == 7_000_218)
    }

    @Test("refuses machines' identities at the token endpoint")
    func managedIdentity() async throws {
        let world = try await SignInWorld()
        let path = try #require(
            ResourcePath("/subscriptions/\(GUID.zero)/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v")
        )
        let identity = try await world.directory.putManagedIdentity(for: path)
        let error = await world.refusal(
            world.robotGrant(["client_id": identity.appID.description]),
            tenant: "contoso.example"
        )
        #expect(error?.status == 401)
    }

    // MARK: - Codes

    @Test("redeems a code once, with the nonce in the ID token")
    func code() async throws {
        let world = try await SignInWorld()
        let code = try await world.code()
        let tokens = try await world.tokens(world.codeGrant(code))
        #expect(try SignInWorld.claims(tokens.idToken)["nonce"] == "n-0S6")
        #expect(await world.refusal(world.codeGrant(code))?.code == 54005)
        #expect(await world.refusal(world.refreshGrant(tokens.refreshToken)) == nil)
    }

    @Test(
        "refuses a code from another client, for another address, and without its verifier, and spoils it by none of them"
    )
    func stolenCode() async throws {
        let world = try await SignInWorld()
        let code = try await world.code()
        let sally = ClientApplication.sally.appID.description
        #expect(await world.refusal(world.codeGrant(code, ["client_id": sally]))?.code == 70000)
        #expect(await world.refusal(world.codeGrant(code, ["redirect_uri": "http://localhost:1"]))?.code == 70000)
        #expect(
            await world.refusal(world.codeGrant(code, ["code_verifier": String(repeating: "a", count: 43)]))?.code
                == 501481
        )
        var without = world.codeGrant(code)
        without["code_verifier"] = nil
        #expect(await world.refusal(without)?.code == 900144)
        #expect(await world.refusal(world.codeGrant(code)) == nil)
    }

    @Test("refuses a code after ten minutes, and one that was never issued")
    func lateCode() async throws {
        let world = try await SignInWorld()
        let code = try await world.code()
        world.clock.turn(.seconds(601))
        #expect(await world.refusal(world.codeGrant(code))?.code == 70008)
        #expect(await world.refusal(world.codeGrant("spac_x"))?.code == 70000)
    }

    // MARK: - Refresh

    @Test("refreshes twice with the same token, also for another resource")
    func refresh() async throws {
        let world = try await SignInWorld()
        let first = try await world.tokens(world.passwordGrant())
        let second = try await world.tokens(world.refreshGrant(first.refreshToken))
        let graph = ["scope": "https://sally.example:8443//.default offline_access openid profile"]
        let third = try await world.tokens(world.refreshGrant(first.refreshToken, graph))
        #expect(try SignInWorld.claims(third.accessToken)["aud"] == "https://sally.example:8443/")
        #expect(second.refreshToken != nil)
        #expect(second.refreshToken?.withValue { $0 } != first.refreshToken?.withValue { $0 })
    }

    @Test("takes a refresh that names several resources for the first of them")
    func refreshSeveral() async throws {
        let world = try await SignInWorld()
        let first = try await world.tokens(world.passwordGrant())
        let scope = "https://graph.microsoft.com/.default https://management.azure.com/.default"
        let tokens = try await world.tokens(world.refreshGrant(first.refreshToken, ["scope": scope]))
        #expect(try SignInWorld.claims(tokens.accessToken)["aud"] == "https://graph.microsoft.com")
    }

    @Test("refuses every earlier refresh token once sessions are revoked, and takes new ones at once")
    func revoked() async throws {
        let world = try await SignInWorld()
        let first = try await world.tokens(world.passwordGrant())
        try await world.directory.revokeSessions(world.alice.id)
        let error = await world.refusal(world.refreshGrant(first.refreshToken))
        #expect(error?.code == 50173)
        #expect(error?.suberror == "bad_token")
        let second = try await world.tokens(world.passwordGrant())
        #expect(await world.refusal(world.refreshGrant(second.refreshToken)) == nil)
        _ = try await world.federation.caller(token: second.accessToken.withValue { $0 }, for: .resourceManager)
    }

    @Test("a second revocation in the same second revokes what was issued between the two")
    func revokedTwice() async throws {
        let world = try await SignInWorld()
        try await world.directory.revokeSessions(world.alice.id)
        let between = try await world.tokens(world.passwordGrant())
        try await world.directory.revokeSessions(world.alice.id)
        #expect(await world.refusal(world.refreshGrant(between.refreshToken))?.code == 50173)
        await #expect(throws: Problem.self) {
            _ = try await world.federation.caller(token: between.accessToken.withValue { $0 }, for: .resourceManager)
        }
        let after = try await world.tokens(world.passwordGrant())
        _ = try await world.federation.caller(token: after.accessToken.withValue { $0 }, for: .resourceManager)
    }

    @Test("refuses the refresh token of somebody disabled or removed")
    func gone() async throws {
        let world = try await SignInWorld()
        let tokens = try await world.tokens(world.passwordGrant())
        _ = try await world.directory.setEnabled(world.alice.id, false)
        #expect(await world.refusal(world.refreshGrant(tokens.refreshToken))?.code == 50057)
        try await world.directory.delete(world.alice.id)
        #expect(await world.refusal(world.refreshGrant(tokens.refreshToken))?.code == 50034)
    }

    @Test("keeps refresh tokens for ninety days after each use")
    func sliding() async throws {
        let world = try await SignInWorld()
        let first = try await world.tokens(world.passwordGrant())
        world.clock.turn(.seconds(89 * 86_400))
        let second = try await world.tokens(world.refreshGrant(first.refreshToken))
        world.clock.turn(.seconds(2 * 86_400))
        #expect(await world.refusal(world.refreshGrant(first.refreshToken)) != nil)
        #expect(await world.refusal(world.refreshGrant(second.refreshToken)) == nil)
    }

    @Test("shares refresh tokens within the family of clients only")
    func family() async throws {
        let world = try await SignInWorld()
        let tokens = try await world.tokens(world.passwordGrant())
        let sally = ["client_id": ClientApplication.sally.appID.description]
        #expect(await world.refusal(world.refreshGrant(tokens.refreshToken, sally)) == nil)
        let other = ClientApplication(
            appID: GUID(high: 5, low: 5),
            displayName: "Other",
            redirectURIs: ["http://localhost"],
            isPublic: true
        )
        _ = try await world.directory.put(application: other)
        let stranger = ["client_id": other.appID.description]
        #expect(await world.refusal(world.refreshGrant(tokens.refreshToken, stranger))?.code == 70000)
    }

    @Test("keeps no token and no code that could be used by who reads the store")
    func storedAsDigests() async throws {
        let world = try await SignInWorld()
        let code = try await world.code()
        let tokens = try await world.tokens(world.passwordGrant())
        let refresh = tokens.refreshToken?.withValue { $0 } ?? ""
        let tables = [
            "federation_code", "federation_refresh_token", "federation_flow", "federation_session",
            "federation_attempt", "audit",
        ]
        for table in tables {
            let rows = try await world.database.read { try $0.rows(.init(stringLiteral: "SELECT * FROM \(table)")) }
            let text = "\(rows)"
            #expect(!text.contains(code) && !text.contains(refresh) && !text.contains(SignInWorld.password))
        }
    }

    @Test("removes what is over")
    func removal() async throws {
        let world = try await SignInWorld()
        _ = try await world.code()
        _ = try await world.tokens(world.passwordGrant())
        world.clock.turn(.seconds(100 * 86_400))
        try await world.federation.removeExpired()
        for table in ["code", "refresh_token", "flow", "session", "attempt", "device_code"] {
            let rows = try await world.database.read {
                try $0.rows(.init(stringLiteral: "SELECT * FROM federation_\(table)"))
            }
            #expect(rows.isEmpty, "federation_\(table)")
        }
    }
}
