import Crypto
import Vocabulary

/// The digest by which a program proves, when it redeems a code, that it is the one that asked. Source: RFC 7636; only S256.
struct CodeChallenge: Sendable, Hashable, Codable {
    let value: String

    /// Reads the two parameters of an authorization request; nil when there are none.
    ///
    /// A missing method means `plain`, which is refused: it would protect nothing on this computer's loopback.
    init?(challenge: String?, method: String?) throws(OAuthError) {
        guard challenge != nil || method != nil else { return nil }
        guard let challenge, method == "S256", challenge.utf8.count == 43, Base64URL.decode(challenge)?.count == 32
        else {
            throw .challengeInvalid
        }
        self.value = challenge
    }

    /// Whether the verifier is the one behind the challenge.
    func accepts(verifier: String) -> Bool {
        let units = Array(verifier.utf8)
        guard (43...128).contains(units.count) else { return false }
        return ConstantTime.equal(Base64URL.encode(SHA256.hash(data: units)).utf8, self.value.utf8)
    }
}
