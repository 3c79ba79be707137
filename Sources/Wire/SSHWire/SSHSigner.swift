public import Crypto
public import CryptoExtras

/// Somebody who can sign: a public key and a function that only its owner has.
public struct SSHSigner: Sendable {
    /// The key that verifies what this signer signs.
    public let publicKey: SSHPublicKey
    private let signing: @Sendable ([UInt8]) throws -> SSHSignature

    /// Makes a signer from a function, for keys that live elsewhere.
    public init(publicKey: SSHPublicKey, signing: @escaping @Sendable ([UInt8]) throws -> SSHSignature) {
        self.publicKey = publicKey
        self.signing = signing
    }

    /// Signs bytes; any failure is `signingFailed`.
    public func sign(_ bytes: [UInt8]) throws(SSHWireError) -> SSHSignature {
        do {
            return try self.signing(bytes)
        } catch {
            throw .signingFailed
        }
    }

    /// Signs with an Ed25519 key.
    public static func ed25519(_ key: Curve25519.Signing.PrivateKey) -> SSHSigner {
        SSHSigner(publicKey: .ed25519(Array(key.publicKey.rawRepresentation))) { bytes in
            SSHSignature(.ed25519, content: Array(try key.signature(for: bytes)))
        }
    }

    /// Signs with ECDSA on P-256 and SHA-256.
    public static func p256(_ key: P256.Signing.PrivateKey) -> SSHSigner {
        SSHSigner(publicKey: .ecdsa(.p256, point: Array(key.publicKey.x963Representation))) { bytes in
            SSHSignature(.ecdsaP256, fixedWidth: Array(try key.signature(for: bytes).rawRepresentation))
        }
    }

    /// Signs with ECDSA on P-384 and SHA-384.
    public static func p384(_ key: P384.Signing.PrivateKey) -> SSHSigner {
        SSHSigner(publicKey: .ecdsa(.p384, point: Array(key.publicKey.x963Representation))) { bytes in
            SSHSignature(.ecdsaP384, fixedWidth: Array(try key.signature(for: bytes).rawRepresentation))
        }
    }

    /// Signs with RSA, PKCS #1 v1.5 and SHA-512 (RFC 8332).
    public static func rsa(_ key: _RSA.Signing.PrivateKey) throws(SSHWireError) -> SSHSigner {
        guard let numbers = try? key.publicKey.getKeyPrimitives() else { throw .malformedKey }
        let publicKey = SSHPublicKey.rsa(
            exponent: Array(numbers.publicExponent.drop { $0 == 0 }),
            modulus: Array(numbers.modulus.drop { $0 == 0 })
        )
        return SSHSigner(publicKey: publicKey) { bytes in
            let signature = try key.signature(for: SHA512.hash(data: bytes), padding: .insecurePKCS1v1_5)
            return SSHSignature(.rsaSHA512, content: Array(signature.rawRepresentation))
        }
    }
}
