import Crypto
import HTTPTypes
import HostRoutes
import Hosts
import Identity
import SSHWire
import Testing
import Vocabulary

@Suite("What hosts ask for the software on them")
struct MetadataRoutesTests {
    private func ask(
        _ path: String,
        _ body: JSONValue,
        identity: Bool = true
    ) async throws -> (status: Int, body: JSONValue, world: RoutesWorld) {
        let world = try await RoutesWorld()
        if !identity { world.identity.id = nil }
        let key = SSHSigner.ed25519(.init())
        let host = try await world.join(key)
        let answer = try await HostRoutesTests().call(
            world,
            .post,
            path,
            authorization: try world.proof(host, key, "POST", path),
            body: body
        )
        return (answer.status, answer.body, world)
    }

    private func tokenBody(_ choice: JSONValue) -> JSONValue {
        ["resource": "https://management.azure.com/", "apiVersion": "2018-02-01", "identity": choice]
    }

    @Test("a token for an identity that is not the machine's is refused in the metadata service's words")
    func foreign() async throws {
        let answer = try await self.ask(
            "/hosts/v1/token",
            self.tokenBody(["by": "client", "value": .string(GUID(high: 9, low: 9).description)])
        )
        #expect(answer.status == 400)
        #expect(answer.body == ["error": "invalid_request", "error_description": "Identity not found"])
    }

    @Test("an identity that belongs to something else is not lent by what a machine's description says")
    func borrowed() async throws {
        let world = try await RoutesWorld()
        let key = SSHSigner.ed25519(.init())
        let host = try await world.join(key)
        let other = try #require(ResourcePath("\(world.machine)2"))
        world.identity.id = try await world.directory.putManagedIdentity(for: other).id
        let answer = try await HostRoutesTests().call(
            world,
            .post,
            "/hosts/v1/token",
            authorization: try world.proof(host, key, "POST", "/hosts/v1/token"),
            body: self.tokenBody(.null)
        )
        #expect(answer.status == 400)
        #expect(answer.body == ["error": "invalid_request", "error_description": "Identity not found"])
    }

    @Test("an empty refresh token is there, as SDKs of old want it")
    func refreshToken() async throws {
        let answer = try await self.ask("/hosts/v1/token", self.tokenBody(.null))
        #expect(answer.status == 200 && answer.body["refresh_token"]?.string == "")
    }

    @Test("a signed text about the machine carries the caller's nonce")
    func attested() async throws {
        let answer = try await self.ask("/hosts/v1/attested", ["nonce": "1234567890", "apiVersion": "2021-02-01"])
        #expect(answer.status == 200 && answer.body["encoding"]?.string == "pkcs7")
        let signature = try #require(answer.body["signature"]?.string)
        let unpadded = signature.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        let text = String(decoding: try #require(Base64URL.decode(unpadded)), as: UTF8.self)
        #expect(text.hasPrefix("signed {") && text.contains(#""nonce":"1234567890""#))
    }

    @Test(
        "a nonce that is long or not plain is not signed",
        arguments: [String(repeating: "1", count: 33), "a\"b", "ä"]
    )
    func nonce(_ nonce: String) async throws {
        let answer = try await self.ask("/hosts/v1/attested", ["nonce": .string(nonce), "apiVersion": "2021-02-01"])
        #expect(answer.status == 400 && answer.body["error"]?.string == "invalid_request")
    }

    @Test("nothing is signed without a proof")
    func unproved() async throws {
        let world = try await RoutesWorld()
        let body: JSONValue = ["nonce": "", "apiVersion": "2021-02-01"]
        let answer = try await HostRoutesTests().call(world, .post, "/hosts/v1/attested", body: body)
        #expect(answer.status == 401)
    }

    @Test("the certificate to check with is public")
    func certificate() async throws {
        let answer = try await HostRoutesTests().call(try await RoutesWorld(), .get, "/hosts/v1/attestation.pem")
        #expect(answer.status == 200 && answer.text == "certificate")
    }
}
