import Audit
import Crypto
import CryptoExtras
import FoundationEssentials
import Keys
import SQLiteStorage
import Storage
import TestKit
import Testing
import Vocabulary

struct SigningKeysTests {
    private let refused = Problem("InvalidAuthenticationToken", shown: "")

    @Test("signs with both algorithms and verifies what it signed", arguments: SigningKeys.Algorithm.allCases)
    func signsAndVerifies(algorithm: SigningKeys.Algorithm) async throws {
        let keys = try await KeysWorld().signingKeys()
        try await keys.load()
        let token = try keys.sign(["sub": "alice"], with: algorithm, header: ["nonce": "n"])
        let header = try JWS.split(token).header
        #expect(header["alg"]?.string == algorithm.rawValue)
        #expect(header["typ"] == "JWT")
        #expect(header["nonce"] == "n")
        #expect(header["kid"] == header["x5t"])
        #expect(try keys.verify(token)["sub"] == "alice")
    }

    @Test("does not sign before the keys are loaded")
    func wantsLoading() async throws {
        let keys = try await KeysWorld().signingKeys()
        #expect(throws: KeysError(.notLoaded, "")) { try keys.sign([:], with: .es256) }
    }

    @Test("publishes a key set with which a stranger can verify")
    func publishes() async throws {
        let keys = try await KeysWorld().signingKeys()
        try await keys.load()
        let set = try #require(keys.publicKeys(issuer: "https://i")["keys"]?.array)
        #expect(set.count == 2)
        for key in set {
            let algorithm = try #require(key["alg"]?.string.flatMap(SigningKeys.Algorithm.init(rawValue:)))
            let token = try keys.sign(["a": 1], with: algorithm)
            #expect(try JWS.split(token).keyID == key["kid"]?.string)
            #expect(key["issuer"] == "https://i")
            #expect(key["use"] == "sig")
            let certificate = try #require(Data(base64Encoded: key["x5c"]?.array?.first?.string ?? ""))
            #expect(Base64URL.encode(Insecure.SHA1.hash(data: certificate)) == key["x5t"]?.string)
            let publicKey: JWS.PublicKey
            if key["kty"] == "RSA" {
                let n = try #require(Base64URL.decode(key["n"]?.string ?? ""))
                let e = try #require(Base64URL.decode(key["e"]?.string ?? ""))
                #expect(n.count == 256)
                publicKey = .rsa(try _RSA.Signing.PublicKey(n: n, e: e))
            } else {
                let x = try #require(Base64URL.decode(key["x"]?.string ?? ""))
                let y = try #require(Base64URL.decode(key["y"]?.string ?? ""))
                publicKey = .p256(try P256.Signing.PublicKey(rawRepresentation: x + y))
            }
            #expect(throws: Never.self) { try JWS.verify(token, publicKey: publicKey) }
        }
    }

    @Test("publishes no private member")
    func hidesPrivate() async throws {
        let keys = try await KeysWorld().signingKeys()
        try await keys.load()
        for key in keys.publicKeys(issuer: "i")["keys"]?.array ?? [] {
            #expect(Set(["d", "p", "q", "dp", "dq", "qi", "k"]).isDisjoint(with: key.object?.keys.map(\.self) ?? []))
        }
    }

    @Test("finds the same keys after a restart")
    func keepsKeys() async throws {
        let world = try await KeysWorld()
        let keys = world.signingKeys()
        try await keys.load()
        let token = try keys.sign(["a": 1], with: .rs256)
        let again = world.signingKeys()
        try await again.load()
        #expect(try again.verify(token)["a"] == 1)
        #expect(again.publicKeys(issuer: "i") == keys.publicKeys(issuer: "i"))
    }

    @Test("cannot read its keys with another sealing key")
    func wantsSealingKey() async throws {
        let world = try await KeysWorld()
        try await world.signingKeys().load()
        let strange = world.signingKeys(sealing: try SealingKey(bytes: [UInt8](repeating: 9, count: 32)))
        await #expect(throws: KeysError(.cannotOpen, "")) { try await strange.load() }
    }

