import Vocabulary

/// Reads the text of a condition by recursive descent.
struct AccessConditionParser {
    private static let longest = 8192
    private static let deepest = 24

    private var rest: Substring
    private var depth = 0
    private let isTooLong: Bool

    init(_ text: String) {
        self.isTooLong = text.utf8.count > Self.longest
        self.rest = text[...]
    }

    /// The whole text as one expression.
    mutating func read() throws(AccessConditionError) -> AccessCondition.Expression {
        guard !self.isTooLong else {
            throw AccessConditionError(sentence: "The condition is longer than \(Self.longest) bytes.")
        }
        let expression = try self.expression()
        self.skipBlanks()
        guard self.rest.isEmpty else { throw self.unexpected() }
        return expression
    }

    // AND and OR may not stand side by side without parentheses: readers disagree about which goes first.
    private mutating func expression() throws(AccessConditionError) -> AccessCondition.Expression {
        let first = try self.term()
        guard let joint = self.joint() else { return first }
        var parts = [first, try self.term()]
        while let next = self.joint() {
            guard next == joint else {
                throw AccessConditionError(
                    sentence: "The condition mixes AND and OR; put parentheses around one of them."
                )
            }
            parts.append(try self.term())
        }
        return joint == .and ? .all(parts) : .any(parts)
    }

    private enum Joint {
        case and
        case or
    }

    private mutating func joint() -> Joint? {
        if self.take("&&") || self.takeWord("AND") { return .and }
        if self.take("||") || self.takeWord("OR") { return .or }
        return nil
    }

    private mutating func term() throws(AccessConditionError) -> AccessCondition.Expression {
        self.depth += 1
        defer { self.depth -= 1 }
        guard self.depth <= Self.deepest else {
            throw AccessConditionError(sentence: "The condition is nested deeper than \(Self.deepest) levels.")
        }
        if self.take("!") || self.takeWord("NOT") {
            return .not(try self.term())
        }
        if self.take("(") {
            let inner = try self.expression()
            guard self.take(")") else { throw self.unexpected() }
            return inner
        }
        if self.takeWord("ActionMatches") {
            let patterns = try self.list()
            guard patterns.count == 1 else {
                throw AccessConditionError(sentence: "ActionMatches takes one action.")
            }
            return .actionMatches(ActionPatterns(patterns))
        }
        let asksForExistence = self.takeWord("Exists")
        guard let source = AccessCondition.Source.allCases.first(where: { self.take($0.rawValue) }) else {
            throw self.unexpected()
        }
        let attribute = try self.attribute(of: source)
        return asksForExistence ? .exists(attribute) : try self.comparison(attribute)
    }

    private mutating func attribute(
        of source: AccessCondition.Source
    ) throws(AccessConditionError) -> AccessCondition.Attribute {
        guard self.take("[") else { throw self.unexpected() }
        let name = String(self.run { $0 != "]" })
        guard self.take("]") else { throw self.unexpected() }
        guard let attribute = AccessCondition.Attribute(source, named: name) else {
            throw AccessConditionError(
                sentence:
                    "The attribute '\(PrintableText.of(source.rawValue + "[" + name))]' cannot be used in a condition."
            )
        }
        return attribute
    }

    private mutating func comparison(
        _ attribute: AccessCondition.Attribute
    ) throws(AccessConditionError) -> AccessCondition.Expression {
        self.skipBlanks()
        let written = String(self.run { $0.isLetter || $0 == ":" })
        var values: Set<String> = []
        for value in try self.values() {
            values.insert(try Self.checked(value, for: attribute))
        }
        guard let comparison = AccessCondition.Comparison(written, for: attribute, values: values) else {
            throw AccessConditionError(
                sentence: "The operator '\(PrintableText.of(written))' cannot be used with this attribute and "
                    + "\(values.count == 1 ? "one value" : "these values")."
            )
        }
        return .compare(attribute, comparison)
    }

    private static func checked(
        _ value: String,
        for attribute: AccessCondition.Attribute
    ) throws(AccessConditionError) -> String {
        if attribute.isIdentifier {
            guard let identifier = GUID(value) else {
                throw AccessConditionError(sentence: "'\(PrintableText.of(value))' is not a GUID.")
            }
            return identifier.description
        }
        guard attribute.name == .principalType, !value.contains("*") else { return value }
        guard PrincipalType(named: value) != nil else {
            throw AccessConditionError(sentence: "'\(PrintableText.of(value))' is not a principal type.")
        }
        return value
    }

    // A set in braces, or one value in quotes.
    private mutating func values() throws(AccessConditionError) -> [String] {
        self.skipBlanks()
        guard self.rest.first == "'" else { return try self.list() }
        _ = self.take("'")
        let value = String(self.run { $0 != "'" })
        guard self.take("'") else { throw self.unexpected() }
        return [value]
    }

    // `{a, 'b'}`: at least one value, quoted or not.
    private mutating func list() throws(AccessConditionError) -> [String] {
        guard self.take("{") else { throw self.unexpected() }
        var values: [String] = []
        repeat {
            self.skipBlanks()
            if self.take("'") {
                values.append(String(self.run { $0 != "'" }))
                guard self.take("'") else { throw self.unexpected() }
            } else {
                let value = self.run { $0.isLetter || $0.isNumber || $0 == "-" }
                guard !value.isEmpty else { throw self.unexpected() }
                values.append(String(value))
            }
        } while self.take(",")
        guard self.take("}") else { throw self.unexpected() }
        return values
    }

    private mutating func skipBlanks() {
        self.rest = self.rest.drop { $0.isWhitespace }
    }

    private mutating func run(while condition: (Character) -> Bool) -> Substring {
        let found = self.rest.prefix(while: condition)
        self.rest = self.rest[found.endIndex...]
        return found
    }

    private mutating func take(_ text: String) -> Bool {
        self.skipBlanks()
        let found = self.rest.prefix(text.count)
        guard found.lowercased() == text.lowercased() else { return false }
        self.rest = self.rest[found.endIndex...]
        return true
    }

    private mutating func takeWord(_ word: String) -> Bool {
        self.skipBlanks()
        let found = self.rest.prefix { $0.isLetter }
        guard found.lowercased() == word.lowercased() else { return false }
        self.rest = self.rest[found.endIndex...]
        return true
    }

    private func unexpected() -> AccessConditionError {
        let place = PrintableText.of(String(self.rest.prefix(40)))
        return AccessConditionError(
            sentence: place.isEmpty ? "The condition ends too early." : "The condition cannot be read at '\(place)'."
        )
    }
}
