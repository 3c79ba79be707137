import Crypto
import FoundationEssentials
public import Vocabulary

/// The key that seals every secret in the store; it lives in a file of its own, so that a copy of the store alone gives nothing away.
public struct SealingKey: Sendable {
    private let key: SymmetricKey

    /// Makes a key from 32 bytes. Throws `KeysError.malformed` for any other count.
    public init(bytes: [UInt8]) throws(KeysError) {
        guard bytes.count == 32 else { throw KeysError(.malformed, "a sealing key has 32 bytes, not \(bytes.count)") }
        self.key = SymmetricKey(data: bytes)
    }

    /// Reads the key file, or makes one with mode 0600 when there is none; its directory must exist.
    ///
    /// Throws `KeysError.exposed` when anybody but its owner could read or write the file, or when its owner is neither this user nor root.
    public static func loadOrCreate(at path: String) throws -> SealingKey {
        let fresh = SymmetricKey(size: .bits256).withUnsafeBytes { [UInt8]($0) }
        if try KeyFile.create(path, holding: fresh) {
            return try SealingKey(bytes: fresh)
        }
        return try SealingKey(bytes: KeyFile.read(path))
    }

    /// Reads the key file; throws `KeysError.missing` when there is none, and otherwise as `loadOrCreate`.
    public static func load(at path: String) throws(KeysError) -> SealingKey {
        try SealingKey(bytes: KeyFile.read(path))
    }

    /// A key for another purpose, from which this one cannot be told. Source: RFC 5869 (HKDF).
    public func derived(for purpose: String) -> Secret<[UInt8]> {
        let key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: self.key,
            info: Array(purpose.utf8),
            outputByteCount: 32
        )
        return Secret(key.withUnsafeBytes { [UInt8]($0) })
    }

    /// Encrypts and authenticates with AES-256-GCM under a fresh nonce; `context` is bound to the result and needed to open it.
    public func seal(_ plain: [UInt8], context: String) throws -> [UInt8] {
        let box = try AES.GCM.seal(plain, using: self.key, authenticating: Array(context.utf8))
        guard let combined = box.combined else { throw KeysError(.cryptography, "nonce of an unusual size") }
        return [UInt8](combined)
    }

    /// Gives back what was sealed for the same context. Throws `KeysError.cannotOpen` otherwise.
    public func open(_ sealed: [UInt8], context: String) throws -> [UInt8] {
        do {
            let box = try AES.GCM.SealedBox(combined: sealed)
            return [UInt8](try AES.GCM.open(box, using: self.key, authenticating: Array(context.utf8)))
        } catch {
            throw KeysError(.cannotOpen, "the sealed bytes for \(context) do not fit this key")
        }
    }
}