    @Test("refuses a token of somebody else's key, even under one of our key ids")
    func refusesForeign() async throws {
        let world = try await KeysWorld()
        let keys = world.signingKeys()
        try await keys.load()
        let other = try await KeysWorld().signingKeys()
        try await other.load()
        #expect(throws: self.refused) { try keys.verify(try other.sign(["a": 1], with: .es256)) }
        let own = try JWS.split(try keys.sign(["a": 1], with: .es256)).header
        let signed = Base64URL.encode(own.bytes) + "." + Base64URL.encode(Array(#"{"a":1}"#.utf8))
        let forged = try P256.Signing.PrivateKey().signature(for: Array(signed.utf8)).rawRepresentation
        #expect(throws: self.refused) { try keys.verify(signed + "." + Base64URL.encode(forged)) }
    }

    @Test("refuses an algorithm that is not the named key's own, and a missing key id")
    func refusesMixture() async throws {
        let keys = try await KeysWorld().signingKeys()
        try await keys.load()
        let token = try keys.sign(["a": 1], with: .rs256)
        let parts = token.split(separator: ".")
        for change in [["alg": "ES256"], ["alg": "PS256"], ["alg": "none"], ["kid": .null]] as [[String: JSONValue]] {
            var header = try JWS.split(token).header
            for (name, value) in change { header[name] = value.isNull ? nil : value }
            let changed = "\(Base64URL.encode(header.bytes)).\(parts[1]).\(parts[2])"
            #expect(throws: self.refused) { try keys.verify(changed) }
        }
    }

    @Test("signs with new keys after a rotation, and verifies old tokens for as long as it said")
    func rotates() async throws {
        let world = try await KeysWorld()
        let keys = world.signingKeys()
        try await keys.load()
        let old = try keys.sign(["a": 1], with: .rs256)
        try await keys.rotate()
        let new = try keys.sign(["a": 2], with: .rs256)
        #expect(try JWS.split(old).keyID != JWS.split(new).keyID)
        #expect(keys.publicKeys(issuer: "i")["keys"]?.array?.count == 4)
        world.clock.turn(.seconds(3599))
        #expect(try keys.verify(old)["a"] == 1)
        world.clock.turn(.seconds(1))
        #expect(throws: self.refused) { try keys.verify(old) }
        #expect(try keys.verify(new)["a"] == 2)
        #expect(keys.publicKeys(issuer: "i")["keys"]?.array?.count == 2)
    }

    @Test("removes keys from the store that verify nothing any more")
    func forgets() async throws {
        let world = try await KeysWorld()
        let keys = world.signingKeys()
        try await keys.load()
        try await keys.rotate()
        world.clock.turn(.seconds(3601))
        try await keys.load()
        #expect(try await world.database.read { try $0.rows("SELECT kid FROM signing_key") }.count == 2)
    }

    @Test("publishes a new key ahead of signing with it")
    func publishesAhead() async throws {
        let world = try await KeysWorld()
        let keys = world.signingKeys(publishAhead: .seconds(60))
        try await keys.load()
        world.clock.turn(.seconds(60))
        let old = try JWS.split(try keys.sign([:], with: .es256)).keyID
        try await keys.rotate()
        #expect(try JWS.split(try keys.sign([:], with: .es256)).keyID == old)
        #expect(keys.publicKeys(issuer: "i")["keys"]?.array?.count == 4)
        world.clock.turn(.seconds(60))
        #expect(try JWS.split(try keys.sign([:], with: .es256)).keyID != old)
    }

    @Test("replaces keys by their age")
    func rotatesByAge() async throws {
        let world = try await KeysWorld()
        let keys = world.signingKeys()
        try await keys.load()
        #expect(try await !keys.rotate(ifOlderThan: .seconds(100)))
        world.clock.turn(.seconds(101))
        #expect(try await keys.rotate(ifOlderThan: .seconds(100)))
        #expect(try await !keys.rotate(ifOlderThan: .seconds(100)))
    }

    @Test("keeps no private key in clear, also after a rotation")
    func seals() async throws {
        let world = try await KeysWorld()
        let keys = world.signingKeys()
        try await keys.load()
        try await keys.rotate()
        for row in try await world.database.read({ try $0.rows("SELECT kid, algorithm, sealed FROM signing_key") }) {
            let sealed = try row.blob("sealed")
            #expect((try? P256.Signing.PrivateKey(rawRepresentation: sealed)) == nil)
            let context = "token signing key \(try row.text("kid"))"
            let plain = try world.sealing.open(sealed, context: context)
            #expect(sealed.count == plain.count + 28)
            #expect(!sealed.contains(plain.prefix(16)))
        }
    }

    @Test("writes making and rotating into the audit")
    func audits() async throws {
        let world = try await KeysWorld()
        let keys = world.signingKeys()
        try await keys.load()
        try await keys.rotate()
        let actions = try await world.audit.entries().map(\.event.action)
        #expect(
            actions.sorted() == ["signingKey.create", "signingKey.create", "signingKey.rotate", "signingKey.rotate"]
        )
    }
}
