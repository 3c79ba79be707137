import Vocabulary

/// A condition under which a role counts: the part of the condition language that delegation of role assignment needs.
///
/// Knows `ActionMatches`, `Exists`, the attributes of role assignments on `@Request` and `@Resource`, and custom security
/// attributes of the `@Principal`, joined by AND, OR, NOT and parentheses. Everything else is refused when the condition
/// is written, because a condition that is half understood would grant too much. Source: Azure role assignment
/// conditions, "Condition format", version 2.0.
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
        case actionMatches(ActionPatterns)
        case exists(Attribute)
        case compare(Attribute, Comparison)
        case not(Expression)
        case all([Expression])
        case any([Expression])
    }

    /// Where an attribute comes from: the assignment asked for, the one that exists, or whoever asks.
    enum Source: String, Sendable, Hashable, CaseIterable {
        case request = "@Request"
        case resource = "@Resource"
        case principal = "@Principal"
    }

    /// What an attribute says.
    enum Name: Sendable, Hashable {
        case roleDefinition
        case principal
        case principalType
        /// An attribute that administrators of a directory invent. This directory has none, so nobody has a value.
        case custom(String)
    }

    struct Attribute: Sendable, Hashable {
        let source: Source
        let name: Name
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
        case .actionMatches(let patterns):
            return patterns.cover(action.key)
        case .exists(let attribute):
            return attribute.value(action, attributes) != nil
        case .compare(let attribute, let comparison):
            return attribute.value(action, attributes).map { comparison.holds(for: $0) }
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

extension AccessCondition.Attribute {
    private static let namespace = "microsoft.authorization/roleassignments:"

    /// Reads `Microsoft.Authorization/roleAssignments:RoleDefinitionId` and its like, in any letter case; nil for an
    /// attribute that the source does not have.
    init?(_ source: AccessCondition.Source, named name: String) {
        let lower = name.lowercased()
        let names: [String: AccessCondition.Name] = [
            Self.namespace + "roledefinitionid": .roleDefinition, Self.namespace + "principalid": .principal,
            Self.namespace + "principaltype": .principalType,
        ]
        let prefix = "microsoft.directory/customsecurityattributes/id:"
        switch source {
        case .request, .resource:
            guard let found = names[lower] else { return nil }
            self.init(source: source, name: found)
        case .principal:
            guard lower.hasPrefix(prefix), lower.count > prefix.count else { return nil }
            self.init(source: source, name: .custom(String(name.dropFirst(prefix.count))))
        }
    }

    /// Whether values are GUIDs.
    var isIdentifier: Bool { self.name == .roleDefinition || self.name == .principal }

    // Attributes of assignments are known when assignments are made (on the request) and removed (on the resource).
    func value(_ action: Action, _ attributes: RequestAttributes) -> String? {
        switch self.source {
        case .request where action != .assignRole, .resource where action != .removeRole: return nil
        default: break
        }
        switch self.name {
        case .roleDefinition: return attributes.roleDefinition?.description
        case .principal: return attributes.principal?.description
        case .principalType: return attributes.principalType?.rawValue
        case .custom: return nil
        }
    }
}

extension AccessCondition {
    /// An operator with the values on its right. Source: "Condition format", "Operators", "Cross product comparison".
    struct Comparison: Sendable, Hashable {
        enum Relation: String, Sendable, Hashable {
            case equals = "equals"
            case like = "like"
            case startsWith = "startswith"
        }

        let relation: Relation
        let isNegated: Bool
        let ignoresCase: Bool
        /// Whether all values on the right must agree, and not just one of them.
        let needsAll: Bool
        let values: Set<String>

        // There is one value on the left, so `ForAnyOf` and `ForAllOf` ask the same.
        func holds(for value: String) -> Bool {
            let left = self.ignoresCase ? value.lowercased() : value
            let agrees = { (right: String) in self.relates(left, right) != self.isNegated }
            return self.needsAll ? self.values.allSatisfy(agrees) : self.values.contains(where: agrees)
        }

        private func relates(_ left: String, _ right: String) -> Bool {
            switch self.relation {
            case .equals: left == right
            case .startsWith: left.hasPrefix(right)
            case .like: ActionPattern.covers(left, pattern: right)
            }
        }
    }
}

extension AccessCondition.Comparison {
    /// Reads an operator such as `ForAnyOfAnyValues:GuidEquals`; nil for one that the attribute does not take.
    init?(_ text: String, for attribute: AccessCondition.Attribute, values: Set<String>) {
        var rest = text.lowercased()[...]
        var needsAll = false
        if let colon = rest.firstIndex(of: ":") {
            switch rest[..<colon] {
            case "foranyofanyvalues", "forallofanyvalues": needsAll = false
            case "foranyofallvalues", "forallofallvalues": needsAll = true
            default: return nil
            }
            rest = rest[rest.index(after: colon)...]
        } else if values.count > 1 {
            return nil
        }
        let family = attribute.isIdentifier ? "guid" : "string"
        guard rest.hasPrefix(family) else { return nil }
        rest = rest.dropFirst(family.count)
        let isNegated = rest.hasPrefix("not")
        if isNegated { rest = rest.dropFirst(3) }
        var ignoresCase = attribute.isIdentifier
        if rest.hasSuffix("ignorecase") {
            guard !attribute.isIdentifier else { return nil }
            ignoresCase = true
            rest = rest.dropLast("ignorecase".count)
        }
        guard let relation = Relation(rawValue: String(rest)), relation == .equals || !attribute.isIdentifier else {
            return nil
        }
        self.init(
            relation: relation,
            isNegated: isNegated,
            ignoresCase: ignoresCase,
            needsAll: needsAll,
            values: ignoresCase ? Set(values.map { $0.lowercased() }) : values
        )
    }
}

/// What is wrong with a condition, for the person who wrote it.
public struct AccessConditionError: Error, Sendable, Hashable {
    /// One sentence.
    public let sentence: String
}
