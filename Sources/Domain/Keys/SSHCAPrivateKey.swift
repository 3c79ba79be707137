public import Crypto
public import CryptoExtras

/// A private key of an SSH certificate authority.
public enum SSHCAPrivateKey: Sendable {
    /// The default: understood by OpenSSH 6.5 and later, refused in FIPS mode.
    case ed25519(Curve25519.Signing.PrivateKey)
    /// For hosts in FIPS mode.
    case p256(P256.Signing.PrivateKey)
    /// For software that knows nothing else; signing takes fifty times longer.
    case rsa(_RSA.Signing.PrivateKey)

    /// The kind of key.
    public var keyType: SSHCAKeys.KeyType {
        switch self {
        case .ed25519: .ed25519
        case .p256: .ecdsaP256
        case .rsa: .rsa3072
        }
    }

    static func make(_ type: SSHCAKeys.KeyType) throws -> SSHCAPrivateKey {
        switch type {
        case .ed25519: .ed25519(Curve25519.Signing.PrivateKey())
        case .ecdsaP256: .p256(P256.Signing.PrivateKey())
        case .rsa3072: .rsa(try _RSA.Signing.PrivateKey(keySize: .bits3072))
        }
    }

    init(_ type: SSHCAKeys.KeyType, bytes: [UInt8]) throws {
        switch type {
        case .ed25519: self = .ed25519(try Curve25519.Signing.PrivateKey(rawRepresentation: bytes))
        case .ecdsaP256: self = .p256(try P256.Signing.PrivateKey(rawRepresentation: bytes))
        case .rsa3072: self = .rsa(try _RSA.Signing.PrivateKey(derRepresentation: bytes))
        }
    }

    var bytes: [UInt8] {
        switch self {
        case .ed25519(let key): [UInt8](key.rawRepresentation)
        case .p256(let key): [UInt8](key.rawRepresentation)
        case .rsa(let key): [UInt8](key.derRepresentation)
        }
    }
}
