public import Vocabulary

extension SSHPublicKey {
    /// Makes an RSA key from the two numbers of a JSON Web Key, each in base64url.
    ///
    /// Leading zero bytes and `=` padding are tolerated, because the Azure CLI sends the raw SSH integer. Source: RFC 7518
    /// section 6.3.1.
    public init(modulus: String, exponent: String) throws(SSHWireError) {
        guard modulus.utf8.count <= SSHWire.longestKey, exponent.utf8.count <= 64 else { throw .tooLong }
        guard let modulus = Base64URL.decode(modulus), let exponent = Base64URL.decode(exponent) else {
            throw .malformedKey
        }
        self = .rsa(exponent: Array(exponent.drop { $0 == 0 }), modulus: Array(modulus.drop { $0 == 0 }))
        try self.check()
    }

    /// Makes a key from a JSON Web Key of type `RSA`, `OKP` (Ed25519) or `EC`; other members are ignored.
    public init(jsonWebKey key: JSONValue) throws(SSHWireError) {
        let text = { (name: String) in key[name]?.string ?? "" }
        switch (text("kty"), text("crv")) {
        case ("RSA", _):
            try self.init(modulus: text("n"), exponent: text("e"))
        case ("OKP", "Ed25519"):
            self = .ed25519(try Self.bytes(text("x"), count: 32))
        case ("EC", "P-256"):
            try self.init(curve: .p256, x: text("x"), y: text("y"))
        case ("EC", "P-384"):
            try self.init(curve: .p384, x: text("x"), y: text("y"))
        case ("EC", "P-521"):
            try self.init(curve: .p521, x: text("x"), y: text("y"))
        default:
            throw .unknownKeyType
        }
    }

    private init(curve: SSHCurve, x: String, y: String) throws(SSHWireError) {
        let point = try Self.bytes(x, count: curve.width) + Self.bytes(y, count: curve.width)
        self = .ecdsa(curve, point: [4] + point)
        try self.check()
    }

    private static func bytes(_ text: String, count: Int) throws(SSHWireError) -> [UInt8] {
        guard text.utf8.count <= 128, let bytes = Base64URL.decode(text), bytes.count == count else {
            throw .malformedKey
        }
        return bytes
    }
}
