public import Vocabulary

/// One row of a query's answer, read by column name.
public struct Row: Sendable {
    private let places: [String: Int]
    private let values: [StoredValue]

    /// Made by engines: the values in the order of the query's columns, and where each column is found among them, which
    /// the rows of one answer share.
    public init(places: [String: Int], values: [StoredValue]) {
        self.places = places
        self.values = values
    }

    /// A row by itself.
    public init(columns: [String: StoredValue]) {
        let pairs = Array(columns)
        self.init(
            places: Dictionary(zip(pairs.map(\.key), pairs.indices), uniquingKeysWith: { $1 }),
            values: pairs.map(\.value)
        )
    }

    /// The raw value; a column that the query does not have reads as null.
    public func value(_ column: String) -> StoredValue {
        self.places[column].map { self.values[$0] } ?? .null
    }

    /// Whether the column is null.
    public func isNull(_ column: String) -> Bool {
        self.value(column) == .null
    }

    /// A whole number.
    public func integer(_ column: String) throws(StorageError) -> Int64 {
        guard case .integer(let value) = self.value(column) else { throw self.mismatch(column) }
        return value
    }

    /// A text.
    public func text(_ column: String) throws(StorageError) -> String {
        guard case .text(let value) = self.value(column) else { throw self.mismatch(column) }
        return value
    }

    /// A text, or nil for null.
    public func optionalText(_ column: String) throws(StorageError) -> String? {
        self.isNull(column) ? nil : try self.text(column)
    }

    /// Bytes.
    public func blob(_ column: String) throws(StorageError) -> [UInt8] {
        guard case .blob(let value) = self.value(column) else { throw self.mismatch(column) }
        return value
    }

    /// A truth value, stored as 0 or 1.
    public func bool(_ column: String) throws(StorageError) -> Bool {
        try self.integer(column) != 0
    }

    /// An identifier.
    public func guid(_ column: String) throws(StorageError) -> GUID {
        guard let value = GUID(try self.text(column)) else { throw self.mismatch(column) }
        return value
    }

    /// A point in time.
    public func instant(_ column: String) throws(StorageError) -> Instant {
        Instant(milliseconds: try self.integer(column))
    }

    /// A point in time, or nil for null.
    public func optionalInstant(_ column: String) throws(StorageError) -> Instant? {
        self.isNull(column) ? nil : try self.instant(column)
    }

    /// A resource path.
    public func path(_ column: String) throws(StorageError) -> ResourcePath {
        guard let value = ResourcePath(try self.text(column)) else { throw self.mismatch(column) }
        return value
    }

    /// A JSON document.
    public func json(_ column: String) throws -> JSONValue {
        try JSONValue(parsing: try self.text(column).utf8)
    }

    private func mismatch(_ column: String) -> StorageError {
        StorageError(.unexpectedValue, "column \(column)")
    }
}
