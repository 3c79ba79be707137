import Crypto
import CryptoExtras
import FoundationEssentials
public import Vocabulary

/// What a service principal proves itself with: a secret, or a key with its certificate. Source: RFC 7523.
public struct ApplicationCredential: Sendable {
    private let account: Account

    /// The credential of a service principal's account.
    public init(_ account: Account) {
        self.account = account
    }

    /// The form fields that carry the proof.
    public func form(tokenEndpoint: String, at now: Instant) throws -> [(String, String)] {
        if let secret = self.account.clientSecret {
            return [("client_secret", secret)]
        }
        guard let file = self.account.certificateFile else {
            throw Problem(
                "NotSignedIn",
                shown: "The service principal has neither secret nor certificate. Run 'sally login'."
            )
        }
        let text: String
        do {
            text = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
        } catch {
            throw Problem("CertificateFile", shown: "\(file) cannot be read.")
        }
        return [
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", try self.assertion(pem: text, file: file, audience: tokenEndpoint, at: now)),
        ]
    }

    private func assertion(pem: String, file: String, audience: String, at now: Instant) throws -> String {
        guard let certificate = Self.block("CERTIFICATE", in: pem),
            let der = Data(base64Encoded: certificate.replacing("\n", with: "").replacing("\r", with: "")),
            let label = ["PRIVATE KEY", "RSA PRIVATE KEY"].first(where: { Self.block($0, in: pem) != nil }),
            let body = Self.block(label, in: pem),
            let key = try? _RSA.Signing.PrivateKey(
                pemRepresentation: "-----BEGIN \(label)-----\(body)-----END \(label)-----"
            )
        else {
            throw Problem("CertificateFile", shown: "\(file) must hold an RSA private key and its certificate in PEM.")
        }
        let header: JSONValue = [
            "alg": "PS256", "typ": "JWT", "x5t#S256": .string(Base64URL.encode(SHA256.hash(data: der))),
        ]
        let payload: JSONValue = [
            "iss": .string(self.account.name), "sub": .string(self.account.name), "aud": .string(audience),
            "jti": .string(GUID(from: .system).description), "iat": .integer(now.seconds),
            "nbf": .integer(now.seconds - 60),
            "exp": .integer(now.seconds + 600),
        ]
        let signed = Base64URL.encode(header.bytes) + "." + Base64URL.encode(payload.bytes)
        let signature = try key.signature(for: Data(signed.utf8), padding: .PSS)
        return signed + "." + Base64URL.encode(signature.rawRepresentation)
    }

    private static func block(_ label: String, in pem: String) -> String? {
        guard let start = pem.firstRange(of: "-----BEGIN \(label)-----"),
            let end = pem.firstRange(of: "-----END \(label)-----"), start.upperBound < end.lowerBound
        else { return nil }
        return String(pem[start.upperBound..<end.lowerBound])
    }
}
