import Vocabulary

/// A condition under which a role counts: the part of the condition language that delegation of role assignment needs.
///
/// Knows `ActionMatches` and the attributes of role assignments, joined by AND, OR, NOT and parentheses. Everything
/// else is refused when the condition is written, because a condition that is half understood would grant too much.
/// Source: Azure role assignment conditions, "Condition format", version 2.0.
public struct AccessCondition: Sendable, Hashable {
    /// The version of the language.
    public static let version = "2.0"

    let expression: Expression

    /// Reads a condition; throws `InvalidCondition` for anything outside the part named above.
    public init(_ text: String) throws(AccessConditionError) {
        var parser = AccessConditionParser(text)
        self.expression = try parser.read()
    }

    indirect enum Expression: Sendable, Hashable {
        case actionMatches(String)
        case compare(Source, Attribute, isEqual: Bool, values: Set<String>)
        case not(Expression)
        case all([Expression])
        case any([Expression])
    }

    /// Where an attribute comes from: the assignment asked for, or the one that exists.
    enum Source: String, Sendable, Hashable {
        case request = "@Request"
        case resource = "@Resource"
    }

    enum Attribute: String, Sendable, Hashable, CaseIterable {
        case roleDefinition = "Microsoft.Authorization/roleAssignments:RoleDefinitionId"
        case principal = "Microsoft.Authorization/roleAssignments:PrincipalId"
        case principalType = "Microsoft.Authorization/roleAssignments:PrincipalType"

        var isIdentifier: Bool { self != .principalType }
    }

    /// Whether the condition is certainly true for this action and request.
    func isFulfilled(by action: Action, _ attributes: RequestAttributes) -> Bool {
        self.expression.value(action, attributes) == true
    }
}

extension AccessCondition.Expression {
    // Three values: an attribute that the request does not have makes the answer unknown, and unknown stays unknown
    // under NOT.
    func value(_ action: Action, _ attributes: RequestAttributes) -> Bool? {
        switch self {
        case .actionMatches(let pattern):
            return ActionPatterns([pattern]).cover(action.key)
        case .compare(let source, let attribute, let isEqual, let values):
            guard source.belongs(to: action), let value = attribute.value(in: attributes) else { return nil }
            return values.contains(value) == isEqual
        case .not(let inner):
            return inner.value(action, attributes).map { !$0 }
        case .all(let parts):
            let values = parts.map { $0.value(action, attributes) }
            return values.contains(false) ? false : values.contains(nil) ? nil : true
        case .any(let parts):
            let values = parts.map { $0.value(action, attributes) }
            return values.contains(true) ? true : values.contains(nil) ? nil : false
        }
    }
}

extension AccessCondition.Source {
    func belongs(to action: Action) -> Bool {
        switch self {
        case .request: action == .assignRole
        case .resource: action == .removeRole
        }
    }
}

extension AccessCondition.Attribute {
    func value(in attributes: RequestAttributes) -> String? {
        switch self {
        case .roleDefinition: attributes.roleDefinition?.description
        case .principal: attributes.principal?.description
        case .principalType: attributes.principalType?.rawValue.lowercased()
        }
    }
}

/// What is wrong with a condition, for the person who wrote it.
public struct AccessConditionError: Error, Sendable, Hashable {
    /// One sentence.
    public let sentence: String
}
