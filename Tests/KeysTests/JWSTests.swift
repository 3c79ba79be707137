import Crypto
import CryptoExtras
import FoundationEssentials
import Keys
import Testing
import Vocabulary

struct JWSTests {
    private static let rsa = try? _RSA.Signing.PrivateKey(keySize: .bits2048)
    private static let p256 = P256.Signing.PrivateKey()

    private func token(
        _ header: String,
        _ payload: String = #"{"sub":"a"}"#,
        sign: ([UInt8]) throws -> [UInt8] = { [UInt8](try JWSTests.p256.signature(for: $0).rawRepresentation) }
    ) rethrows -> String {
        let signed = Base64URL.encode(Array(header.utf8)) + "." + Base64URL.encode(Array(payload.utf8))
        return signed + "." + Base64URL.encode(try sign(Array(signed.utf8)))
    }

    private var p256: JWS.PublicKey { .p256(Self.p256.publicKey) }

    @Test("accepts a token signed with ES256")
    func acceptsES256() throws {
        let parts = try JWS.verify(try self.token(#"{"alg":"ES256"}"#), publicKey: self.p256)
        #expect(parts.claims["sub"] == "a")
    }

    @Test("accepts RS256 and PS256 with an RSA key, and takes neither for the other")
    func acceptsRSA() throws {
        let key = try #require(Self.rsa)
        for (name, padding) in [("RS256", _RSA.Signing.Padding.insecurePKCS1v1_5), ("PS256", .PSS)] {
            let sign: ([UInt8]) throws -> [UInt8] = {
                [UInt8](try key.signature(for: SHA256.hash(data: $0), padding: padding).rawRepresentation)
            }
            let right = try self.token(#"{"alg":"\#(name)"}"#, sign: sign)
            #expect(throws: Never.self) { try JWS.verify(right, publicKey: .rsa(key.publicKey)) }
            let other = name == "RS256" ? "PS256" : "RS256"
            let wrong = try self.token(#"{"alg":"\#(other)"}"#, sign: sign)
            #expect(throws: JWS.Refused.signature) { try JWS.verify(wrong, publicKey: .rsa(key.publicKey)) }
        }
    }

    @Test(
        "refuses an algorithm that the key does not stand for",
        arguments: ["none", "None", "HS256", "RS256", "ES384", ""]
    )
    func refusesAlgorithm(name: String) throws {
        let token = try self.token(#"{"alg":"\#(name)"}"#)
        #expect(throws: JWS.Refused.algorithm) { try JWS.verify(token, publicKey: self.p256) }
    }

    @Test("refuses an unsigned token")
    func refusesUnsigned() throws {
        let none = self.token(#"{"alg":"none"}"#, sign: { _ in [] })
        #expect(throws: JWS.Refused.algorithm) { try JWS.verify(none, publicKey: self.p256) }
        let empty = self.token(#"{"alg":"ES256"}"#, sign: { _ in [] })
        #expect(throws: JWS.Refused.signature) { try JWS.verify(empty, publicKey: self.p256) }
    }

    @Test("refuses the public key used as a shared secret")
    func refusesConfusion() throws {
        let key = try #require(Self.rsa)
        let token = self.token(#"{"alg":"HS256"}"#) { bytes in
            let secret = SymmetricKey(data: key.publicKey.derRepresentation)
            return [UInt8](HMAC<SHA256>.authenticationCode(for: bytes, using: secret))
        }
        #expect(throws: JWS.Refused.algorithm) { try JWS.verify(token, publicKey: .rsa(key.publicKey)) }
    }

    @Test("refuses a changed payload")
    func refusesChange() throws {
        let parts = try self.token(#"{"alg":"ES256"}"#).split(separator: ".")
        let changed = "\(parts[0]).\(Base64URL.encode(Array(#"{"sub":"b"}"#.utf8))).\(parts[2])"
        #expect(throws: JWS.Refused.signature) { try JWS.verify(changed, publicKey: self.p256) }
    }

    @Test("refuses extensions that must be understood")
    func refusesCritical() throws {
        let token = try self.token(#"{"alg":"ES256","crit":["b64"],"b64":false}"#)
        #expect(throws: JWS.Refused.critical) { try JWS.verify(token, publicKey: self.p256) }
    }

    @Test(
        "refuses a repeated member, also behind an escape",
        arguments: [
            #"{"alg":"ES256","alg":"none"}"#, #"{"alg":"none","alg":"ES256"}"#, #"{"alg":"ES256","\u0061lg":"none"}"#,
            #"{"alg":"ES256","x":{"y":1,"y":2}}"#,
        ]
    )
    func refusesRepeated(header: String) throws {
        let token = try self.token(header)
        #expect(throws: JWS.Refused.malformed) { try JWS.verify(token, publicKey: self.p256) }
    }

    @Test("refuses a repeated claim")
    func refusesRepeatedClaim() throws {
        let token = try self.token(#"{"alg":"ES256"}"#, #"{"oid":"a","oid":"b"}"#)
        #expect(throws: JWS.Refused.malformed) { try JWS.verify(token, publicKey: self.p256) }
    }

    @Test("accepts the same name in different objects, and names inside strings")
    func acceptsDistinct() throws {
        let token = try self.token(#"{"alg":"ES256"}"#, #"{"a":{"b":1},"c":{"b":[{"b":2}]},"d":"{\"a\":1,\"a\":2}"}"#)
        #expect(throws: Never.self) { try JWS.verify(token, publicKey: self.p256) }
    }

    @Test("refuses anything but three parts", arguments: ["", "a", "a.b", "..", "a.b.c.d", "a.b.c.d.e"])
    func refusesParts(token: String) {
        #expect(throws: JWS.Refused.malformed) { try JWS.split(token) }
    }

    @Test("refuses a fourth part, padding, and white space around a good token")
    func refusesDecoration() throws {
        let token = try self.token(#"{"alg":"ES256"}"#)
        for changed in [token + ".x", token + "=", token + "\n", " " + token, token + "."] {
            #expect(throws: JWS.Refused.malformed) { try JWS.verify(changed, publicKey: self.p256) }
        }
    }

    @Test("refuses a header or payload that is no object", arguments: ["[]", "1", #""a""#, "null", "{", "{}x"])
    func refusesNonObjects(text: String) throws {
        #expect(throws: JWS.Refused.malformed) { try JWS.split(try self.token(text)) }
        #expect(throws: JWS.Refused.malformed) { try JWS.split(try self.token(#"{"alg":"ES256"}"#, text)) }
    }

    @Test("refuses a deep document and a long token")
    func refusesHeavy() throws {
        let deep = #"{"a":"# + String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000) + "}"
        #expect(throws: JWS.Refused.malformed) { try JWS.split(try self.token(deep)) }
        let long = #"{"a":""# + String(repeating: "x", count: 70_000) + #""}"#
        #expect(throws: JWS.Refused.malformed) { try JWS.split(try self.token(#"{"alg":"ES256"}"#, long)) }
    }

    @Test("reads P-256 and RSA public keys, no short RSA ones")
    func readsPublicKeys() throws {
        let rsa = try #require(Self.rsa)
        let weak = try _RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: 1024))
        #expect(JWS.PublicKey(derRepresentation: [UInt8](rsa.publicKey.derRepresentation)) != nil)
        #expect(JWS.PublicKey(derRepresentation: [UInt8](Self.p256.publicKey.derRepresentation)) != nil)
        #expect(JWS.PublicKey(derRepresentation: [UInt8](weak.publicKey.derRepresentation)) == nil)
        #expect(JWS.PublicKey(derRepresentation: [1, 2, 3]) == nil)
    }
}
