/// One SQL statement with its parameters apart, in the dialect that SQLite and PostgreSQL share.
///
/// Written as a string literal in which every interpolation becomes a bound parameter, so a value can never be read as SQL:
/// `"SELECT name FROM person WHERE id = \(id)"`.
public struct Statement: Sendable {
    /// The text with `?` for each parameter.
    public let sql: String
    /// The parameters in order.
    public let parameters: [StoredValue]
}

extension Statement: ExpressibleByStringInterpolation {
    public init(stringLiteral value: String) {
        self.sql = value
        self.parameters = []
    }

    public init(stringInterpolation: Pieces) {
        self.sql = stringInterpolation.sql
        self.parameters = stringInterpolation.parameters
    }

    /// Collects literal text and parameters.
    public struct Pieces: StringInterpolationProtocol {
        var sql = ""
        var parameters: [StoredValue] = []

        public init(literalCapacity: Int, interpolationCount: Int) {}

        public mutating func appendLiteral(_ literal: String) {
            self.sql += literal
        }

        public mutating func appendInterpolation(_ value: some Storable) {
            self.sql += "?"
            self.parameters.append(value.stored)
        }

        public mutating func appendInterpolation(_ value: (some Storable)?) {
            self.sql += "?"
            self.parameters.append(value?.stored ?? .null)
        }

        /// A part of a statement, with the parameters that it brings.
        public mutating func appendInterpolation(_ part: Statement) {
            self.sql += part.sql
            self.parameters += part.parameters
        }

        /// A list for `IN (…)`: one parameter for each element, `NULL` when there is none so that nothing matches.
        public mutating func appendInterpolation(list values: some Sequence<some Storable>) {
            let stored = values.map(\.stored)
            self.sql += stored.isEmpty ? "NULL" : stored.map { _ in "?" }.joined(separator: ", ")
            self.parameters += stored
        }
    }
}
