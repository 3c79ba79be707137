import Crypto
import SSHWire
import Testing
import Vocabulary

@Suite("SSH public keys")
struct SSHPublicKeyTests {
    @Test(
        "keys of ssh-keygen are read, written back the same, and have its fingerprint",
        arguments: [
            ("ed25519", 256, SSHKeyType.ed25519), ("ecdsa", 256, .ecdsaP256), ("ecdsa", 384, .ecdsaP384),
            ("ecdsa", 521, .ecdsaP521), ("rsa", 2048, .rsa), ("rsa", 3072, .rsa),
        ]
    )
    func realKeys(type: String, bits: Int, expected: SSHKeyType) throws {
        let keygen = try KeyGenerator()
        let key = try keygen.makeKey("key", type: type, bits: bits)
        #expect(key.type == expected)
        #expect(key.bits == bits)
        #expect(key.line(comment: "a comment") + "\n" == (try keygen.text("key.pub")))
        #expect(try keygen.succeed("-l", "-f", "key.pub").contains(" \(key.fingerprint) "))
    }

    @Test("a key in a security key keeps its application")
    func securityKey() throws {
        let raw = Array(Curve25519.Signing.PrivateKey().publicKey.rawRepresentation)
        let point = Array(P256.Signing.PrivateKey().publicKey.x963Representation)
        let keygen = try KeyGenerator()
        for key in [
            SSHPublicKey.securityKeyEd25519(raw, application: "ssh:"),
            .securityKeyP256(point: point, application: "ssh:work"),
        ] {
            #expect(try SSHPublicKey(line: key.line()) == key)
            try keygen.write("sk.pub", Array(key.line().utf8))
            #expect(try keygen.succeed("-l", "-f", "sk.pub").contains(key.fingerprint))
        }
    }

    @Test("a modulus with a leading zero and padding, as the Azure CLI sends it, is the same key")
    func jsonWebKeyOfAzureCLI() throws {
        let keygen = try KeyGenerator()
        let key = try keygen.makeKey("key", type: "rsa", bits: 2048)
        guard case .rsa(let exponent, let modulus) = key else {
            Issue.record("not RSA")
            return
        }
        let text = Base64URL.encode([0] + modulus)
        let padded = text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        #expect(text.hasPrefix("A"))
        #expect(try SSHPublicKey(modulus: padded, exponent: "AQAB") == key)
        #expect(try SSHPublicKey(modulus: Base64URL.encode(modulus), exponent: Base64URL.encode(exponent)) == key)
        #expect(try SSHPublicKey(jsonWebKey: ["kty": "RSA", "n": .string(padded), "e": "AQAB", "kid": "x"]) == key)
    }

    @Test("JSON Web Keys of the other types are read")
    func otherJSONWebKeys() throws {
        let ed25519 = Array(Curve25519.Signing.PrivateKey().publicKey.rawRepresentation)
        let point = Array(P256.Signing.PrivateKey().publicKey.rawRepresentation)
        let x = JSONValue.string(Base64URL.encode(point[..<32]))
        let y = JSONValue.string(Base64URL.encode(point[32...]))
        #expect(
            try SSHPublicKey(
                jsonWebKey: ["kty": "OKP", "crv": "Ed25519", "x": .string(Base64URL.encode(ed25519))]
            ) == .ed25519(ed25519)
        )
        #expect(
            try SSHPublicKey(jsonWebKey: ["kty": "EC", "crv": "P-256", "x": x, "y": y])
                == .ecdsa(.p256, point: [4] + point)
        )
        #expect(throws: SSHWireError.malformedKey) {
            try SSHPublicKey(jsonWebKey: ["kty": "EC", "crv": "P-256", "x": x, "y": x])
        }
        #expect(throws: SSHWireError.unknownKeyType) { try SSHPublicKey(jsonWebKey: ["kty": "oct", "k": "AAAA"]) }
    }

    @Test("an RSA key that is none is refused", arguments: ["", "AA", "AQAB", "AAAAAAAA"])
    func malformedModulus(modulus: String) {
        #expect(throws: SSHWireError.malformedKey) { try SSHPublicKey(modulus: modulus, exponent: "AQAB") }
    }

    @Test("an even, huge or unit exponent is refused", arguments: ["Ag", "AQ", "AQAAAAAB", "", "AA"])
    func malformedExponent(exponent: String) {
        let modulus = Base64URL.encode([UInt8](repeating: 0xff, count: 256))
        #expect(throws: SSHWireError.malformedKey) { try SSHPublicKey(modulus: modulus, exponent: exponent) }
    }

    @Test("an Ed25519 key of the wrong length is refused", arguments: [0, 1, 31, 33, 64])
    func wrongLength(count: Int) {
        let blob = SSHPublicKey.ed25519([UInt8](repeating: 1, count: count)).blob
        #expect(throws: SSHWireError.malformedKey) { try SSHPublicKey(blob: blob) }
    }

    @Test(
        "an Ed25519 key of small order is refused, with which anybody could sign",
        arguments: [
            String(repeating: "00", count: 32), String(repeating: "00", count: 31) + "80",
            "01" + String(repeating: "00", count: 31), "ec" + String(repeating: "ff", count: 31),
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        ]
    )
    func smallOrder(hex: String) throws {
        let key = try #require(Hex.decode(hex))
        #expect(throws: SSHWireError.malformedKey) { try SSHPublicKey.ed25519(key).check() }
        #expect(throws: SSHWireError.malformedKey) {
            try SSHPublicKey.securityKeyEd25519(key, application: "ssh:").check()
        }
    }

    @Test("a point that is not on its curve, compressed or at infinity is refused")
    func wrongPoint() {
        for point: [UInt8] in [
            [4] + [UInt8](repeating: 1, count: 64), [2] + [UInt8](repeating: 1, count: 32), [0], [],
            [UInt8](repeating: 0, count: 65),
        ] {
            let blob = SSHPublicKey.ecdsa(.p256, point: point).blob
            #expect(throws: SSHWireError.malformedKey) { try SSHPublicKey(blob: blob) }
        }
    }

    @Test("a curve that does not fit the type is refused")
    func wrongCurve() {
        var writer = SSHWriter()
        writer.write(text: "ecdsa-sha2-nistp384")
        writer.write(text: "nistp256")
        writer.write(string: Array(P256.Signing.PrivateKey().publicKey.x963Representation))
        #expect(throws: SSHWireError.malformedKey) { try SSHPublicKey(blob: writer.bytes) }
    }

    @Test("a line whose two types differ, or that is not one line, is refused")
    func malformedLines() {
        let key = SSHPublicKey.ed25519(Array(Curve25519.Signing.PrivateKey().publicKey.rawRepresentation))
        let base64 = key.line().split(separator: " ")[1]
        for line in [
            "ecdsa-sha2-nistp256 \(base64)", "ssh-ed25519", "ssh-ed25519 \(base64)=", "ssh-ed25519 !",
            "ssh-ed25519 \(base64)\nssh-ed25519 \(base64)",
        ] {
            #expect(throws: SSHWireError.malformedLine) { try SSHPublicKey(line: line) }
        }
    }

    @Test("a line end in a comment does not start a new line")
    func comment() {
        let key = SSHPublicKey.ed25519([UInt8](repeating: 1, count: 32))
        #expect(!key.line(comment: "a\nssh-rsa evil").contains("\n"))
    }

    @Test("bytes after the key are refused")
    func trailing() {
        let key = SSHPublicKey.ed25519([UInt8](repeating: 1, count: 32))
        #expect(throws: SSHWireError.trailingBytes) { try SSHPublicKey(blob: key.blob + [0]) }
    }
}
