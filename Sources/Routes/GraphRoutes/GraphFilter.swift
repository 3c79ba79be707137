import Identity
import Vocabulary

/// Reads a `$filter`: comparisons of known properties, joined by `and`. Anything else is refused.
///
/// Knows `property eq 'value'`, `startswith(property,'value')` and `servicePrincipalNames/any(c:c eq 'value')`. Source:
/// Microsoft Graph, "Use the $filter query parameter".
struct GraphFilter {
    private var rest: Substring

    /// The comparisons of a filter: the first one goes to the directory, the others look at what it finds.
    struct Conditions: Sendable {
        let first: DirectoryQuery.Condition?
        let others: [DirectoryQuery.Condition]

        /// Those that meet the other comparisons too.
        func rest(_ shapes: [GraphDocument.Shape]) -> [GraphDocument.Shape] {
            shapes.filter { shape in self.others.allSatisfy { shape.meets($0) } }
        }
    }

    private static let most = 5

    /// The comparisons; none for no filter. Throws Request_UnsupportedQuery.
    static func conditions(_ text: String?) throws(Problem) -> Conditions {
        guard let text, !text.allSatisfy({ $0 == " " }) else { return Conditions(first: nil, others: []) }
        var filter = GraphFilter(rest: text[...])
        var found: [DirectoryQuery.Condition] = []
        repeat {
            guard found.count < Self.most, let condition = filter.condition() else {
                throw .unsupported(
                    "The filter '\(PrintableText.of(text, limit: 128))' is not supported. Use comparisons joined by and: "
                        + "property eq 'value' or startswith(property,'value')."
                )
            }
            found.append(condition)
        } while filter.continues()
        guard filter.rest.isEmpty else {
            throw .unsupported("The filter '\(PrintableText.of(text, limit: 128))' is not supported.")
        }
        // The directory does not search by nicknames.
        let place = found.firstIndex { $0.property != .mailNickname } ?? 0
        let first = found.remove(at: place)
        return Conditions(first: first, others: found)
    }

    /// Goes past an `and`.
    private mutating func continues() -> Bool {
        var ahead = self
        guard ahead.name().lowercased() == "and", ahead.rest.first == " " else { return false }
        self = ahead
        return true
    }

    private mutating func condition() -> DirectoryQuery.Condition? {
        let name = self.name()
        let condition: DirectoryQuery.Condition?
        if name.lowercased() == "startswith" {
            condition = self.startsWith()
        } else if self.take("/") {
            condition = self.any(of: name)
        } else {
            // The property with many values is compared with `any` alone.
            condition = Self.property(name).flatMap { property in
                property.isList ? nil : self.equals().map { .init(property, .equals, $0) }
            }
        }
        self.skipBlanks()
        return condition
    }

    private mutating func startsWith() -> DirectoryQuery.Condition? {
        guard
            self.take("("), let property = Self.property(self.name()), !property.isList,
            self.take(","), let value = self.quoted(), self.take(")")
        else { return nil }
        return .init(property, .startsWith, value)
    }

    private mutating func any(of name: Substring) -> DirectoryQuery.Condition? {
        guard
            let property = Self.property(name), property.isList, self.name().lowercased() == "any", self.take("("),
            case let variable = self.name(), !variable.isEmpty, self.take(":"), self.name() == variable,
            let value = self.equals(), self.take(")")
        else { return nil }
        return .init(property, .equals, value)
    }

    private mutating func equals() -> String? {
        self.name().lowercased() == "eq" ? self.quoted() : nil
    }

    private static func property(_ name: Substring) -> DirectoryQuery.Property? {
        let lower = name.lowercased()
        return DirectoryQuery.Property.allCases.first { $0.rawValue.lowercased() == lower }
    }

    private mutating func name() -> Substring {
        self.skipBlanks()
        let name = self.rest.prefix { $0.isLetter }
        self.rest = self.rest[name.endIndex...]
        return name
    }

    // OData writes a quote inside a string twice.
    private mutating func quoted() -> String? {
        guard self.take("'") else { return nil }
        var value = ""
        while let next = self.rest.popFirst() {
            if next != "'" {
                value.append(next)
            } else if self.rest.first == "'" {
                self.rest.removeFirst()
                value.append("'")
            } else {
                return value
            }
        }
        return nil
    }

    private mutating func take(_ character: Character) -> Bool {
        self.skipBlanks()
        guard self.rest.first == character else { return false }
        self.rest.removeFirst()
        return true
    }

    private mutating func skipBlanks() {
        self.rest = self.rest.drop { $0 == " " }
    }
}

extension DirectoryQuery.Property {
    /// Whether it has many values, which are compared with `any` alone.
    var isList: Bool { self == .servicePrincipalName || self == .identifierURI }
}
