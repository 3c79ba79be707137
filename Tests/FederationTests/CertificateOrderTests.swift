import Identity
import Synchronization
import Testing
import Vocabulary

@testable import Federation

@Suite("SSH certificates at the token endpoint")
struct CertificateOrderTests {
    static let wish = [
        "token_type": "ssh-cert", "key_id": "abc",
        "req_cnf": #"{"kty":"RSA","n":"AKx_-A==","e":"AQAB","kid":"abc"}"#, "scope": SignInWorld.sshScope,
    ]

    @Test("orders a certificate for who signed in, with the key as the client wrote it")
    func order() async throws {
        let world = try await SignInWorld()
        let orders = Mutex<[CertificateOrder]>([])
        world.federation.certificateIssuer = CertificateIssuer { order in
            orders.withLock { $0.append(order) }
            return .allowed(IssuedCertificate(blobBase64: "AAAAHHNz", expiresIn: 1800))
        }
        let first = try await world.tokens(world.passwordGrant())
        let tokens = try await world.tokens(world.refreshGrant(first.refreshToken, Self.wish))
        #expect(tokens.tokenType == "ssh-cert")
        #expect(tokens.accessToken.withValue { $0 } == "AAAAHHNz")
        #expect(tokens.expiresIn == 1800)
        #expect(tokens.scope.contains("https://pas.windows.net/CheckMyAccess/Linux/.default"))
        let order = try #require(orders.withLock { $0.first })
        #expect(order.subject.id == world.alice.id)
        #expect(order.appID == SignInWorld.az)
        #expect(order.key["n"] == "AKx_-A==")
        #expect(order.keyID == "abc")
        #expect(order.methods == ["pwd"])
        #expect(order.source == SignInWorld.circumstances.source)
    }

    @Test("orders one for an application too, and for a code")
    func applications() async throws {
        let world = try await SignInWorld()
        world.federation.certificateIssuer = CertificateIssuer { order in
            .allowed(IssuedCertificate(blobBase64: order.subject.id.description, expiresIn: 3600))
        }
        var fields = world.robotGrant(Self.wish)
        fields["scope"] = "https://pas.windows.net/CheckMyAccess/Linux/.default"
        #expect(try await world.tokens(fields, tenant: "contoso.example").tokenType == "ssh-cert")
        let code = try await world.code(["scope": SignInWorld.sshScope])
        #expect(try await world.tokens(world.codeGrant(code, Self.wish)).tokenType == "ssh-cert")
    }

    @Test("passes the authority's no on with its words")
    func refused() async throws {
        let world = try await SignInWorld()
        world.federation.certificateIssuer = CertificateIssuer { _ in
            .refused(
                Refusal(
                    "GuestNotAllowed",
                    reason: "Guests cannot sign in to machines.",
                    remedy: "Ask for a member account."
                )
            )
        }
        let error = await world.refusal(world.passwordGrant(Self.wish))
        #expect(error?.error == "invalid_grant")
        #expect(error?.sentence == "AADSTS50105: Guests cannot sign in to machines. Ask for a member account.")
    }

    @Test("issues no certificate for another resource, and none without an authority")
    func otherResource() async throws {
        let world = try await SignInWorld()
        #expect(await world.refusal(world.passwordGrant(Self.wish))?.status == 503)
        world.federation.certificateIssuer = CertificateIssuer { _ in
            .allowed(IssuedCertificate(blobBase64: "x", expiresIn: 1))
        }
        let wish = Self.wish.merging(["scope": SignInWorld.armScope]) { $1 }
        #expect(await world.refusal(world.passwordGrant(wish))?.code == 70011)
    }
}
