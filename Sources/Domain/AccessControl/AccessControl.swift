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
    let tenant: GUID
    let turnstile = Turnstile()
    private let snapshot: Mutex<AccessSnapshot>

    /// Makes the service on a store that has the schema; call `load` before deciding, until then everything is refused.
    ///
    /// - Parameter tenant: Names the root management group.
    public init(
        database: any Database,
        audit: AuditLog,
        clock: TimeSource,
        random: RandomSource,
        tenant: GUID = .zero,
        policy: AssignmentPolicy = AssignmentPolicy()
    ) {
        self.database = database
        self.audit = audit
        self.clock = clock
        self.random = random
        self.tenant = tenant
        self.policy = policy
        self.snapshot = Mutex(AccessSnapshot(root: tenant))
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

    /// Whether `decide` would allow this; for lists, where nobody is told why an element is missing.
    public func allows(_ action: Action, at path: ResourcePath, for subject: Subject) -> Bool {
        self.current.allows(action, at: path, for: subject)
    }

    /// Where below a scope the assignments lie that may give an action, or anything at all, to a subject: the only places
    /// that a list has to look at. None is below another. Nil when one lies at the scope or above it.
    public func places(of subject: Subject, below scope: ResourcePath, for action: Action? = nil) -> [ResourcePath]? {
        self.current.places(of: subject.groups.union([subject.id]), below: scope, action)
    }

    /// Whether a subject has any role at, above or below a scope.
    public func hasAnyRole(for subject: Subject, at scope: ResourcePath) -> Bool {
        self.current.hasAny(of: subject.groups.union([subject.id]), at: scope)
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
        let (roles, tree) = (self.current.roles, self.current.tree)
        let custom = roles.values.map(\.definition).filter { definition in
            definition.isCustom
                && definition.assignableScopes.contains {
                    tree.covers($0, scope) || (andBelow && tree.covers(scope, $0))
                }
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
        let snapshot = self.current
        return snapshot.denials.map(\.assignment).filter { $0.concerns(scope, in: snapshot.tree) }
    }

    /// How many assignments a subscription has, on itself and on everything in it.
    public func assignmentCount(in subscription: GUID) -> Int {
        self.current.count(in: subscription)
    }

    /// How many assignments each subscription has, those without any left out.
    public var assignmentCounts: [GUID: Int] { self.current.counts }

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
    /// The part of a limit from which on it is warned about.
    public var warning = 0.9

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
