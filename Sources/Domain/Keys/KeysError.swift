/// What can go wrong with keys, for callers to match on; the rest is for the log.
public struct KeysError: Error, Sendable {
    /// The kinds that callers distinguish.
    public enum Kind: Sendable, Hashable {
        /// The sealing key's file is not there.
        case missing
        /// The sealing key's file cannot be read or written.
        case unreadable
        /// The sealing key's file can be read by others than its owner, or belongs to somebody else.
        case exposed
        /// The sealing key's file does not hold 32 bytes.
        case malformed
        /// Sealed bytes were changed, moved, or sealed with another key.
        case cannotOpen
        /// A key was asked for before `load` made or read it.
        case notLoaded
        /// A cryptographic operation failed.
        case cryptography
    }

    /// The kind.
    public let kind: Kind
    /// Detail for the log; never a secret.
    public let logged: String

    /// Makes an error.
    public init(_ kind: Kind, _ logged: String) {
        self.kind = kind
        self.logged = logged
    }
}

extension KeysError: Equatable {
    public static func == (left: KeysError, right: KeysError) -> Bool {
        left.kind == right.kind
    }
}
