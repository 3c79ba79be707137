import Crypto
import CryptoExtras

/// A signature with the name of its algorithm. SHA-1 does not exist here. Sources: RFC 8332, RFC 5656 section 3.1.2, RFC 8709.
public struct SSHSignature: Hashable, Sendable {
    /// A signature algorithm by its name in blobs.
    public enum Algorithm: String, Hashable, Sendable, CaseIterable {
        case ed25519 = "ssh-ed25519"
        case ecdsaP256 = "ecdsa-sha2-nistp256"
        case ecdsaP384 = "ecdsa-sha2-nistp384"
        case ecdsaP521 = "ecdsa-sha2-nistp521"
        case rsaSHA256 = "rsa-sha2-256"
        case rsaSHA512 = "rsa-sha2-512"
    }

    /// Which algorithm made it.
    public let algorithm: Algorithm
    /// What the algorithm puts into its blob: for ECDSA two `mpint`, otherwise the plain bytes.
    public let content: [UInt8]

    /// Makes a signature from its parts.
    public init(_ algorithm: Algorithm, content: [UInt8]) {
        self.algorithm = algorithm
        self.content = content
    }

    /// Makes an ECDSA signature from `r` and `s` side by side, each as wide as the curve.
    public init(_ algorithm: Algorithm, fixedWidth raw: some Collection<UInt8>) {
        var writer = SSHWriter(capacity: raw.count + 10)
        writer.write(magnitude: raw.prefix(raw.count / 2))
        writer.write(magnitude: raw.dropFirst(raw.count / 2))
        self.init(algorithm, content: writer.bytes)
    }

    /// Reads a signature blob.
    public init(blob: [UInt8]) throws(SSHWireError) {
        var reader = SSHReader(blob)
        guard let algorithm = Algorithm(rawValue: try reader.text()) else { throw .refusedSignatureAlgorithm }
        self.init(algorithm, content: try reader.string())
        try reader.finish()
    }

    /// The signature blob.
    public var blob: [UInt8] {
        var writer = SSHWriter(capacity: self.content.count + 32)
        writer.write(text: self.algorithm.rawValue)
        writer.write(string: self.content)
        return writer.bytes
    }

    /// Fails unless the key's owner signed exactly these bytes.
    ///
    /// Keys in security keys cannot be checked here and are refused as `refusedSignatureAlgorithm`.
    public func verify(_ bytes: [UInt8], by key: SSHPublicKey) throws(SSHWireError) {
        let isValid =
            switch (key, self.algorithm) {
            case (.ed25519(let raw), .ed25519): Self.isEd25519(self.content, of: bytes, by: raw)
            case (.ecdsa(.p256, let point), .ecdsaP256): self.isP256(of: bytes, by: point)
            case (.ecdsa(.p384, let point), .ecdsaP384): self.isP384(of: bytes, by: point)
            case (.ecdsa(.p521, let point), .ecdsaP521): self.isP521(of: bytes, by: point)
            case (.rsa(let exponent, let modulus), .rsaSHA256), (.rsa(let exponent, let modulus), .rsaSHA512):
                self.isRSA(of: bytes, by: exponent, modulus)
            default: throw .refusedSignatureAlgorithm
            }
        guard isValid else { throw .signatureMismatch }
    }

    private static func isEd25519(_ signature: [UInt8], of bytes: [UInt8], by raw: [UInt8]) -> Bool {
        guard signature.count == 64, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: raw) else {
            return false
        }
        return key.isValidSignature(signature, for: bytes)
    }

    private func isP256(of bytes: [UInt8], by point: [UInt8]) -> Bool {
        guard let raw = self.fixedWidth(32), let key = try? P256.Signing.PublicKey(x963Representation: point),
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: raw)
        else { return false }
        return key.isValidSignature(signature, for: bytes)
    }

    private func isP384(of bytes: [UInt8], by point: [UInt8]) -> Bool {
        guard let raw = self.fixedWidth(48), let key = try? P384.Signing.PublicKey(x963Representation: point),
            let signature = try? P384.Signing.ECDSASignature(rawRepresentation: raw)
        else { return false }
        return key.isValidSignature(signature, for: bytes)
    }

    private func isP521(of bytes: [UInt8], by point: [UInt8]) -> Bool {
        guard let raw = self.fixedWidth(66), let key = try? P521.Signing.PublicKey(x963Representation: point),
            let signature = try? P521.Signing.ECDSASignature(rawRepresentation: raw)
        else { return false }
        return key.isValidSignature(signature, for: bytes)
    }

    private func isRSA(of bytes: [UInt8], by exponent: [UInt8], _ modulus: [UInt8]) -> Bool {
        guard self.content.count <= modulus.count,
            let key = try? _RSA.Signing.PublicKey(n: modulus, e: exponent)
        else { return false }
        // RFC 8332 allows a signer to drop leading zeros; the verifier wants the width of the modulus.
        let padded = [UInt8](repeating: 0, count: modulus.count - self.content.count) + self.content
        let signature = _RSA.Signing.RSASignature(rawRepresentation: padded)
        if self.algorithm == .rsaSHA256 {
            return key.isValidSignature(signature, for: SHA256.hash(data: bytes), padding: .insecurePKCS1v1_5)
        }
        return key.isValidSignature(signature, for: SHA512.hash(data: bytes), padding: .insecurePKCS1v1_5)
    }

    /// `r` and `s` side by side, each padded to `width` bytes; nil when they are malformed or too large.
    private func fixedWidth(_ width: Int) -> [UInt8]? {
        var reader = SSHReader(self.content)
        guard let r = try? reader.magnitude(), let s = try? reader.magnitude(), reader.isAtEnd,
            r.count <= width, s.count <= width
        else { return nil }
        return [UInt8](repeating: 0, count: width - r.count) + r + [UInt8](repeating: 0, count: width - s.count) + s
    }
}
