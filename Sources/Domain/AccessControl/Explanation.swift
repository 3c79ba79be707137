public import Vocabulary

/// Why a decision is as it is: every assignment that was looked at, and why it did or did not count.
public struct Explanation: Sendable {
    /// What was asked for.
    public let action: Action
    /// On what.
    public let path: ResourcePath
    /// For whom.
    public let subject: Subject
    /// Whether it is allowed.
    public let isAllowed: Bool
    /// One finding for each assignment of the subject and of the subject's groups, granting ones first.
    public let findings: [Finding]
    /// Denials that apply; one is enough.
    public let denials: [DenyAssignment]
    /// Roles that would give the action, by name: the line that is missing.
    public let roles: [String]

    /// What one assignment contributes.
    public struct Finding: Sendable {
        /// The assignment.
        public let assignment: RoleAssignment
        /// The role's name; its identifier when the role is gone.
        public let roleName: String
        /// The group through which the subject has it; nil when directly.
        public let group: GUID?
        /// How it counts.
        public let outcome: Outcome
    }

    /// How an assignment counts for a question.
    public enum Outcome: String, Sendable, Hashable, Codable {
        /// It gives the action.
        case grants
        /// It is about another place: the scope is neither the resource nor above it.
        case otherScope
        /// The role does not hold the action.
        case actionNotInRole
        /// The role's `notActions` leave the action out.
        case leftOut
        /// The role gives control over the resource, which never includes entering it.
        case controlOnly
        /// The condition is not fulfilled.
        case conditionNotFulfilled
    }

    /// The answer in one sentence.
    public var sentence: String {
        let who = "\(self.subject.name) (\(self.subject.id))"
        if let denial = self.denials.first {
            return "\(who) is refused by the deny assignment '\(denial.denyName)' on '\(denial.scope)'."
        }
        if let finding = self.findings.first(where: { $0.outcome == .grants }), self.isAllowed {
            let via = finding.group.map { " through the group \($0)" } ?? ""
            return "\(who) has '\(finding.roleName)' on '\(finding.assignment.scope)'\(via)."
        }
        return AccessSnapshot.refusal(of: self.action, at: self.path, for: self.subject, roles: self.roles).sentence
    }
}
