/// What can go wrong in a store, for callers to match on; the rest is for the log.
public struct StorageError: Error, Sendable {
    /// The kinds that callers distinguish.
    public enum Kind: Sendable, Hashable {
        /// A unique key, or the file of a backup, exists already.
        case duplicate
        /// A row that is referred to is missing, or still referred to.
        case brokenReference
        /// A column held something else than the code expects.
        case unexpectedValue
        /// The store is full or cannot be written.
        case unavailable
        /// The store is damaged.
        case damaged
        /// Anything else the engine reported.
        case engine
    }

    /// The kind.
    public let kind: Kind
    /// Detail for the log.
    public let logged: String

    /// Makes an error.
    public init(_ kind: Kind, _ logged: String) {
        self.kind = kind
        self.logged = logged
    }
}

extension StorageError: Equatable {
    public static func == (left: StorageError, right: StorageError) -> Bool {
        left.kind == right.kind
    }
}
