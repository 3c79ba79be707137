import Identity
import Vocabulary

/// Reads a `$filter`: exactly one comparison of a property that is known. Anything else is refused.
///
/// Knows `property eq 'value'`, `startswith(property,'value')` and `servicePrincipalNames/any(c:c eq 'value')`. Source:
/// Microsoft Graph, "Use the $filter query parameter".
struct GraphFilter {
    private var rest: Substring

    /// The comparison; nil for no filter. Throws Request_UnsupportedQuery.
    static func condition(_ text: String?) throws(Problem) -> DirectoryQuery.Condition? {
        guard let text, !text.allSatisfy({ $0 == " " }) else { return nil }
        var filter = GraphFilter(rest: text[...])
        guard let condition = filter.condition() else {
            throw .unsupported(
                "The filter '\(PrintableText.of(text, limit: 128))' is not supported. "
                    + "Use one comparison: property eq 'value' or startswith(property,'value')."
            )
        }
        return condition
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
                property == .servicePrincipalName ? nil : self.equals().map { .init(property, .equals, $0) }
            }
        }
        self.skipBlanks()
        return self.rest.isEmpty ? condition : nil
    }

    private mutating func startsWith() -> DirectoryQuery.Condition? {
        guard
            self.take("("), let property = Self.property(self.name()), property != .servicePrincipalName,
            self.take(","), let value = self.quoted(), self.take(")")
        else { return nil }
        return .init(property, .startsWith, value)
    }

    private mutating func any(of name: Substring) -> DirectoryQuery.Condition? {
        guard
            Self.property(name) == .servicePrincipalName, self.name().lowercased() == "any", self.take("("),
            case let variable = self.name(), !variable.isEmpty, self.take(":"), self.name() == variable,
            let value = self.equals(), self.take(")")
        else { return nil }
        return .init(.servicePrincipalName, .equals, value)
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
