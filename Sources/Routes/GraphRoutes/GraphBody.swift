import FoundationEssentials
import Vocabulary

/// The document of a request that changes something, read strictly: what is not understood is refused, not ignored.
struct GraphBody {
    private let members: [String: JSONValue]

    /// Throws Request_BadRequest for no document, and for a property that is not among the known ones.
    init(_ document: JSONValue?, _ known: Set<String>) throws(Problem) {
        guard let members = document?.object else { throw .badRequest("The request needs a JSON document.") }
        for name in members.keys.sorted() where !name.hasPrefix("@odata.") && !known.contains(name) {
            throw .badRequest("Property '\(PrintableText.of(name, limit: 64))' cannot be set here.")
        }
        self.members = members.filter { !$0.key.hasPrefix("@odata.") }
    }

    var names: Set<String> { Set(self.members.keys) }

    /// The text; nil when it is not given, empty when it is null.
    func text(_ name: String) throws(Problem) -> String? {
        switch self.members[name] {
        case nil: return nil
        case .null: return ""
        case .string(let text): return text
        default: throw Self.wrongType(name)
        }
    }

    /// The text. Throws Request_BadRequest when there is none.
    func requiredText(_ name: String) throws(Problem) -> String {
        guard let text = try self.text(name), !text.isEmpty else { throw Self.missing(name) }
        return text
    }

    func flag(_ name: String) throws(Problem) -> Bool? {
        switch self.members[name] {
        case nil, .null: return nil
        case .bool(let value): return value
        default: throw Self.wrongType(name)
        }
    }

    func list(_ name: String) throws(Problem) -> [JSONValue]? {
        switch self.members[name] {
        case nil, .null: return nil
        case .array(let values): return values
        default: throw Self.wrongType(name)
        }
    }

    func texts(_ name: String) throws(Problem) -> [String]? {
        guard let values = try self.list(name) else { return nil }
        let texts = values.compactMap(\.string)
        guard texts.count == values.count else { throw Self.wrongType(name) }
        return texts
    }

    func object(_ name: String, _ known: Set<String>) throws(Problem) -> GraphBody? {
        guard let value = self.members[name], !value.isNull else { return nil }
        guard value.object != nil else { throw Self.wrongType(name) }
        return try GraphBody(value, known)
    }

    /// The time, RFC 3339.
    func instant(_ name: String) throws(Problem) -> Instant? {
        guard let text = try self.text(name), !text.isEmpty else { return nil }
        let whole = text.replacing(/\.[0-9]+/, with: "")
        guard text.utf8.count <= 40, let date = try? Date(whole, strategy: .iso8601) else {
            throw .badRequest("Property '\(name)' is no time.")
        }
        return Instant(seconds: Int64(date.timeIntervalSince1970.rounded(.down)))
    }

    /// Lets a property pass that is given with one of the only values it can have here.
    func require(_ name: String, _ possible: JSONValue...) throws(Problem) {
        guard let value = self.members[name], !value.isNull, !possible.contains(value) else { return }
        throw .badRequest("Property '\(name)' cannot have this value here.")
    }

    static func missing(_ name: String) -> Problem {
        .badRequest("A value is required for property '\(name)'.")
    }

    private static func wrongType(_ name: String) -> Problem {
        .badRequest("A value of property '\(name)' has the wrong type.")
    }
}
