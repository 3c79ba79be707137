public import Vocabulary

/// An expression of the template language, read from a text such as `[concat('vm', copyIndex())]`.
///
/// Source: Azure Resource Manager, "Syntax and expressions in ARM templates".
public indirect enum TemplateExpression: Hashable, Sendable {
    /// A text or a whole number.
    case literal(JSONValue)
    /// A function by its name in lower case, with its namespace when it is the template's own. `at` is a byte of the text.
    case call(String, [TemplateExpression], at: Int)
    /// A member of an object, in any letter case.
    case member(TemplateExpression, String, isOptional: Bool, at: Int)
    /// An element of an array, or a member of an object.
    case element(TemplateExpression, TemplateExpression, isOptional: Bool, at: Int)

    /// Longest text of one expression, in bytes. Source: template limits.
    public static let longest = 24_576
    /// How deep an expression may be nested.
    static let deepest = 64

    /// What a text of a template is.
    public enum Reading: Hashable, Sendable {
        /// The text itself, `[[` at its beginning read as `[`.
        case text(String)
        /// Something to work out.
        case expression(TemplateExpression)
    }

    /// Reads a text of a template: an expression when it stands wholly in brackets.
    public static func read(_ text: String) throws(TemplateError) -> Reading {
        guard text.utf8.first == UInt8(ascii: "[") else { return .text(text) }
        if text.utf8.dropFirst().first == UInt8(ascii: "[") { return .text(String(text.dropFirst())) }
        guard text.utf8.last == UInt8(ascii: "]"), text.utf8.count > 1 else { return .text(text) }
        guard text.utf8.count <= Self.longest else {
            throw TemplateError("The expression is longer than \(Self.longest) bytes. Split it with variables.")
        }
        var parser = ExpressionParser(tokens: try ExpressionLexer.tokens(of: Array(text.utf8.dropFirst().dropLast())))
        return .expression(try parser.whole())
    }

    /// Every function that is called, with its arguments, the outer before the inner.
    var calls: [(name: String, arguments: [TemplateExpression])] {
        switch self {
        case .literal: []
        case .call(let name, let arguments, _): [(name, arguments)] + arguments.flatMap(\.calls)
        case .member(let base, _, _, _): base.calls
        case .element(let base, let index, _, _): base.calls + index.calls
        }
    }
}
