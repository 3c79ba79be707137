import Identity
import Keys
import TestKit
import Testing
import Vocabulary

@testable import Federation

@Suite("Presented tokens")
struct CallerTests {
    static func code(_ world: SignInWorld, _ token: String, _ audience: Audience = .resourceManager) async -> String? {
        do throws(Problem) {
            _ = try await world.federation.caller(token: token, for: audience)
            return nil
        } catch {
            return error.code
        }
    }

    /// A token of ours with some claims changed, signed with our own key.
    static func altered(
        _ world: SignInWorld,
        _ changes: [String: JSONValue?],
        _ algorithm: SigningKeys.Algorithm = .es256
    ) async throws
        -> String
    {
        let tokens = try await world.tokens(world.passwordGrant())
        var claims = try SignInWorld.claims(tokens.accessToken)
        for (name, value) in changes {
            claims[name] = value
        }
        return try world.keys.sign(claims, with: algorithm)
    }

    @Test("says who calls, through which application, and how they signed in")
    func caller() async throws {
        let world = try await SignInWorld()
        let tokens = try await world.tokens(world.passwordGrant())
        let header = "Bearer " + tokens.accessToken.withValue { $0 }
        let caller = try await world.federation.caller(authorization: header, for: .resourceManager)
        #expect(caller.subject.id == world.alice.id)
        #expect(caller.subject.kind == .member)
        #expect(caller.appID == SignInWorld.az)
        #expect(caller.methods == ["pwd"])
        #expect(caller.expiresAt == world.clock.now + .seconds(3600))
        #expect(try SignInWorld.claims(tokens.accessToken)["uti"] == .string(caller.tokenID))
    }

