import Crypto
import CryptoExtras
import SwiftASN1
public import Vocabulary
@_spi(CMS) import X509

/// Signs connection files with a certificate that the people's computers trust, so that they say who made them.
///
/// Source: RFC 5652, a signature apart from its message and without attributes, as Windows' own tool makes it.
public struct FileSigner: Sendable {
    private let key: Certificate.PrivateKey
    private let certificate: Certificate
    private let chain: [Certificate]

    /// Takes a key and a certificate chain, the signer's own certificate first. Throws `malformed`.
    public init(privatePEM: Secret<String>, certificatesPEM: String) throws(KeysError) {
        let certificates: [Certificate]
        do {
            self.key = try privatePEM.withValue { try Certificate.PrivateKey(pemEncoded: $0) }
            certificates = try PEMDocument.parseMultiple(pemString: certificatesPEM)
                .filter { $0.discriminator == "CERTIFICATE" }
                .map { try Certificate(pemDocument: $0) }
        } catch {
            throw KeysError(.malformed, "signing certificate: \(error)")
        }
        guard let own = certificates.first else { throw KeysError(.malformed, "there is no signing certificate") }
        guard own.publicKey == self.key.publicKey else {
            throw KeysError(.malformed, "the signing certificate is of another key")
        }
        self.certificate = own
        self.chain = Array(certificates.dropFirst())
    }

    /// The signature of a message, as DER. Throws `cryptography`.
    public func sign(_ message: [UInt8]) throws(KeysError) -> [UInt8] {
        do {
            return try CMS.sign(
                message,
                additionalIntermediateCertificates: self.chain,
                certificate: self.certificate,
                privateKey: self.key,
                detached: true
            )
        } catch {
            throw KeysError(.cryptography, "file signature: \(error)")
        }
    }
}
