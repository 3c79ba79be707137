public import Crypto
public import CryptoExtras
import FoundationEssentials
public import Vocabulary

/// Signed JSON in its compact form: taken apart strictly, and verified with a key that the caller already trusts.
///
/// Nothing inside a token ever chooses the key or the algorithm: `alg` must be one that the given key stands for, `none` stands for none, and
/// `jku`, `jwk` and `x5c` are not followed. Source: RFC 7515 section 5.2, RFC 8725 sections 3.1 to 3.3.
public enum JWS {
    /// The algorithms that are understood. Source: RFC 7518 section 3.1.
    public enum Algorithm: String, Sendable, Hashable {
        /// RSA with PKCS #1 v1.5 padding and SHA-256.
        case rs256 = "RS256"
        /// RSA with PSS padding and SHA-256.
        case ps256 = "PS256"
        /// ECDSA on P-256 with SHA-256.
        case es256 = "ES256"
    }

    /// A key to verify with.
    public enum PublicKey: Sendable {
        /// Stands for RS256 and PS256.
        case rsa(_RSA.Signing.PublicKey)
        /// Stands for ES256.
        case p256(P256.Signing.PublicKey)
    }

    /// A token taken apart, its signature not yet looked at.
    public struct Parts: Sendable, Hashable {
        /// The protected header.
        public let header: JSONValue
        /// The payload, a JSON object.
        public let claims: JSONValue
        /// What was signed: the first two parts and the dot between them.
        public let signed: [UInt8]
        /// The signature.
        public let signature: [UInt8]

        /// The header's `kid`.
        public var keyID: String? { self.header["kid"]?.string }
        /// The header's `alg`, if it is one that is understood.
        public var algorithm: Algorithm? { self.header["alg"]?.string.flatMap(Algorithm.init(rawValue:)) }
    }

    /// Why a token was not accepted.
    public enum Refused: Error, Sendable, Hashable {
        /// Not three parts of unpadded base64url holding JSON objects with distinct member names, or over 64 KiB.
        case malformed
        /// `alg` is missing, unknown, `none`, or not one that the key stands for.
        case algorithm
        /// The header names extensions in `crit`; none is understood. Source: RFC 7515 section 4.1.11.
        case critical
        /// The signature does not fit.
        case signature
    }

    /// The longest token that is read, in bytes.
    static let longest = 65_536

    /// Takes a token apart without verifying it: only for finding out which key to verify with.
    public static func split(_ token: String) throws(Refused) -> Parts {
        let units = Array(token.utf8)
        guard units.count <= Self.longest else { throw .malformed }
        let parts = units.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed }
        // Padding is legal elsewhere in this code base, but not in a token (RFC 7515 section 2).
        guard !units.contains(UInt8(ascii: "=")) else { throw .malformed }
        let header = try Self.object(parts[0])
        guard header["crit"] == nil else { throw .critical }
        let claims = try Self.object(parts[1])
        guard let signature = Base64URL.decode(String(decoding: parts[2], as: UTF8.self)) else { throw .malformed }
        return Parts(
            header: header,
            claims: claims,
            signed: Array(units[..<(parts[0].count + 1 + parts[1].count)]),
            signature: signature
        )
    }

    /// Verifies a token with a key that the caller trusts; returns its parts. Times, issuer and audience remain the caller's to check.
    @discardableResult
    public static func verify(_ token: String, publicKey: PublicKey) throws(Refused) -> Parts {
        let parts = try Self.split(token)
        guard let algorithm = parts.algorithm else { throw .algorithm }
        guard try Self.fits(parts, algorithm: algorithm, key: publicKey) else { throw .signature }
        return parts
    }

    static func fits(_ parts: Parts, algorithm: Algorithm, key: PublicKey) throws(Refused) -> Bool {
        switch (algorithm, key) {
        case (.rs256, .rsa(let key)), (.ps256, .rsa(let key)):
            let signature = _RSA.Signing.RSASignature(rawRepresentation: parts.signature)
            let padding: _RSA.Signing.Padding = algorithm == .rs256 ? .insecurePKCS1v1_5 : .PSS
            return key.isValidSignature(signature, for: SHA256.hash(data: parts.signed), padding: padding)
        case (.es256, .p256(let key)):
            guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: parts.signature) else {
                return false
            }
            return key.isValidSignature(signature, for: parts.signed)
        default:
            throw .algorithm
        }
    }

    private static func object(_ part: ArraySlice<UInt8>) throws(Refused) -> JSONValue {
        guard !part.isEmpty, let bytes = Base64URL.decode(String(decoding: part, as: UTF8.self)) else {
            throw .malformed
        }
        guard
            MemberNames.areDistinct(in: bytes),
            let value = try? JSONValue(parsing: bytes),
            value.object != nil
        else { throw .malformed }
        return value
    }
}

extension JWS.PublicKey {
    /// Reads a public key in DER (SubjectPublicKeyInfo): RSA of at least 2,048 bits, or P-256; nil for anything else.
    public init?(derRepresentation bytes: [UInt8]) {
        if let key = try? P256.Signing.PublicKey(derRepresentation: bytes) {
            self = .p256(key)
        } else if let key = try? _RSA.Signing.PublicKey(derRepresentation: bytes), key.keySizeInBits >= 2048 {
            self = .rsa(key)
        } else {
            return nil
        }
    }
}
