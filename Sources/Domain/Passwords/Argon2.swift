import CSodium
import Vocabulary

/// libsodium's Argon2id; blocks its thread for some 15 ms.
enum Argon2 {
    /// Whether the library started; it does so once, here.
    static let isReady = sodium_init() >= 0

    /// The hash of nothing in particular, for the work on unknown names. Nil when the library cannot work.
    static let dummy: String? = {
        if case .success(let hash) = Self.hash(Secret(Array("no such account".utf8))) { hash } else { nil }
    }()

    static func hash(_ password: Secret<[UInt8]>) -> Result<String, PasswordError> {
        guard Self.isReady else { return .failure(.unavailable) }
        var text = [CChar](repeating: 0, count: Int(crypto_pwhash_STRBYTES))
        let done = password.withValue { bytes in
            bytes.withUnsafeBytes { raw in
                raw.withMemoryRebound(to: CChar.self) { characters in
                    Self.call(characters) { start, count in
                        crypto_pwhash_str(&text, start, count, PasswordHasher.passes, PasswordHasher.memory)
                    }
                }
            }
        }
        guard done == 0 else { return .failure(.unavailable) }
        return .success(String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
    }

    static func verify(_ password: Secret<[UInt8]>, against hash: String?) -> Result<Bool, PasswordError> {
        guard Self.isReady, let dummy = Self.dummy else { return .failure(.unavailable) }
        let matches = password.withValue { bytes in
            bytes.prefix(PasswordHasher.longest).withUnsafeBytes { raw in
                raw.withMemoryRebound(to: CChar.self) { characters in
                    Self.call(characters) { start, count in
                        crypto_pwhash_str_verify(hash ?? dummy, start, count)
                    }
                }
            } == 0 && bytes.count <= PasswordHasher.longest
        }
        return .success(matches && hash != nil)
    }

    // An empty buffer has no address, and the library wants one.
    private static func call(
        _ characters: UnsafeBufferPointer<CChar>,
        _ body: (UnsafePointer<CChar>, UInt64) -> Int32
    ) -> Int32 {
        guard let start = characters.baseAddress else {
            var nothing: CChar = 0
            return body(&nothing, 0)
        }
        return body(start, UInt64(characters.count))
    }
}
