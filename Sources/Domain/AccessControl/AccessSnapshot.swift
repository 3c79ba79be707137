import Vocabulary

/// Everything decisions need, in memory: a value that is replaced by each change, indexed by scope and then by
/// principal.
struct AccessSnapshot: Sendable {
    private(set) var roles: [GUID: PreparedRole] = [:]
    private(set) var entries: [GUID: Entry] = [:]
    private var byScope: [String: [GUID: [Entry]]] = [:]
    private var byPrincipal: [GUID: Set<GUID>] = [:]
    private(set) var denials: [PreparedDenial] = []

    /// An assignment, ready for questions.
    final class Entry: Sendable {
        let assignment: RoleAssignment
        let condition: AccessCondition?

        init(_ assignment: RoleAssignment) throws(AccessConditionError) {
            self.assignment = assignment
            self.condition = if let text = assignment.condition { try AccessCondition(text) } else { nil }
        }
    }

    // MARK: Changing

    mutating func put(_ role: PreparedRole) {
        self.roles[role.definition.name] = role
    }

    mutating func removeRole(_ name: GUID) {
        self.roles[name] = nil
    }

    mutating func put(_ entry: Entry) {
        self.removeAssignment(entry.assignment.name)
        let assignment = entry.assignment
        self.entries[assignment.name] = entry
        self.byScope[assignment.scope.key, default: [:]][assignment.principal, default: []].append(entry)
        self.byPrincipal[assignment.principal, default: []].insert(assignment.name)
    }

    mutating func removeAssignment(_ name: GUID) {
        guard let assignment = self.entries.removeValue(forKey: name)?.assignment else { return }
        let scope = assignment.scope.key
        self.byScope[scope]?[assignment.principal]?.removeAll { $0.assignment.name == name }
        if self.byScope[scope]?[assignment.principal]?.isEmpty == true {
            self.byScope[scope]?[assignment.principal] = nil
        }
        if self.byScope[scope]?.isEmpty == true { self.byScope[scope] = nil }
        self.byPrincipal[assignment.principal]?.remove(name)
        if self.byPrincipal[assignment.principal]?.isEmpty == true { self.byPrincipal[assignment.principal] = nil }
    }

    mutating func put(_ denial: DenyAssignment) {
        self.removeDenial(denial.name)
        self.denials.append(PreparedDenial(denial))
    }

    mutating func removeDenial(_ name: GUID) {
        self.denials.removeAll { $0.assignment.name == name }
    }

    // MARK: Deciding

    func decide(
        _ action: Action,
        at path: ResourcePath,
        for subject: Subject,
        _ attributes: RequestAttributes
    ) -> Decision {
        if let denial = self.denial(of: action, at: path, for: subject) {
            return .refused(
                Refusal(
                    "DenyAssignment",
                    reason: "\(subject.name) may not perform '\(action)' on '\(path)': "
                        + "the deny assignment '\(denial.denyName)' forbids it."
                )
            )
        }
        var lacksCondition = false
        let found = self.firstEntry(at: path, for: subject) { entry in
            switch self.outcome(of: entry, action, attributes) {
            case .grants: return true
            case .conditionNotFulfilled:
                lacksCondition = true
                return false
            default: return false
            }
        }
        if let found {
            return .allowed(
                Decision.Allowed(action: action, path: path, subject: subject, assignment: found.assignment)
            )
        }
        if lacksCondition {
            return .refused(
                Refusal(
                    "ConditionNotFulfilled",
                    reason:
                        "\(subject.name) may perform '\(action)' on '\(path)' only under a condition, which is not fulfilled.",
                    remedy: "Ask an administrator which roles and principals the condition admits."
                )
            )
        }
        return .refused(Self.refusal(of: action, at: path, for: subject, roles: RoleAdvice.names(allowing: action)))
    }

