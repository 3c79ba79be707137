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
            return .actionMatches(patterns[0])
        }
        if self.take("@Request") { return try self.comparison(.request) }
        if self.take("@Resource") { return try self.comparison(.resource) }
        throw self.unexpected()
    }

    private mutating func comparison(
        _ source: AccessCondition.Source
    ) throws(AccessConditionError) -> AccessCondition.Expression {
        guard self.take("[") else { throw self.unexpected() }
        let name = self.run { $0 != "]" }.lowercased()
        guard self.take("]") else { throw self.unexpected() }
        guard let attribute = AccessCondition.Attribute.allCases.first(where: { $0.rawValue.lowercased() == name })
        else {
            throw AccessConditionError(
                sentence: "The attribute '\(PrintableText.of(name))' cannot be used in a condition."
            )
        }
        self.skipBlanks()
        let written = self.run { $0.isLetter || $0 == ":" }
        guard let isEqual = Self.operators(for: attribute)[written.lowercased()] else {
            throw AccessConditionError(
                sentence:
                    "The operator '\(PrintableText.of(String(written)))' cannot be used with '\(attribute.rawValue)'."
            )
        }
        var values: Set<String> = []
        for value in try self.list() {
            if attribute.isIdentifier {
                guard let identifier = GUID(value) else {
                    throw AccessConditionError(sentence: "'\(PrintableText.of(value))' is not a GUID.")
                }
                values.insert(identifier.description)
            } else {
                guard let type = PrincipalType(named: value) else {
                    throw AccessConditionError(sentence: "'\(PrintableText.of(value))' is not a principal type.")
                }
                values.insert(type.rawValue.lowercased())
            }
        }
        return .compare(source, attribute, isEqual: isEqual, values: values)
    }

    // Our attributes have one value each, so "equals any of these" and "differs from all of these" are the two
    // questions there are.
    private static func operators(for attribute: AccessCondition.Attribute) -> [String: Bool] {
        attribute.isIdentifier
            ? ["foranyofanyvalues:guidequals": true, "foranyofallvalues:guidnotequals": false]
            : [
                "foranyofanyvalues:stringequalsignorecase": true,
                "foranyofallvalues:stringnotequalsignorecase": false,
            ]
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
