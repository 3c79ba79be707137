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
        /// Whether the role would give the action if it were assigned at the right place.
        public let roleHoldsAction: Bool
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

    /// The assignment that gives the action; nil when it is refused.
    public var grounds: Finding? {
        self.isAllowed ? self.findings.first { $0.outcome == .grants } : nil
    }

    /// The answer in one sentence.
    public var sentence: String { self.sentence { $0.description } }

    /// The answer in one sentence, with groups by the names that people know.
    public func sentence(naming group: (GUID) -> String) -> String {
        guard let grounds = self.grounds else { return self.refusal.sentence }
        let via = grounds.group.map { " through the group \(group($0))" } ?? ""
        return "\(self.subject.name) (\(self.subject.id)) has '\(grounds.roleName)' on "
            + "'\(grounds.assignment.scope)'\(via)."
    }

    /// The refusal with the line that is missing, and what comes nearest to it.
    public var refusal: Refusal {
        if let denial = self.denials.first {
            return Refusal(
                "DenyAssignment",
                reason: "\(PrintableText.of(self.subject.name)) (\(self.subject.id)) is refused by the deny assignment "
                    + "'\(denial.denyName)' on '\(denial.scope)'.",
                remedy: "No role overrules it: ask an administrator to exclude you from it or to remove it."
            )
        }
        let usual = AccessSnapshot.refusal(of: self.action, at: self.path, for: self.subject, roles: self.roles)
        guard let nearest = self.nearest else { return usual }
        return Refusal(usual.code, reason: usual.reason, remedy: "\(nearest) \(usual.remedy)")
    }

    /// Why what the subject has is not enough, in one sentence about the assignment that comes nearest; nil when there
    /// is none worth telling.
    public var nearest: String? {
        func first(_ outcome: Outcome) -> Finding? { self.findings.first { $0.outcome == outcome } }
        if let found = first(.conditionNotFulfilled) {
            return
                "'\(found.roleName)' on '\(found.assignment.scope)' counts only under a condition, which is not fulfilled."
        }
        if let found = first(.leftOut) {
            return "'\(found.roleName)' on '\(found.assignment.scope)' leaves this action out."
        }
        if let found = self.findings.first(where: { $0.outcome == .otherScope && $0.roleHoldsAction }) {
            return "'\(found.roleName)' is held on '\(found.assignment.scope)', which is another place."
        }
        if let found = first(.controlOnly) {
            return "'\(found.roleName)' on '\(found.assignment.scope)' controls the machine, which never includes "
                + "signing in to it."
        }
        return nil
    }
}

extension AccessControl {
    /// Why a decision is as it is, for "why was I refused?".
    public func explain(
        _ action: Action,
        at path: ResourcePath,
        for subject: Subject,
        attributes: RequestAttributes = .none
    ) -> Explanation {
        let snapshot = self.current
        let findings = snapshot.entries(of: subject.groups.union([subject.id]))
            .map { entry in
                let assignment = entry.assignment
                let outcome = snapshot.outcome(of: entry, action, attributes)
                return Explanation.Finding(
                    assignment: assignment,
                    roleName: snapshot.roles[assignment.roleDefinition]?.definition.roleName
                        ?? assignment.roleDefinition.description,
                    group: assignment.principal == subject.id ? nil : assignment.principal,
                    outcome: snapshot.tree.covers(assignment.scope, path) ? outcome : .otherScope,
                    roleHoldsAction: outcome.mayGrant
                )
            }
            .sorted { left, right in
                if (left.outcome == .grants) != (right.outcome == .grants) { return left.outcome == .grants }
                return (left.assignment.scope.key, left.assignment.name) < (
                    right.assignment.scope.key, right.assignment.name
                )
            }
        return Explanation(
            action: action,
            path: path,
            subject: subject,
            isAllowed: snapshot.decide(action, at: path, for: subject, attributes).isAllowed,
            findings: findings,
            denials: snapshot.denial(of: action, at: path, for: subject).map { [$0] } ?? [],
            roles: RoleAdvice.names(allowing: action)
        )
    }
}
