import Vocabulary

/// Everything decisions need, in memory: a value that is replaced by each change, indexed by scope and then by
/// principal.
struct AccessSnapshot: Sendable {
    private(set) var roles: [GUID: PreparedRole] = [:]
    private(set) var entries = Sharded<GUID, Entry>()
    private var byScope = Sharded<String, [GUID: [Entry]]>()
    private var byPrincipal = Sharded<GUID, Set<GUID>>()
    // By subscription; nil for what lies outside of all of them.
    private var bySubscription: [GUID?: Set<GUID>] = [:]
    private(set) var denials: [PreparedDenial] = []
    /// Management groups and where subscriptions lie.
    var tree: ScopeTree

    init(root: GUID = .zero) {
        self.tree = ScopeTree(root: root)
    }

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
        self.add(entry)
    }

    /// Adds an assignment that is certainly not there yet.
    mutating func add(_ entry: Entry) {
        let assignment = entry.assignment
        self.entries[assignment.name] = entry
        self.byScope[assignment.scope.key, default: [:]][assignment.principal, default: []].append(entry)
        self.byPrincipal[assignment.principal, default: []].insert(assignment.name)
        self.bySubscription[assignment.scope.subscription, default: []].insert(assignment.name)
    }

    mutating func removeAssignment(_ name: GUID) {
        guard let assignment = self.entries[name]?.assignment else { return }
        self.entries[name] = nil
        let scope = assignment.scope.key
        self.byScope[scope, default: [:]][assignment.principal, default: []].removeAll { $0.assignment.name == name }
        if self.byScope[scope]?[assignment.principal]?.isEmpty == true {
            self.byScope[scope, default: [:]][assignment.principal] = nil
        }
        if self.byScope[scope]?.isEmpty == true { self.byScope[scope] = nil }
        self.byPrincipal[assignment.principal, default: []].remove(name)
        if self.byPrincipal[assignment.principal]?.isEmpty == true { self.byPrincipal[assignment.principal] = nil }
        self.bySubscription[assignment.scope.subscription, default: []].remove(name)
        if self.bySubscription[assignment.scope.subscription]?.isEmpty == true {
            self.bySubscription[assignment.scope.subscription] = nil
        }
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

    /// The same answer as `decide` gives, without the words: lists ask for each of their elements.
    func allows(_ action: Action, at path: ResourcePath, for subject: Subject) -> Bool {
        guard self.denial(of: action, at: path, for: subject) == nil else { return false }
        return self.firstEntry(at: path, for: subject) { self.outcome(of: $0, action, .none) == .grants } != nil
    }

    func denial(of action: Action, at path: ResourcePath, for subject: Subject) -> DenyAssignment? {
        if self.denials.isEmpty { return nil }
        let identities = subject.groups.union([subject.id])
        return self.denials.first {
            $0.assignment.concerns(path, in: self.tree) && $0.assignment.concerns(identities) && $0.forbids(action)
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

    // Visits what is assigned at the root, at the management groups above, and at each segment on the way down, until
    // told to stop. The keys are built from segments, so a scope can only ever cover whole ones.
    private func forEachScope(to path: ResourcePath, _ visit: ([GUID: [Entry]]) -> Bool) {
        if let principals = self.byScope["/"], !visit(principals) { return }
        for key in self.tree.above(path) {
            if let principals = self.byScope[key], !visit(principals) { return }
        }
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
        let denials = self.denials.filter { $0.assignment.concerns(path, in: self.tree) && $0.forbids(action) }
        return found.filter { principal in denials.allSatisfy { !$0.assignment.concerns([principal]) } }
    }

    /// The assignments of a principal and of the given groups, wherever they are.
    func entries(of principals: Set<GUID>) -> [Entry] {
        principals.flatMap { self.byPrincipal[$0] ?? [] }.compactMap { self.entries[$0] }
    }

    /// Whether one of these principals has a role at, above or below a scope.
    func hasAny(of principals: Set<GUID>, at scope: ResourcePath) -> Bool {
        principals.contains { principal in
            (self.byPrincipal[principal] ?? []).contains { name in
                guard let place = self.entries[name]?.assignment.scope else { return false }
                return self.tree.covers(place, scope) || self.tree.covers(scope, place)
            }
        }
    }

    /// The scopes below a scope outside of which nothing there can be allowed to these principals, none of them below
    /// another; nil when something that is assigned at the scope itself or above it may count.
    func places(of principals: Set<GUID>, below scope: ResourcePath, _ action: Action?) -> [ResourcePath]? {
        var found: Set<ResourcePath> = []
        for entry in self.entries(of: principals) {
            if let action, !self.outcome(of: entry, action, .none).mayGrant { continue }
            let place = entry.assignment.scope
            if self.tree.covers(place, scope) { return nil }
            // What lies in a management group is no stretch of paths.
            if place.managementGroup != nil, scope == .root { return nil }
            if scope.contains(place) { found.insert(place) }
        }
        return found.filter { place in !Self.scopes(above: place).contains { found.contains($0) } }
    }

    private static func scopes(above place: ResourcePath) -> [ResourcePath] {
        (1..<max(place.segments.count, 1)).compactMap {
            ResourcePath("/" + place.segments.prefix($0).joined(separator: "/"))
        }
    }

    func assignments(at scope: ResourcePath, _ filter: RoleAssignmentFilter) -> [RoleAssignment] {
        self.candidates(at: scope, filter).map(\.assignment)
            .filter { assignment in
                if let role = filter.roleDefinition, assignment.roleDefinition != role { return false }
                switch filter.reach {
                case .exactly: return assignment.scope == scope
                case .atAndAbove: return self.tree.covers(assignment.scope, scope)
                case .everywhere:
                    return self.tree.covers(assignment.scope, scope) || self.tree.covers(scope, assignment.scope)
                }
            }
            .sorted { ($0.createdOn, $0.name) < ($1.createdOn, $1.name) }
    }

    /// How many assignments lie in a subscription.
    func count(in subscription: GUID) -> Int {
        self.bySubscription[subscription]?.count ?? 0
    }

    /// The subscriptions with assignments in them, and how many.
    var counts: [GUID: Int] {
        self.bySubscription.reduce(into: [:]) { counts, pair in
            if let subscription = pair.key { counts[subscription] = pair.value.count }
        }
    }

    // No fewer entries than the list will hold, and never all of them when an index says which.
    private func candidates(at scope: ResourcePath, _ filter: RoleAssignmentFilter) -> [Entry] {
        if filter.reach == .exactly {
            let here = self.byScope[scope.key] ?? [:]
            guard let principals = filter.principals else { return here.values.flatMap { $0 } }
            return principals.flatMap { here[$0] ?? [] }
        }
        if let principals = filter.principals { return self.entries(of: principals) }
        if filter.reach != .everywhere {
            var found: [Entry] = []
            self.forEachScope(to: scope) { principals in
                for entries in principals.values { found += entries }
                return true
            }
            return found
        }
        guard let subscription = scope.subscription else { return Array(self.entries.values) }
        let names = (self.bySubscription[subscription] ?? []).union(self.bySubscription[nil] ?? [])
        return names.compactMap { self.entries[$0] }
    }
}
