import AccessControl
import AgentWire
import Crypto
import Federation
import HTTPTypes
import HostRoutes
import Hosts
import Hummingbird
import HummingbirdTesting
import Identity
import NIOCore
import SSHAuthority
import SSHWire
import TestKit
import Testing
import Vocabulary

@Suite("Routes for hosts")
struct HostRoutesTests {
    func call(
        _ world: RoutesWorld,
        _ method: HTTPRequest.Method,
        _ path: String,
        authorization: String? = nil,
        body: JSONValue? = nil
    ) async throws -> (status: Int, body: JSONValue, text: String) {
        let app = Application(router: world.router)
        return try await app.test(.router) { client in
            var headers: HTTPFields = [:]
            headers[.authorization] = authorization
            let response = try await client.execute(
                uri: path,
                method: method,
                headers: headers,
                body: body.map { ByteBuffer(bytes: $0.bytes) }
            )
            let bytes = Array(response.body.readableBytesView)
            return (
                response.status.code, (try? JSONValue(parsing: bytes)) ?? .null,
                String(decoding: bytes, as: UTF8.self)
            )
        }
    }

    func document(_ request: JoinRequest) throws -> JSONValue {
        try JSONValue(parsing: JSONText.encode(request))
    }

    @Test("a host joins once with its token and learns who it is")
    func join() async throws {
        let world = try await RoutesWorld()
        let body = try self.document(world.request(try await world.joinToken(), .ed25519(.init())))
        let answer = try await self.call(world, .post, "/hosts/v1/join", body: body)
        #expect(answer.status == 200)
        #expect(answer.body["resourceId"]?.string == world.machine.description)
        #expect(answer.body["tenantId"]?.string == world.directory.tenant.id.description)
        #expect(answer.body["controlPath"]?.string == "/hosts/v1/control")
        let again = try await self.call(world, .post, "/hosts/v1/join", body: body)
        #expect(again.status == 401 && again.body["error"]?["code"]?.string == "InvalidJoinToken")
    }

    @Test("a malformed join is a 400", arguments: ["", "[]", "{", "{\"token\":1}"])
    func malformedJoin(text: String) async throws {
        let world = try await RoutesWorld()
        let app = Application(router: world.router)
        try await app.test(.router) { client in
            try await client.execute(uri: "/hosts/v1/join", method: .post, body: ByteBuffer(string: text)) { response in
                #expect(response.status == .badRequest)
            }
        }
    }

    @Test("a machine gets a token for its own identity, all values strings")
    func token() async throws {
        let world = try await RoutesWorld()
        let key = SSHSigner.ed25519(.init())
        let host = try await world.join(key)
        let answer = try await self.call(
            world,
            .post,
            "/hosts/v1/token",
            authorization: try world.proof(host, key, "POST", "/hosts/v1/token"),
            body: ["resource": "https://management.azure.com/", "apiVersion": "2018-02-01"]
        )
        #expect(answer.status == 200)
        #expect(answer.body.object?.values.allSatisfy { $0.string != nil } == true)
        let token = try #require(answer.body["access_token"]?.string)
        let caller = try await world.federation.caller(token: token, for: .resourceManager)
        #expect(caller.subject.id == world.identity.id)
    }

    @Test("without an identity there is no token, and the answer says so in the metadata service's words")
    func noIdentity() async throws {
        let world = try await RoutesWorld()
        let key = SSHSigner.ed25519(.init())
        let host = try await world.join(key)
        world.identity.id = nil
        let answer = try await self.call(
            world,
            .post,
            "/hosts/v1/token",
            authorization: try world.proof(host, key, "POST", "/hosts/v1/token"),
            body: ["resource": "https://management.azure.com/", "apiVersion": "2018-02-01"]
        )
        #expect(answer.status == 400)
        #expect(answer.body == ["error": "invalid_request", "error_description": "Identity not found"])
    }

    @Test("a token without a proof, or with one for another path, is refused")
    func unproved() async throws {
        let world = try await RoutesWorld()
        let key = SSHSigner.ed25519(.init())
        let host = try await world.join(key)
        let body: JSONValue = ["resource": "https://management.azure.com/", "apiVersion": "2018-02-01"]
        for proof in [nil, try world.proof(host, key, "POST", "/hosts/v1/join"), "Bearer x"] {
            let answer = try await self.call(world, .post, "/hosts/v1/token", authorization: proof, body: body)
            #expect(answer.status == 401 && answer.body["error"]?["code"]?.string == "AuthenticationFailed")
        }
    }

