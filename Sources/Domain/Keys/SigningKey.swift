import Crypto
import CryptoExtras
import FoundationEssentials
import Storage
import SwiftASN1
import Vocabulary
import X509

/// One token-signing key, with the self-signed certificate whose digest names it.
struct SigningKey: Sendable {
    enum Half: Sendable {
        case rsa(_RSA.Signing.PrivateKey)
        case p256(P256.Signing.PrivateKey)
    }

    /// SHA-1 of the certificate in base64url: `kid` and `x5t` alike, as clients of Microsoft Entra ID know it. Source: RFC 7515 section 4.1.7.
    let kid: String
    let algorithm: SigningKeys.Algorithm
    let half: Half
    let certificate: [UInt8]
    let notBefore: Instant
    let retiredAt: Instant?

    static func make(_ algorithm: SigningKeys.Algorithm, from start: Instant, random: RandomSource) throws -> SigningKey
    {
        let half: Half =
            switch algorithm {
            case .rs256: .rsa(try _RSA.Signing.PrivateKey(keySize: .bits2048))
            case .es256: .p256(P256.Signing.PrivateKey())
            }
        let certificate = try Self.certificate(half, from: start, random: random)
        return SigningKey(
            kid: Base64URL.encode(Insecure.SHA1.hash(data: certificate)),
            algorithm: algorithm,
            half: half,
            certificate: certificate,
            notBefore: start,
            retiredAt: nil
        )
    }

    // Nothing validates this certificate's dates or name; it exists because clients expect `x5t` and `x5c` beside a key.
    private static func certificate(_ half: Half, from start: Instant, random: RandomSource) throws -> [UInt8] {
        let key: Certificate.PrivateKey =
            switch half {
            case .rsa(let key): .init(key)
            case .p256(let key): .init(key)
            }
        let name = try DistinguishedName { CommonName("Sallyport token signing") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: .init(bytes: [1] + random.bytes(15)),
            publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSince1970: Double(start.seconds)),
            notValidAfter: Date(timeIntervalSince1970: Double(start.seconds + 5 * 365 * 86_400)),
            issuer: name,
            subject: name,
            signatureAlgorithm: { if case .rsa = half { .sha256WithRSAEncryption } else { .ecdsaWithSHA256 } }(),
            extensions: try Certificate.Extensions { Critical(KeyUsage(digitalSignature: true)) },
            issuerPrivateKey: key
        )
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    /// What the sealed private half is bound to.
    var context: String { "token signing key \(self.kid)" }

    var privateBytes: [UInt8] {
        switch self.half {
        case .rsa(let key): [UInt8](key.derRepresentation)
        case .p256(let key): [UInt8](key.rawRepresentation)
        }
    }

    var publicKey: JWS.PublicKey {
        switch self.half {
        case .rsa(let key): .rsa(key.publicKey)
        case .p256(let key): .p256(key.publicKey)
        }
    }

    func isPublished(at now: Instant, for keepOld: Duration) -> Bool {
        self.retiredAt.map { now < $0 + keepOld } ?? true
    }

    func sign(_ bytes: [UInt8]) throws -> [UInt8] {
        switch self.half {
        case .rsa(let key):
            [UInt8](try key.signature(for: SHA256.hash(data: bytes), padding: .insecurePKCS1v1_5).rawRepresentation)
        case .p256(let key):
            [UInt8](try key.signature(for: bytes).rawRepresentation)
        }
    }

    /// The public half as a JSON Web Key. Source: RFC 7517 section 4, RFC 7518 section 6.
    func jwk(issuer: String) -> JSONValue {
        var members: [String: JSONValue] = [
            "use": "sig",
            "kid": .string(self.kid),
            "x5t": .string(self.kid),
            "x5c": [.string(Data(self.certificate).base64EncodedString())],
            "alg": .string(self.algorithm.rawValue),
            "issuer": .string(issuer),
        ]
        switch self.half {
        case .rsa(let key):
            guard let primitives = try? key.publicKey.getKeyPrimitives() else { return .object(members) }
            members["kty"] = "RSA"
            members["n"] = .string(Base64URL.encode(primitives.modulus))
            members["e"] = .string(Base64URL.encode(primitives.publicExponent))
        case .p256(let key):
            let point = key.publicKey.rawRepresentation
            members["kty"] = "EC"
            members["crv"] = "P-256"
            members["x"] = .string(Base64URL.encode(point.prefix(32)))
            members["y"] = .string(Base64URL.encode(point.suffix(32)))
        }
        return .object(members)
    }
}

extension SigningKey {
    /// Reads a stored key and unseals it.
    init(row: Row, sealing: SealingKey) throws {
        guard let algorithm = SigningKeys.Algorithm(rawValue: try row.text("algorithm")) else {
            throw StorageError(.unexpectedValue, "column algorithm")
        }
        let kid = try row.text("kid")
        let bytes = try sealing.open(try row.blob("sealed"), context: "token signing key \(kid)")
        self.init(
            kid: kid,
            algorithm: algorithm,
            half: algorithm == .rs256
                ? .rsa(try _RSA.Signing.PrivateKey(derRepresentation: bytes))
                : .p256(try P256.Signing.PrivateKey(rawRepresentation: bytes)),
            certificate: try row.blob("certificate"),
            notBefore: try row.instant("not_before"),
            retiredAt: try row.optionalInstant("retired_at")
        )
    }
}
