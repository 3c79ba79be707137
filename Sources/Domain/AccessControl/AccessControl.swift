public import Audit
public import Storage
import Synchronization
public import Vocabulary

/// Who may do what where: roles, assignments, decisions, and the only maker of a `Grant`.
///
/// Decisions read a snapshot in memory and wait for nothing. Changes go to the store first and reach decisions before
/// the changing call returns, so that a role that was taken away is gone at once (within this process).
public final class AccessControl: Sendable {
    /// Tells whose rights changed, after decisions see it.
    public let changes = ChangeFeed<AccessChange>()
    /// Limits and switches.
    public let policy: AssignmentPolicy

    let database: any Database
    let audit: AuditLog
    let clock: TimeSource
    let random: RandomSource
    let turnstile = Turnstile()
    private let snapshot = Mutex(AccessSnapshot())

    /// Makes the service on a store that has the schema; call `load` before deciding, until then everything is refused.
    public init(
        database: any Database,
        audit: AuditLog,
        clock: TimeSource,
        random: RandomSource,
        policy: AssignmentPolicy = AssignmentPolicy()
    ) {
        self.database = database
        self.audit = audit
        self.clock = clock
        self.random = random
        self.policy = policy
    }

    /// Reads everything from the store; throws `StorageError`.
    public func load() async throws {
        try await self.turnstile.pass {
            let fresh = try await self.stored()
            self.change { $0 = fresh }
        }
    }

    // MARK: Decisions

    /// Whether a subject may do something to a resource. Takes microseconds and never waits.
    ///
    /// - Parameter attributes: The role assignment that is being made or removed, for conditions that ask about it.
    public func decide(
        _ action: Action,
        at path: ResourcePath,
        for subject: Subject,
        attributes: RequestAttributes = .none
    ) -> Decision {
        self.current.decide(action, at: path, for: subject, attributes)
    }

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
                return Explanation.Finding(
                    assignment: assignment,
                    roleName: snapshot.roles[assignment.roleDefinition]?.definition.roleName
                        ?? assignment.roleDefinition.description,
                    group: assignment.principal == subject.id ? nil : assignment.principal,
                    outcome: assignment.scope.contains(path)
                        ? snapshot.outcome(of: entry, action, attributes) : .otherScope
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

    /// The principals (users, groups, service principals) to whom an action is given by an assignment that names them.
    public func principals(allowed action: Action, at path: ResourcePath) -> Set<GUID> {
        self.current.principals(allowed: action, at: path)
    }

    /// Makes the proof that dialling needs.
    public func grant(_ allowed: Decision.Allowed, endpoint: Endpoint, session: GUID) -> Grant {
        Grant(target: allowed.path, endpoint: endpoint, user: allowed.subject.id, session: session)
    }

    // MARK: Lists

    /// The roles that can be assigned at a scope, built-in ones first; with `andBelow` also those of scopes below.
    public func definitions(at scope: ResourcePath, andBelow: Bool = false) -> [RoleDefinition] {
        let roles = self.current.roles
        let custom = roles.values.map(\.definition).filter { definition in
            definition.isCustom
                && definition.assignableScopes.contains { $0.contains(scope) || (andBelow && scope.contains($0)) }
        }
        return RoleDefinition.builtIn + custom.sorted { ($0.roleName, $0.name) < ($1.roleName, $1.name) }
    }

    /// A role by its identifier.
    public func definition(_ name: GUID) -> RoleDefinition? {
        self.current.roles[name]?.definition
    }

    /// A role by the name people call it, in any letter case.
    public func definition(named roleName: String) -> RoleDefinition? {
        let wanted = roleName.lowercased()
        return self.current.roles.values.first { $0.definition.roleName.lowercased() == wanted }?.definition
    }

    /// An assignment by its identifier.
    public func assignment(_ name: GUID) -> RoleAssignment? {
        self.current.entries[name]?.assignment
    }

    /// Assignments seen from a scope, oldest first.
    public func assignments(
        at scope: ResourcePath,
        _ filter: RoleAssignmentFilter = RoleAssignmentFilter()
    ) -> [RoleAssignment] {
        self.current.assignments(at: scope, filter)
    }

    /// The denials that hold at a scope.
    public func denials(at scope: ResourcePath) -> [DenyAssignment] {
        self.current.denials.map(\.assignment).filter { $0.concerns(scope) }
    }

    /// How many assignments a subscription has, on itself and on everything in it.
    public func assignmentCount(in subscription: GUID) -> Int {
        self.current.entries.values.count { $0.assignment.scope.subscription == subscription }
    }

    // MARK: The snapshot

    var current: AccessSnapshot {
        self.snapshot.withLock { $0 }
    }

    func change(_ body: (inout sending AccessSnapshot) -> Void) {
        self.snapshot.withLock { body(&$0) }
    }
}

/// Limits of role assignment and the switches about it. Source: Azure role-based access control limits.
public struct AssignmentPolicy: Sendable, Hashable {
    /// Assignments on a subscription and everything in it.
    public var perSubscription: Int
    /// Assignments on one management group; the root scope counts as one.
    public var perManagementGroup: Int
    /// Whether built-in roles with data actions, the login roles among them, may be assigned at management groups.
    public var allowsLoginRolesAtManagementGroups: Bool

    /// Azure's own values unless told otherwise.
    public init(
        perSubscription: Int = 4000,
        perManagementGroup: Int = 500,
        allowsLoginRolesAtManagementGroups: Bool = true
    ) {
        self.perSubscription = perSubscription
        self.perManagementGroup = perManagementGroup
        self.allowsLoginRolesAtManagementGroups = allowsLoginRolesAtManagementGroups
    }
}
