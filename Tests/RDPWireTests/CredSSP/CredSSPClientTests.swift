import Crypto
import Testing
import Vocabulary

@testable import RDPWire

@Suite("CredSSP clients")
struct CredSSPClientTests {
    static let key: [UInt8] = [0x30, 1, 2, 3]
    static let nonce = [UInt8](0..<32)

    /// The host's side after the NTLM exchange: its seals, and what it was sent.
    struct Bound {
        var client: CredSSPClient
        var toClient: NTLMSeal
        var toHost: NTLMSeal
        var request: TSRequest
    }

    static func client(oldest: Int = 2) -> CredSSPClient {
        CredSSPClient(
            mechanism: NTLMHost.client(),
            credentials: DesktopCredentials(user: "User", domain: "Domain", password: Secret("Password")),
            serverPublicKey: Self.key,
            nonce: Self.nonce,
            oldestVersion: oldest
        )
    }

    static func bound(version: Int64) throws -> Bound {
        var client = Self.client()
        _ = try client.start()
        let challenge = TSRequest(version: version, token: NTLMHost().challenge)
        guard case .send(let answer) = try client.receive(challenge.bytes) else { throw CancellationError() }
        return Bound(
            client: client,
            toClient: NTLMSeal(session: NTLMHost.session, .toClient),
            toHost: NTLMSeal(session: NTLMHost.session, .toHost),
            request: try TSRequest(answer)
        )
    }

    static func binding(_ label: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(label.utf8) + [0] + Self.nonce + Self.key))
    }

    @Test("begin with the version, a token and nothing else")
    func start() throws {
        var client = Self.client()
        let request = try TSRequest(try client.start())
        #expect(request == TSRequest(version: 6, token: NTLMMessage.negotiate()))
    }

    @Test(
        "bind the host's key by a hash with a nonce, and hand over the credentials after the host has done so too",
        arguments: [5, 6, 7]
    )
    func hashed(version: Int64) throws {
        var bound = try Self.bound(version: version)
        let proof = try #require(bound.request.publicKeyAuth)
        #expect(bound.toHost.open(proof) == Self.binding("CredSSP Client-To-Server Binding Hash"))
        #expect(bound.request.nonce == Self.nonce)
        #expect(bound.request.authInfo == nil)
        let answer = bound.toClient.seal(Self.binding("CredSSP Server-To-Client Binding Hash"))
        let last = try bound.client.receive(TSRequest(version: version, publicKeyAuth: answer).bytes)
        guard case .finish(let bytes) = last else { throw CancellationError() }
        let sealed = try #require(try TSRequest(bytes).authInfo)
        let credentials = bound.toHost.open(sealed)
        #expect(credentials == TSCredentials.bytes(bound.credentials))
    }

    @Test("bind the key itself with hosts of older versions", arguments: [2, 3, 4])
    func older(version: Int64) throws {
        var bound = try Self.bound(version: version)
        let proof = try #require(bound.request.publicKeyAuth)
        #expect(bound.toHost.open(proof) == Self.key)
        #expect(bound.request.nonce == nil)
        let answer = bound.toClient.seal([0x31, 1, 2, 3])
        guard case .finish = try bound.client.receive(TSRequest(version: version, publicKeyAuth: answer).bytes) else {
            throw CancellationError()
        }
    }

    @Test("do not mind that a host repeats its last token beside the proof")
    func repeated() throws {
        var bound = try Self.bound(version: 6)
        let proof = bound.toClient.seal(Self.binding("CredSSP Server-To-Client Binding Hash"))
        let message = TSRequest(version: 6, token: NTLMHost().challenge, publicKeyAuth: proof)
        guard case .finish = try bound.client.receive(message.bytes) else { throw CancellationError() }
    }

    @Test("refuse a host that cannot prove the key: it gets no credentials")
    func wrongKey() throws {
        let wrong = [Self.binding("CredSSP Client-To-Server Binding Hash"), Self.key, []]
        for proof in wrong {
            var bound = try Self.bound(version: 6)
            let message = TSRequest(version: 6, publicKeyAuth: bound.toClient.seal(proof))
            #expect(
                throws: RDPWireError.notTrusted(
                    "CredSSP: the host cannot prove that the key of this connection is its own"
                )
            ) { try bound.client.receive(message.bytes) }
            #expect(throws: RDPWireError.self) { try bound.client.receive(message.bytes) }
        }
    }

    @Test("refuse a proof that is not sealed with the session's keys")
    func wrongSeal() throws {
        var bound = try Self.bound(version: 6)
        var other = NTLMSeal(session: [UInt8](repeating: 9, count: 16), .toClient)
        let sealed = other.seal(Self.binding("CredSSP Server-To-Client Binding Hash"))
        #expect(throws: RDPWireError.notTrusted("NTLM: a signature of the host is wrong")) {
            try bound.client.receive(TSRequest(version: 6, publicKeyAuth: sealed).bytes)
        }
    }

    @Test("say in words why the host refused")
    func errorCode() throws {
        var client = Self.client()
        _ = try client.start()
        let message = TSRequest(version: 6, errorCode: 0xC000_006D)
        #expect(throws: RDPWireError.refused("The host says that the name or the password is wrong (0xc000006d).")) {
            try client.receive(message.bytes)
        }
        var unknown = try Self.bound(version: 6).client
        #expect(throws: RDPWireError.refused("The host refused the sign-in (0xc0009999).")) {
            try unknown.receive(TSRequest(version: 6, errorCode: 0xC000_9999).bytes)
        }
    }

    @Test("refuse versions that are too old, and a version that changes")
    func versions() throws {
        var strict = Self.client(oldest: 5)
        _ = try strict.start()
        let old = TSRequest(version: 4, token: NTLMHost().challenge)
        #expect(throws: RDPWireError.notTrusted("CredSSP: the host speaks version 4, which binds its key too weakly")) {
            try strict.receive(old.bytes)
        }
        var first = Self.client()
        _ = try first.start()
        #expect(throws: RDPWireError.malformed("CredSSP: version 1")) {
            try first.receive(TSRequest(version: 1, token: NTLMHost().challenge).bytes)
        }
        var bound = try Self.bound(version: 6)
        let proof = bound.toClient.seal(Self.binding("CredSSP Server-To-Client Binding Hash"))
        #expect(throws: RDPWireError.unexpected("CredSSP: the version changed")) {
            try bound.client.receive(TSRequest(version: 2, publicKeyAuth: proof).bytes)
        }
    }

    @Test("refuse what is out of turn: no token, a proof too early, credentials from the host, anything after the end")
    func turns() throws {
        let early = [
            TSRequest(version: 6), TSRequest(version: 6, token: NTLMHost().challenge, publicKeyAuth: [1]),
            TSRequest(version: 6, token: NTLMHost().challenge, authInfo: [1]),
        ]
        for message in early {
            var client = Self.client()
            _ = try client.start()
            #expect(throws: RDPWireError.self) { try client.receive(message.bytes) }
            #expect(throws: RDPWireError.unexpected("CredSSP: a message after the end")) {
                try client.receive(TSRequest(version: 6, token: NTLMHost().challenge).bytes)
            }
        }
        var client = Self.client()
        #expect(throws: RDPWireError.self) { try client.receive(early[0].bytes) }
        #expect(throws: RDPWireError.unexpected("CredSSP: started twice")) { try client.start() }
    }
}

extension CredSSPClientTests.Bound {
    var credentials: DesktopCredentials {
        DesktopCredentials(user: "User", domain: "Domain", password: Secret("Password"))
    }
}