    @Test(
        "refuses headers that are no bearer token",
        arguments: [nil, "", "Bearer", "Bearer ", "Basic eDp5", "Bearer a b", "bearer  x"]
    )
    func headers(header: String?) async throws {
        let world = try await SignInWorld()
        await #expect(throws: Problem("AuthenticationFailed", shown: "")) {
            try await world.federation.caller(authorization: header, for: .resourceManager)
        }
    }

    @Test("refuses a token for one part of the service at every other")
    func audiences() async throws {
        let world = try await SignInWorld()
        let token = try await world.tokens(world.passwordGrant()).accessToken.withValue { $0 }
        for audience in Audience.allCases where audience != .resourceManager {
            #expect(await Self.code(world, token, audience) == "InvalidAuthenticationTokenAudience")
        }
        #expect(await Self.code(world, token) == nil)
    }

    @Test("refuses an ID token where an access token belongs")
    func idToken() async throws {
        let world = try await SignInWorld()
        let token = try await world.tokens(world.passwordGrant()).idToken?.withValue { $0 } ?? ""
        #expect(await Self.code(world, token) == "InvalidAuthenticationToken")
    }

    @Test("refuses a token from the second on in which it ends")
    func expiry() async throws {
        let world = try await SignInWorld()
        let token = try await world.tokens(world.passwordGrant()).accessToken.withValue { $0 }
        world.clock.turn(.seconds(3599))
        #expect(await Self.code(world, token) == nil)
        world.clock.turn(.seconds(1))
        #expect(await Self.code(world, token) == "ExpiredAuthenticationToken")
    }

    @Test("refuses foreign tenants and issuers, although we signed them")
    func tenants() async throws {
        let world = try await SignInWorld()
        let foreign = GUID(high: 9, low: 9).description
        for changes: [String: JSONValue?] in [
            ["tid": .string(foreign)], ["iss": .string("https://sally.example:8443/\(foreign)/")],
            ["iss": .string("https://sts.windows.net/\(SignInWorld.tenantID)/")],
            ["iss": .string("https://sally.example:8443/\(SignInWorld.tenantID)/v2.0")],
        ] {
            #expect(
                await Self.code(world, try await Self.altered(world, changes)) == "InvalidAuthenticationTokenTenant"
            )
        }
    }

    @Test(
        "refuses a token that lacks a claim",
        arguments: ["iss", "aud", "tid", "oid", "appid", "uti", "iat", "nbf", "exp", "ver"]
    )
    func missing(name: String) async throws {
        let world = try await SignInWorld()
        #expect(await Self.code(world, try await Self.altered(world, [name: nil])) == "InvalidAuthenticationToken")
    }

    @Test("refuses a token before its time, and takes a minute's difference between clocks")
    func early() async throws {
        let world = try await SignInWorld()
        let now = world.clock.now.seconds
        #expect(
            await Self.code(world, try await Self.altered(world, ["nbf": .integer(now + 61)]))
                == "InvalidAuthenticationToken"
        )
        #expect(
            await Self.code(world, try await Self.altered(world, ["iat": .integer(now + 61)]))
                == "InvalidAuthenticationToken"
        )
        #expect(await Self.code(world, try await Self.altered(world, ["nbf": .integer(now + 60)])) == nil)
    }

    @Test("refuses several audiences, and times that are texts")
    func types() async throws {
        let world = try await SignInWorld()
        let audiences: JSONValue = ["https://sally.example:8443/management/", "https://evil.example"]
        #expect(
            await Self.code(world, try await Self.altered(world, ["aud": audiences])) == "InvalidAuthenticationToken"
        )
        #expect(
            await Self.code(world, try await Self.altered(world, ["exp": "9999999999"])) == "InvalidAuthenticationToken"
        )
    }

    @Test("refuses unsigned tokens, other algorithms and changed ones")
    func forged() async throws {
        let world = try await SignInWorld()
        let token = try await world.tokens(world.passwordGrant()).accessToken.withValue { $0 }
        let parts = token.split(separator: ".").map(String.init)
        var header = try SignInWorld.header(Secret(token))
        for algorithm: JSONValue in ["none", "None", "HS256", "RS256", ""] {
            header["alg"] = algorithm
            let head = Base64URL.encode(header.bytes)
            #expect(await Self.code(world, "\(head).\(parts[1]).") == "InvalidAuthenticationToken")
            #expect(await Self.code(world, "\(head).\(parts[1]).\(parts[2])") == "InvalidAuthenticationToken")
        }
        var claims = try SignInWorld.claims(Secret(token))
        claims["upn"] = "admin@contoso.example"
        let changed = "\(parts[0]).\(Base64URL.encode(claims.bytes)).\(parts[2])"
        #expect(await Self.code(world, changed) == "InvalidAuthenticationToken")
        #expect(await Self.code(world, "\(parts[0]).\(parts[1])") == "InvalidAuthenticationToken")
        #expect(await Self.code(world, token + ".x") == "InvalidAuthenticationToken")
        #expect(await Self.code(world, "") == "InvalidAuthenticationToken")
    }

    @Test("refuses somebody disabled, revoked or removed at once")
    func gone() async throws {
        let world = try await SignInWorld()
        let token = try await world.tokens(world.passwordGrant()).accessToken.withValue { $0 }
        try await world.directory.revokeSessions(world.alice.id)
        #expect(await Self.code(world, token) == "InvalidAuthenticationToken")
        let fresh = try await world.tokens(world.passwordGrant()).accessToken.withValue { $0 }
        #expect(await Self.code(world, fresh) == nil)
        _ = try await world.directory.setEnabled(world.alice.id, false)
        #expect(await Self.code(world, fresh) == "InvalidAuthenticationToken")
        try await world.directory.delete(world.alice.id)
        #expect(await Self.code(world, fresh) == "InvalidAuthenticationToken")
    }

    @Test("still takes tokens of the keys before the last rotation")
    func rotation() async throws {
        let world = try await SignInWorld()
        let token = try await world.tokens(world.passwordGrant()).accessToken.withValue { $0 }
        try await world.keys.rotate()
        #expect(await Self.code(world, token) == nil)
    }

    @Test("gives machines tokens for a day, for our own parts only")
    func managedIdentity() async throws {
        let world = try await SignInWorld()
        let path = try #require(
            ResourcePath("/subscriptions/\(GUID.zero)/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v")
        )
        let identity = try await world.directory.putManagedIdentity(for: path)
        let resource = "https://management.azure.com/"
        let token = try await world.federation.issueManagedIdentityToken(for: identity, resource: resource)
        #expect(token.expiresOn - token.notBefore == .seconds(86_400))
        let claims = try SignInWorld.claims(token.accessToken)
        #expect(claims["oid"] == .string(identity.id.description))
        #expect(claims["aud"] == .string(resource))
        #expect(claims["xms_mirid"] == .string(path.description))
        let caller = try await world.federation.caller(token: token.accessToken.withValue { $0 }, for: .resourceManager)
        #expect(caller.subject.kind == .managedIdentity)
        for resource in ["https://evil.example/", "https://pas.windows.net/CheckMyAccess/Linux", ""] {
            await #expect(throws: Problem("invalid_resource", shown: "")) {
                try await world.federation.issueManagedIdentityToken(for: identity, resource: resource)
            }
        }
        let robot = try #require(try await world.directory.servicePrincipal(appID: SignInWorld.robot))
        await #expect(throws: Problem("Forbidden", shown: "")) {
            try await world.federation.issueManagedIdentityToken(for: robot, resource: resource)
        }
    }
}
