import Crypto
import Vocabulary

/// What stands in the audit for something too long or too private to be written down: whoever has the text can prove that it was this one.
public enum Fingerprint {
    /// The SHA-256 of a text, in hexadecimal.
    public static func of(_ text: String) -> String {
        Hex.encode(SHA256.hash(data: Array(text.utf8)))
    }
}
