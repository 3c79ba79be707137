import Crypto
import CryptoExtras
import FoundationEssentials
import Keys
import SwiftASN1
import Vocabulary
import X509

/// A client's proof by certificate: a token that it signed itself. Source: RFC 7523 section 3; Microsoft identity platform, certificate
/// credentials.
struct ClientAssertion: Sendable {
    /// How far clocks may be apart.
    static let skew = Duration.seconds(300)

    let client: GUID
    let audiences: Set<String>
    let certificates: [[UInt8]]
    let now: Instant

    /// Checks an assertion; nil when it holds.
    ///
    /// The certificate is one of those registered, found by the header's thumbprint. What the header itself brings (`x5c`) may only repeat a
    /// registered one: it proves nothing.
    func flaw(in assertion: String) -> OAuthError? {
        do throws(JWS.Refused) {
            let parts = try JWS.split(assertion)
            guard let certificate = self.certificate(named: parts.header) else {
                return .wrongAssertion("no registered certificate fits")
            }
            guard let key = Self.publicKey(certificate) else { return .wrongAssertion("unusable key") }
            try JWS.verify(assertion, publicKey: key)
            let now = Double(self.now.milliseconds) / 1000
            guard
                certificate.notValidBefore.timeIntervalSince1970 <= now,
                certificate.notValidAfter.timeIntervalSince1970 >= now
            else { return .wrongAssertion("the certificate is not within its dates") }
            return self.flaw(inClaims: parts.claims, now: now)
        } catch {
            return .wrongAssertion("\(error)")
        }
    }

    private func flaw(inClaims claims: JSONValue, now: Double) -> OAuthError? {
        guard
            let issuer = claims["iss"]?.string.flatMap({ GUID($0) }), issuer == self.client,
            let subject = claims["sub"]?.string.flatMap({ GUID($0) }), subject == self.client
        else { return .assertionForSomebodyElse }
        let named = claims["aud"]?.array?.compactMap(\.string) ?? claims["aud"]?.string.map { [$0] } ?? []
        guard !self.audiences.isDisjoint(with: named) else { return .assertionForSomebodyElse }
        // Real clients write these with fractions.
        let skew = Double(Self.skew.milliseconds) / 1000
        // An assertion without an end is a password that is written down; a day is ample for every client.
        guard let end = claims["exp"]?.number, end > now - skew, end < now + 86_400 + skew else {
            return .assertionOutOfTime
        }
        for start in ["nbf", "iat"] {
            if let time = claims[start] {
                guard let seconds = time.number, seconds <= now + skew else { return .assertionOutOfTime }
            }
        }
        return nil
    }

    private func certificate(named header: JSONValue) -> Certificate? {
        let sha1 = header["x5t"]?.string
        let sha256 = header["x5t#S256"]?.string
        let chain = header["x5c"]?.array
        guard sha1 != nil || sha256 != nil || chain != nil else { return nil }
        // What is given must fit: a thumbprint of one certificate beside the chain of another is nobody's.
        let found = self.certificates.first { bytes in
            sha1.map { Base64URL.decode($0) == Array(Insecure.SHA1.hash(data: bytes)) } ?? true
                && sha256.map { Base64URL.decode($0) == Array(SHA256.hash(data: bytes)) } ?? true
                && chain.map { Self.leaf($0) == bytes } ?? true
        }
        return found.flatMap { try? Certificate(derEncoded: $0) }
    }

    // RFC 7515 section 4.1.6 wants plain base 64 here; a real client leaves line ends in it.
    private static func leaf(_ chain: [JSONValue]) -> [UInt8]? {
        guard let text = chain.first?.string else { return nil }
        let compact = String(text.filter { !$0.isWhitespace })
        return Data(base64Encoded: compact).map { [UInt8]($0) }
    }

    private static func publicKey(_ certificate: Certificate) -> JWS.PublicKey? {
        if let key = _RSA.Signing.PublicKey(certificate.publicKey), key.keySizeInBits >= 2048 {
            .rsa(key)
        } else if let key = P256.Signing.PublicKey(certificate.publicKey) {
            .p256(key)
        } else {
            nil
        }
    }
}
