import CryptoExtras
import FoundationEssentials
import SwiftASN1
public import Vocabulary
@_spi(CMS) import X509

/// Signs what the server says about a machine so that a third party can check it: a key and a certificate of its own, apart from every other.
///
/// Source: Azure Instance Metadata Service, attested data: an RSA signature in a PKCS #7 envelope that holds the text (RFC 5652).
public struct AttestationKey: Sendable {
    private static let life: Duration = .seconds(10 * 365 * 86_400)

    private let key: _RSA.Signing.PrivateKey
    private let certificate: Certificate

    /// The key as PEM: a secret.
    public let privatePEM: Secret<String>
    /// The certificate as PEM, for those who check.
    public let certificatePEM: String

    /// Makes a new key with a certificate that it signs itself, good for ten years. Throws `cryptography`.
    public static func make(for name: String, at now: Instant) throws(KeysError) -> AttestationKey {
        do {
            let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
            let subject = try DistinguishedName {
                OrganizationName("Sallyport")
                CommonName("Machine attestation of \(name)")
            }
            let certificate = try Certificate(
                version: .v3,
                serialNumber: Certificate.SerialNumber(),
                publicKey: .init(key.publicKey),
                notValidBefore: Self.date(now - .seconds(3600)),
                notValidAfter: Self.date(now + Self.life),
                issuer: subject,
                subject: subject,
                signatureAlgorithm: .sha256WithRSAEncryption,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true))
                    SubjectKeyIdentifier(hash: .init(key.publicKey))
                },
                issuerPrivateKey: .init(key)
            )
            return try AttestationKey(
                privatePEM: Secret(key.pemRepresentation),
                certificatePEM: certificate.serializeAsPEM().pemString
            )
        } catch {
            throw KeysError(.cryptography, "attestation key: \(error)")
        }
    }

    /// Reads a key that was made before. Throws `malformed`.
    public init(privatePEM: Secret<String>, certificatePEM: String) throws(KeysError) {
        do {
            self.key = try privatePEM.withValue { try _RSA.Signing.PrivateKey(pemRepresentation: $0) }
            self.certificate = try Certificate(pemEncoded: certificatePEM)
        } catch {
            throw KeysError(.malformed, "attestation key: \(error)")
        }
        guard self.certificate.publicKey == .init(self.key.publicKey) else {
            throw KeysError(.malformed, "the attestation certificate is of another key")
        }
        self.privatePEM = privatePEM
        self.certificatePEM = certificatePEM
    }

    /// A text in its signed envelope, as DER. Throws `cryptography`.
    public func sign(_ text: [UInt8]) throws(KeysError) -> [UInt8] {
        do {
            return try CMS.sign(
                text,
                signatureAlgorithm: .sha256WithRSAEncryption,
                certificate: self.certificate,
                privateKey: .init(self.key),
                detached: false
            )
        } catch {
            throw KeysError(.cryptography, "attestation: \(error)")
        }
    }

    private static func date(_ instant: Instant) -> Date {
        Date(timeIntervalSince1970: TimeInterval(instant.seconds))
    }
}