    @Test("authorities and the revocation list are public")
    func publicDocuments() async throws {
        let world = try await RoutesWorld()
        let answer = try await self.call(world, .get, "/hosts/v1/authorities")
        #expect(answer.body["userAuthorities"]?.array?.count == 2)
        #expect(answer.body["knownHosts"]?.array?.first?.string?.hasPrefix("@cert-authority * ssh-ed25519 ") == true)
        let app = Application(router: world.router)
        try await app.test(.router) { client in
            let response = try await client.execute(uri: "/hosts/v1/revoked", method: .get)
            _ = try KeyRevocationList(bytes: Array(response.body.readableBytesView))
            let tag = try #require(response.headers[.eTag])
            let again = try await client.execute(uri: "/hosts/v1/revoked", method: .get, headers: [.ifNoneMatch: tag])
            #expect(again.status == .notModified)
        }
    }

    @Test("the installation script is the same for everybody and holds nothing from the request")
    func script() async throws {
        let world = try await RoutesWorld()
        let one = try await self.call(world, .get, "/hosts/v1/install.sh")
        let other = try await self.call(world, .get, "/hosts/v1/install.sh?token=$(id)%0Aid")
        #expect(one.text == other.text)
        #expect(one.text.hasPrefix("#!/bin/sh\n"))
        #expect(!one.text.contains("sallyport.test"))
        // What the agent installs on a machine, and without which signing in cannot be switched on there.
        for name in ["sally-agent", "libnss_sallyport.so.2", "pam_sallyport.so"] {
            #expect(one.text.split(separator: "\n").contains { $0.hasPrefix("programs=") && $0.contains(name) })
        }
    }

    @Test("sessions are seen by those who may, and by their owners")
    func sessions() async throws {
        let world = try await RoutesWorld()
        let reader = try await world.bearer(role: "Reader")
        let nobody = try await world.bearer(role: nil)
        let owner = try await world.bearer(role: "Virtual Machine User Login")
        let host = try await world.join(.ed25519(.init()))
        let connection = try await world.hosts.connect(host, over: HostLink(send: { _ in true }, end: { _ in }))
        let report = SessionReport(
            session: GUID(from: .system),
            objectId: owner.id,
            serial: 7,
            keyId: "k",
            source: "192.0.2.7",
            tty: "pts/0",
            openedAt: world.clock.now
        )
        await connection.receive(try AgentMessage.sessionOpened(report).encoded())
        func seen(_ header: String?) async throws -> Int? {
            try await self.call(world, .get, "/hosts/v1/sessions", authorization: header).body["value"]?.array?.count
        }
        #expect(try await seen(reader.header) == 1)
        #expect(try await seen(owner.header) == 1)
        #expect(try await seen(nobody.header) == 0)
        #expect(try await seen(nil) == nil)
        let path = "/hosts/v1/sessions/\(report.session)/end"
        #expect(try await self.call(world, .post, path, authorization: nobody.header).status == 404)
        #expect(try await self.call(world, .post, path, authorization: reader.header).status == 403)
        #expect(try await self.call(world, .post, path).status == 401)
        #expect(try await self.call(world, .post, path, authorization: owner.header).status == 202)
    }

    @Test("a certificate is revoked by its holder only")
    func revoke() async throws {
        let world = try await RoutesWorld()
        let owner = try await world.bearer(role: nil)
        let other = try await world.bearer(role: "Owner")
        let order = UserCertificateOrder(
            subject: try #require(try await world.directory.subject(owner.id)),
            publicKey: SSHSigner.ed25519(.init()).publicKey
        )
        guard case .allowed(let issued) = try await world.authority.issueUserCertificate(order) else {
            Issue.record("refused")
            return
        }
        let path = "/hosts/v1/certificates/\(issued.serial)/revoke"
        #expect(try await self.call(world, .post, path, authorization: other.header).status == 404)
        #expect(try await self.call(world, .post, path, authorization: owner.header).status == 204)
        #expect(world.authority.isRevoked(issued.serial))
        let wrong = "/hosts/v1/certificates/-1/revoke"
        #expect(try await self.call(world, .post, wrong, authorization: owner.header).status == 400)
    }
}
