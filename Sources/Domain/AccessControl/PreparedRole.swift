import Vocabulary

/// A role with its patterns and conditions ready for questions.
struct PreparedRole: Sendable {
    let definition: RoleDefinition
    private let permissions: [PreparedPermission]

    init(_ definition: RoleDefinition) throws(AccessConditionError) {
        self.definition = definition
        var permissions: [PreparedPermission] = []
        for permission in definition.permissions {
            permissions.append(try PreparedPermission(permission))
        }
        self.permissions = permissions
    }

    /// How the role counts for an action: the best that one of its permissions has to offer.
    func verdict(on action: Action, _ attributes: RequestAttributes) -> Explanation.Outcome {
        var best = Explanation.Outcome.actionNotInRole
        for permission in self.permissions {
            let outcome = permission.verdict(on: action, attributes)
            if outcome == .grants { return .grants }
            if outcome != .actionNotInRole { best = outcome }
        }
        return best
    }
}

extension Explanation.Outcome {
    /// Whether a role with this outcome gives the action, at least under a condition.
    var mayGrant: Bool { self == .grants || self == .conditionNotFulfilled }
}

struct PreparedPermission: Sendable {
    private let actions: ActionPatterns
    private let notActions: ActionPatterns
    private let dataActions: ActionPatterns
    private let notDataActions: ActionPatterns
    private let condition: AccessCondition?

    init(_ permission: Permission) throws(AccessConditionError) {
        self.actions = ActionPatterns(permission.actions)
        self.notActions = ActionPatterns(permission.notActions)
        self.dataActions = ActionPatterns(permission.dataActions)
        self.notDataActions = ActionPatterns(permission.notDataActions)
        self.condition = if let text = permission.condition { try AccessCondition(text) } else { nil }
    }

    func verdict(on action: Action, _ attributes: RequestAttributes) -> Explanation.Outcome {
        guard (action.isData ? self.dataActions : self.actions).cover(action.key) else {
            return action.isData && self.actions.cover(action.key) ? .controlOnly : .actionNotInRole
        }
        guard !(action.isData ? self.notDataActions : self.notActions).cover(action.key) else { return .leftOut }
        guard let condition = self.condition, !condition.isFulfilled(by: action, attributes) else { return .grants }
        return .conditionNotFulfilled
    }
}

/// A denial with its patterns ready for questions.
struct PreparedDenial: Sendable {
    let assignment: DenyAssignment
    private let permissions: [(forbidden: ActionPatterns, leftOut: ActionPatterns, isData: Bool)]

    init(_ assignment: DenyAssignment) {
        self.assignment = assignment
        self.permissions = assignment.permissions.flatMap { permission in
            [
                (ActionPatterns(permission.actions), ActionPatterns(permission.notActions), false),
                (ActionPatterns(permission.dataActions), ActionPatterns(permission.notDataActions), true),
            ]
        }
    }

    func forbids(_ action: Action) -> Bool {
        self.permissions.contains {
            $0.isData == action.isData && $0.forbidden.cover(action.key) && !$0.leftOut.cover(action.key)
        }
    }
}