    /// The usual refusal: a role is missing.
    static func refusal(of action: Action, at path: ResourcePath, for subject: Subject, roles: [String]) -> Refusal {
        Refusal(
            "RoleMissing",
            reason:
                "\(subject.name) may not perform '\(action)' on '\(path)': no role that allows it is assigned there or above.",
            remedy: roles.isEmpty
                ? "No role allows it."
                : "Roles that allow it: \(roles.joined(separator: ", ")). Ask an administrator to assign one."
        )
    }

    func denial(of action: Action, at path: ResourcePath, for subject: Subject) -> DenyAssignment? {
        if self.denials.isEmpty { return nil }
        let identities = subject.groups.union([subject.id])
        return self.denials.first {
            $0.assignment.concerns(path) && $0.assignment.concerns(identities) && $0.forbids(action)
        }?.assignment
    }

    func outcome(of entry: Entry, _ action: Action, _ attributes: RequestAttributes) -> Explanation.Outcome {
        guard let role = self.roles[entry.assignment.roleDefinition] else { return .actionNotInRole }
        let outcome = role.verdict(on: action, attributes)
        guard outcome == .grants, let condition = entry.condition else { return outcome }
        return condition.isFulfilled(by: action, attributes) ? .grants : .conditionNotFulfilled
    }

    // From the root down to the path, the subject before its groups. At each scope the smaller of the two sets is
    // walked: subjects may have thousands of groups, and scopes thousands of principals.
    private func firstEntry(
        at path: ResourcePath,
        for subject: Subject,
        where counts: (Entry) -> Bool
    ) -> Entry? {
        var found: Entry?
        self.forEachScope(to: path) { principals in
            if let entry = principals[subject.id]?.first(where: counts) {
                found = entry
                return false
            }
            if subject.groups.count <= principals.count {
                for group in subject.groups {
                    found = principals[group]?.first(where: counts)
                    if found != nil { return false }
                }
            } else {
                for (principal, entries) in principals where subject.groups.contains(principal) {
                    found = entries.first(where: counts)
                    if found != nil { return false }
                }
            }
            return true
        }
        return found
    }

    // Visits what is assigned at the root and at each segment on the way down, until told to stop. The keys are built
    // from segments, so a scope can only ever cover whole ones.
    private func forEachScope(to path: ResourcePath, _ visit: ([GUID: [Entry]]) -> Bool) {
        if let principals = self.byScope["/"], !visit(principals) { return }
        var key = ""
        for segment in path.segments {
            key += "/"
            key += segment.lowercased()
            if let principals = self.byScope[key], !visit(principals) { return }
        }
    }

    // MARK: Lists

    /// Who holds an action at a path, by assignments that name them; denials that name them or everybody taken into
    /// account.
    func principals(allowed action: Action, at path: ResourcePath) -> Set<GUID> {
        var found: Set<GUID> = []
        self.forEachScope(to: path) { principals in
            for (principal, entries) in principals
            where entries.contains(where: { self.outcome(of: $0, action, .none) == .grants }) {
                found.insert(principal)
            }
            return true
        }
        let denials = self.denials.filter { $0.assignment.concerns(path) && $0.forbids(action) }
        return found.filter { principal in denials.allSatisfy { !$0.assignment.concerns([principal]) } }
    }

    /// The assignments of a principal and of the given groups, wherever they are.
    func entries(of principals: Set<GUID>) -> [Entry] {
        principals.flatMap { self.byPrincipal[$0] ?? [] }.compactMap { self.entries[$0] }
    }

    func assignments(at scope: ResourcePath, _ filter: RoleAssignmentFilter) -> [RoleAssignment] {
        let candidates = filter.principals.map { self.entries(of: $0) } ?? Array(self.entries.values)
        return candidates.map(\.assignment)
            .filter { assignment in
                if let role = filter.roleDefinition, assignment.roleDefinition != role { return false }
                switch filter.reach {
                case .exactly: return assignment.scope == scope
                case .atAndAbove: return assignment.scope.contains(scope)
                case .everywhere: return assignment.scope.contains(scope) || scope.contains(assignment.scope)
                }
            }
            .sorted { ($0.createdOn, $0.name) < ($1.createdOn, $1.name) }
    }
}
