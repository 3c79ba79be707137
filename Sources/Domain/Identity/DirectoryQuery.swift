import Storage
import Vocabulary

/// A question to a list of the directory. Source: Microsoft Graph, "$filter", as far as the Azure CLI uses it.
public struct DirectoryQuery: Sendable, Hashable {
    /// The properties that can be asked for; the raw value is the name in Microsoft Graph.
    public enum Property: String, Sendable, Hashable, CaseIterable {
        case id
        case displayName
        case userPrincipalName
        case mail
        case appID = "appId"
        case servicePrincipalName = "servicePrincipalNames"
        case identifierURI = "identifierUris"
        case mailNickname
    }

    /// How a value is compared, always without regard to letter case.
    public enum Comparison: String, Sendable, Hashable {
        case equals = "eq"
        case startsWith = "startswith"
    }

    /// One comparison.
    public struct Condition: Sendable, Hashable {
        /// Of what.
        public let property: Property
        /// How.
        public let comparison: Comparison
        /// With what.
        public let value: String

        /// Makes a comparison.
        public init(_ property: Property, _ comparison: Comparison, _ value: String) {
            self.property = property
            self.comparison = comparison
            self.value = value
        }

        // Text sorts by code point in every engine (PostgreSQL: collation "C"), so a prefix is a range that an index serves.
        var low: String { self.value.lowercased() }
        var high: String { self.comparison == .equals ? self.low : self.low + "\u{10FFFF}" }
    }

    /// What to find; nil for everything.
    public var condition: Condition?
    /// How many at most, 1 to 999.
    public var limit: Int
    /// Where the page before ended: its `next`.
    public var after: String?

    /// Makes a question.
    public init(_ condition: Condition? = nil, limit: Int = 100, after: String? = nil) {
        self.condition = condition
        self.limit = min(max(limit, 1), 999)
        self.after = after
    }
}

extension DirectoryQuery {
    /// What this question's page of a list is read with: of `objects`, a `SELECT` without conditions, those that meet the condition and come
    /// after the page before; one more than the page has room for, which tells whether there is another.
    func statement(_ objects: Statement, where condition: Statement?, after cursor: Cursor) -> Statement {
        let narrowed: Statement = condition.map { "\($0) AND " } ?? ""
        return """
            \(objects)
            WHERE \(narrowed)(display_key, id) > (\(cursor.key), \(cursor.id))
            ORDER BY display_key, id
            LIMIT \(self.limit + 1)
            """
    }
}

/// A part of a list, in the order of display names.
public struct Page<Value: Sendable>: Sendable {
    /// The part.
    public let values: [Value]
    /// What to ask with for the next part; nil at the end.
    public let next: String?
}

/// A place in a list that is ordered by display name and then by id.
struct Cursor: Sendable {
    let key: String
    let id: String

    static let start = Cursor(key: "", id: "")

    init(key: String, id: String) {
        self.key = key
        self.id = id
    }

    /// Reads what `text` wrote. Throws `Request_BadRequest`.
    init(_ text: String?) throws(Problem) {
        guard let text else {
            self = .start
            return
        }
        guard
            let bytes = Base64URL.decode(text),
            case let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false),
            parts.count == 2
        else { throw .badRequest("The skip token is invalid.") }
        self.init(key: String(decoding: parts[0], as: UTF8.self), id: String(decoding: parts[1], as: UTF8.self))
    }

    var text: String { Base64URL.encode(Array(self.key.utf8) + [0] + Array(self.id.utf8)) }
}
