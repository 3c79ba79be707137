import Crypto
import CryptoExtras
import Keys
import Vocabulary

/// What a desktop client sends to prove who sits at it: an access token, and that it holds the key the token is bound to.
///
/// A JWS over the machine's nonce, signed with the key that it brings along; that key counts for something only because the token names
/// its thumbprint. Source: MS-RDPBCGR sections 2.2.18 and 5.4.5.4, RFC 7638, RFC 7800.
struct DesktopAssertion: Sendable {
    /// Why one does not hold by itself, whoever sent it.
    enum Flaw: String, Error, Sendable, Hashable {
        case malformed = "it is not well-formed"
        case algorithm = "it is not signed with RS256"
        case key = "its key is no RSA key of 2048 to 8192 bits"
        case signature = "its signature does not fit its key"
        case nonce = "it was made for another connection"
        case time = "its time is more than five minutes off"
        case host = "it names another machine"
    }

    /// How far clocks may be apart, in seconds.
    static let skew: Int64 = 300

    /// The access token, not looked at yet.
    let accessToken: String
    /// The machine that is named.
    let resource: DesktopResource
    /// The thumbprint of the key that it is signed with.
    let thumbprint: String
    /// The authority's nonce, not looked at yet.
    let authorityNonce: String

    /// Checks everything that needs nobody's word.
    ///
    /// `nonce`: the one that was sent over this connection. `hostName`: the machine's own name.
    init(_ text: String, nonce: String, hostName: String, now: Instant) throws(Flaw) {
        let parts: JWS.Parts
        do {
            parts = try JWS.split(text)
        } catch {
            throw .malformed
        }
        guard parts.algorithm == .rs256 else { throw .algorithm }
        guard
            let accessToken = parts.claims["at"]?.string,
            let named = parts.claims["u"]?.string.flatMap({ DesktopResource($0) }),
            let written = parts.claims["nonce"]?.string,
            let time = Self.seconds(parts.claims["ts"]),
            let authorityNonce = Self.authorityNonce(parts.claims["client_claims"]),
            let jwk = parts.claims["cnf"]?["jwk"]
        else { throw .malformed }
        let (key, thumbprint) = try Self.key(jwk)
        do {
            try JWS.verify(text, publicKey: .rsa(key))
        } catch {
            throw .signature
        }
        guard ConstantTime.equal(Array(written.utf8), Array(nonce.utf8)) else { throw .nonce }
        guard (now.seconds - Self.skew...now.seconds + Self.skew).contains(time) else { throw .time }
        guard named.means(hostNamed: hostName) else { throw .host }
        self.accessToken = accessToken
        self.resource = named
        self.thumbprint = thumbprint
        self.authorityNonce = authorityNonce
    }

    // Clients write the number as text.
    private static func seconds(_ value: JSONValue?) -> Int64? {
        guard let text = value?.string else { return value?.integer }
        guard (1...12).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(text)
    }

    // A document in a string.
    private static func authorityNonce(_ value: JSONValue?) -> String? {
        guard let text = value?.string, text.utf8.count <= 4096 else { return nil }
        let bytes = Array(text.utf8)
        guard MemberNames.areDistinct(in: bytes), let claims = try? JSONValue(parsing: bytes) else { return nil }
        return claims["aad_nonce"]?.string
    }

    /// The key, and its thumbprint over the members as they were written (RFC 7638 section 3.1).
    private static func key(_ jwk: JSONValue) throws(Flaw) -> (_RSA.Signing.PublicKey, String) {
        guard
            jwk["kty"]?.string == "RSA",
            let modulus = jwk["n"]?.string, let exponent = jwk["e"]?.string,
            Self.isBase64URL(modulus), Self.isBase64URL(exponent), modulus.utf8.count <= 1400,
            exponent.utf8.count <= 8,
            let n = Base64URL.decode(modulus), let e = Base64URL.decode(exponent),
            let key = try? _RSA.Signing.PublicKey(n: Array(n.drop { $0 == 0 }), e: e),
            (2048...8192).contains(key.keySizeInBits)
        else { throw .key }
        let canonical = #"{"e":"\#(exponent)","kty":"RSA","n":"\#(modulus)"}"#
        return (key, Base64URL.encode(SHA256.hash(data: Array(canonical.utf8))))
    }

    private static func isBase64URL(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { unit in
                switch unit {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
