import Synchronization
import Vocabulary

/// How much a template and those nested in it may still ask for together, so that a small one cannot ask for everything (loops of
/// loops, doubled texts, loops of templates with loops in them).
///
/// Shared by all of them: with a budget for each, five levels of nesting would multiply it.
final class WorkBudget: Sendable {
    /// Steps and bytes together.
    static let most = 8_000_000
    /// What a nested template costs by itself: reading and planning it takes far longer than a step.
    static let template = 2_000
    /// Largest value, in bytes and elements together. Source: the template limit of 4 MB.
    static let largest = 4 * 1024 * 1024
    /// How deep a value may be nested.
    static let deepest = 128

    private let spent = Atomic(0)

    /// Takes from what is left.
    func spend(_ amount: Int) throws(TemplateError) {
        guard self.spent.add(amount, ordering: .relaxed).newValue <= Self.most else {
            throw TemplateError("The template asks for more work than is allowed. Deploy it in parts.")
        }
    }

    /// Takes what a value weighs on its surface: its elements are shared and were paid for before.
    func spend(surfaceOf value: JSONValue) throws(TemplateError) {
        switch value {
        case .string(let text): try self.spend(text.utf8.count / 8 + 1)
        case .array(let elements): try self.spend(elements.count + 1)
        case .object(let members): try self.spend(members.count + 1)
        default: try self.spend(1)
        }
    }

    /// Takes what a value weighs as a whole. A value that shares its parts may be far larger than what it was made from.
    func spend(allOf value: JSONValue) throws(TemplateError) {
        let weight = Self.weight(of: value, limit: Self.largest, depth: Self.deepest)
        guard let weight else {
            throw TemplateError("The template makes a value of more than 4 MB or \(Self.deepest) levels.")
        }
        try self.spend(weight / 8 + 1)
    }

    // Stops at the limit, so that it costs no more than that. Nil beyond it.
    private static func weight(of value: JSONValue, limit: Int, depth: Int) -> Int? {
        guard limit > 0, depth > 0 else { return nil }
        var weight = 2
        switch value {
        case .string(let text): weight += text.utf8.count
        case .array(let elements):
            for element in elements {
                guard let part = Self.weight(of: element, limit: limit - weight, depth: depth - 1) else { return nil }
                weight += part
            }
        case .object(let members):
            for (name, member) in members {
                weight += name.utf8.count
                guard let part = Self.weight(of: member, limit: limit - weight, depth: depth - 1) else { return nil }
                weight += part
            }
        default: weight += 6
        }
        return weight <= limit ? weight : nil
    }
}
