import Vocabulary

/// What a function was called with, taken out by type.
struct Arguments {
    let name: String
    let values: [JSONValue]

    init(_ name: String, _ values: [JSONValue]) {
        self.name = name
        self.values = values
    }

    /// How many there are.
    var count: Int { self.values.count }

    /// One of them; null when there are fewer.
    subscript(index: Int) -> JSONValue { index < self.values.count ? self.values[index] : .null }

    func text(_ index: Int) throws(TemplateError) -> String {
        guard let text = self[index].string else { throw self.wrongType(index, "a string") }
        return text
    }

    func integer(_ index: Int) throws(TemplateError) -> Int64 {
        guard let number = self[index].integer else { throw self.wrongType(index, "an integer") }
        return number
    }

    /// A whole number that fits a count of things.
    func amount(_ index: Int) throws(TemplateError) -> Int {
        let number = try self.integer(index)
        return Int(max(-1, min(number, Int64(Int32.max))))
    }

    func truth(_ index: Int) throws(TemplateError) -> Bool {
        guard let truth = self[index].bool else { throw self.wrongType(index, "a boolean") }
        return truth
    }

    func array(_ index: Int) throws(TemplateError) -> [JSONValue] {
        guard let array = self[index].array else { throw self.wrongType(index, "an array") }
        return array
    }

    func object(_ index: Int) throws(TemplateError) -> [String: JSONValue] {
        guard let object = self[index].object else { throw self.wrongType(index, "an object") }
        return object
    }

    func wrongType(_ index: Int, _ wanted: String) -> TemplateError {
        TemplateError(
            "The template language function '\(self.name)' expects its argument \(index + 1) to be \(wanted)."
        )
    }

    func wrong(_ what: String) -> TemplateError {
        TemplateError("The template language function '\(self.name)' \(what)")
    }

    func wrongCount(_ arity: ClosedRange<Int>) -> TemplateError {
        let wanted =
            arity.lowerBound == arity.upperBound
            ? "\(arity.lowerBound)"
            : arity.upperBound == .max ? "\(arity.lowerBound) or more" : "\(arity.lowerBound) to \(arity.upperBound)"
        return TemplateError(
            "The template language function '\(self.name)' takes \(wanted) arguments, not \(self.count)."
        )
    }
}

/// A function of the language: how many arguments it takes and what it makes of them.
struct LanguageFunction: Sendable {
    let arity: ClosedRange<Int>
    let body: @Sendable (inout Evaluator, Arguments) throws(TemplateError) -> JSONValue

    init(
        _ arity: ClosedRange<Int>,
        _ body: @escaping @Sendable (inout Evaluator, Arguments) throws(TemplateError) -> JSONValue
    ) {
        self.arity = arity
        self.body = body
    }

    /// One that needs nothing but its arguments.
    init(_ arity: ClosedRange<Int>, pure body: @escaping @Sendable (Arguments) throws(TemplateError) -> JSONValue) {
        self.arity = arity
        self.body = { _, arguments throws(TemplateError) in try body(arguments) }
    }
}

/// Every function of the language by its name in lower case, without those that are not called like the others.
///
/// Source: Azure Resource Manager, "ARM template functions".
enum TemplateFunctions {
    static let all: [String: LanguageFunction] = [
        Self.texts, Self.collections, Self.numbers, Self.scopes, Self.dates,
    ].reduce(into: [:]) { all, some in all.merge(some) { first, _ in first } }

    /// Functions that only exist while a deployment runs.
    static func isRuntime(_ name: String) -> Bool { name == "reference" || name == "references" }

    /// Functions that ask a resource for its keys: `listKeys` and its like.
    static func asksForKeys(_ name: String) -> Bool {
        name.hasPrefix("list") && name.utf8.count > 4 && !name.contains(".")
    }
}
