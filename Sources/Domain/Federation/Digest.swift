import Crypto
import Vocabulary

/// The form in which everything that opens a door is kept: nobody who reads the store can use it.
///
/// One round of SHA-256 is enough because what goes in is 32 random bytes.
enum Digest {
    static func of(_ token: String) -> String {
        Hex.encode(SHA256.hash(data: Array(token.utf8)))
    }

    static func of(_ token: Secret<[UInt8]>) -> String {
        token.withValue { Hex.encode(SHA256.hash(data: $0)) }
    }
}
