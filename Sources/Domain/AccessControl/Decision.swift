public import Vocabulary

/// Whether a subject may do something: yes with the proof, or no with the reason.
public enum Decision: Sendable {
    /// Yes.
    case allowed(Allowed)
    /// No: who, what, on what, and which roles would give it.
    case refused(Refusal)

    /// Proof of a decision; only `AccessControl` makes one.
    public struct Allowed: Sendable {
        /// What may be done.
        public let action: Action
        /// On what.
        public let path: ResourcePath
        /// By whom.
        public let subject: Subject
        /// The assignment that gives it.
        public let assignment: RoleAssignment

        init(action: Action, path: ResourcePath, subject: Subject, assignment: RoleAssignment) {
            self.action = action
            self.path = path
            self.subject = subject
            self.assignment = assignment
        }
    }

    /// Whether the answer is yes.
    public var isAllowed: Bool {
        if case .allowed = self { return true }
        return false
    }
}

/// What conditions may ask about a request: the role assignment that is being made or removed. Empty for every other
/// action.
///
/// Source: Azure role assignment conditions, "Authorization actions and attributes".
public struct RequestAttributes: Sendable, Hashable {
    /// `Microsoft.Authorization/roleAssignments:RoleDefinitionId`.
    public let roleDefinition: GUID?
    /// `Microsoft.Authorization/roleAssignments:PrincipalId`.
    public let principal: GUID?
    /// `Microsoft.Authorization/roleAssignments:PrincipalType`.
    public let principalType: PrincipalType?

    /// Describes the assignment that is being made or removed.
    public init(roleDefinition: GUID? = nil, principal: GUID? = nil, principalType: PrincipalType? = nil) {
        self.roleDefinition = roleDefinition
        self.principal = principal
        self.principalType = principalType
    }

    /// Nothing is known: a condition that asks about the assignment is not fulfilled.
    public static let none = RequestAttributes()
}
