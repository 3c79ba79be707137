public import Vocabulary

/// A value as a column holds it.
public enum StoredValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])
}

/// A value that a column can hold.
public protocol Storable {
    /// The value as the column holds it.
    var stored: StoredValue { get }
}

extension Int: Storable {
    public var stored: StoredValue { .integer(Int64(self)) }
}

extension Int64: Storable {
    public var stored: StoredValue { .integer(self) }
}

extension Bool: Storable {
    public var stored: StoredValue { .integer(self ? 1 : 0) }
}

extension String: Storable {
    public var stored: StoredValue { .text(self) }
}

extension [UInt8]: Storable {
    public var stored: StoredValue { .blob(self) }
}

extension GUID: Storable {
    public var stored: StoredValue { .text(self.description) }
}

extension Instant: Storable {
    public var stored: StoredValue { .integer(self.milliseconds) }
}

extension ResourcePath: Storable {
    /// The comparable, lower-case form; store `description` beside it where the spelling matters.
    public var stored: StoredValue { .text(self.key) }
}

extension JSONValue: Storable {
    public var stored: StoredValue { .text(self.text) }
}
