import Audit
import Storage
public import Vocabulary

// Changing the tree of management groups. Each change moves rights, so each is judged as one: whoever moves something
// must be able to write where it comes from and where it goes, and to assign roles on what is moved.
extension AccessControl {
    /// Makes or changes a management group, when `subject` may do so; `nil` is the system itself, which may.
    ///
    /// Whoever makes a group becomes its Owner. Without `draft.parent` a new group lies in the root group.
    ///
    /// - Parameter isDirectoryAdministrator: Lets the subject make groups in the root group without a role there: the
    ///   tree has to begin with somebody. Source: Azure management groups, "Initial setup".
    ///
    /// Throws AuthorizationFailed, ManagementGroupNotFound for a parent that is not there, and BadRequest.
    @discardableResult
    public func put(
        managementGroup draft: ManagementGroupDraft,
        by subject: Subject?,
        isDirectoryAdministrator: Bool = false,
        correlation: String = "",
        source: String = ""
    ) async throws(Problem) -> (ManagementGroup, created: Bool) {
        guard ManagementGroup.isName(draft.name) else {
            throw Problem.badGroup(
                "'\(PrintableText.of(draft.name, limit: 100))' cannot be a management group's identifier."
            )
        }
        let trace = Trace(subject: subject, correlation: correlation, source: source)
        let target = ManagementGroup.path(draft.name)
        let details = ["parent": draft.parent ?? "", "displayName": draft.displayName ?? ""]
        return try await self.changing("managementGroup.write", target.description, details, trace) {
            let tree = self.current.tree
            let known = tree.groups[draft.name.lowercased()]
            let parent = draft.parent?.lowercased() ?? (known == nil ? tree.root : known?.parent)
            let isFree = isDirectoryAdministrator && parent == tree.root
            if known != nil {
                try self.permit(.write(ManagementGroup.type), at: target, trace)
            }
            if let parent, parent != known?.parent {
                if !isFree {
                    try self.permit(.write(ManagementGroup.type), at: ManagementGroup.path(parent), trace)
                }
                if let known { try self.permitMove(of: known, trace) }
                try Self.check(known, draft.name, movedTo: parent, in: tree)
            }
            let displayName = draft.displayName ?? known?.displayName ?? draft.name
            guard (1...90).contains(displayName.count) else {
                throw Problem.badGroup("A management group's display name has 1 to 90 characters.")
            }
            let now = self.clock.now
            let group = ManagementGroup(
                name: known?.name ?? draft.name,
                displayName: displayName,
                parent: parent,
                version: (known?.version ?? 0) + 1,
                updatedOn: now,
                updatedBy: subject?.id
            )
            if let known, known.displayName == group.displayName, known.parent == group.parent {
                return (known, false)
            }
            let owner = known == nil ? self.ownership(of: group, subject, at: now) : nil
            try await self.keep(group, owner, details, trace, at: now)
            return (group, known == nil)
        }
    }

    // Writes a group and the role of whoever made it, and tells those who have to know.
    private func keep(
        _ group: ManagementGroup,
        _ owner: RoleAssignment?,
        _ details: [String: String],
        _ trace: Trace,
        at now: Instant
    ) async throws {
        let entry = try owner.map { try AccessSnapshot.Entry(readable: $0) }
        try await self.database.write { transaction in
            try transaction.run(group.upsert)
            try self.audit.record(
                trace.event("managementGroup.write", group.path.description, details, at: now),
                in: transaction
            )
            if let owner {
                try transaction.run(owner.upsert)
                try self.audit.record(
                    trace.event("roleAssignment.write", owner.id, owner.auditDetails, at: now),
                    in: transaction
                )
            }
        }
        self.change { snapshot in
            snapshot.tree.put(group)
            if let entry { snapshot.put(entry) }
        }
        self.changes.publish(AccessChange(principal: .zero, scope: group.path))
    }

    /// Deletes an empty management group with the roles and denials given there; nil when there was none.
    ///
    /// Throws AuthorizationFailed, and BadRequest for the root group and for a group that is not empty.
    @discardableResult
    public func remove(
        managementGroup name: String,
        by subject: Subject?,
        correlation: String = "",
        source: String = ""
    ) async throws(Problem) -> ManagementGroup? {
        guard ManagementGroup.isName(name) else { return nil }
        let trace = Trace(subject: subject, correlation: correlation, source: source)
        let target = ManagementGroup.path(name)
        return try await self.changing("managementGroup.delete", target.description, [:], trace) {
            () -> ManagementGroup? in
            try self.permit(.delete(ManagementGroup.type), at: target, trace)
            let snapshot = self.current
            guard let known = snapshot.tree.groups[name.lowercased()] else { return nil }
            guard !known.isRoot else { throw Problem.badGroup("The root management group cannot be deleted.") }
            guard
                snapshot.tree.children(of: known.key).isEmpty, !snapshot.tree.placed.values.contains(known.key)
            else {
                throw Problem.badGroup(
                    "The management group '\(known.name)' is not empty: move its groups and subscriptions first."
                )
            }
            let assignments = snapshot.assignments(at: known.path, RoleAssignmentFilter(reach: .exactly))
            let denials = snapshot.denials.map(\.assignment).filter { $0.scope == known.path }
            let now = self.clock.now
            try await self.database.write { transaction in
                try transaction.run("DELETE FROM management_group WHERE name_key = \(known.key)")
                for assignment in assignments {
                    try transaction.run("DELETE FROM role_assignment WHERE name = \(assignment.name)")
                    try self.audit.record(
                        trace.event("roleAssignment.delete", assignment.id, assignment.auditDetails, at: now),
                        in: transaction
                    )
                }
                for denial in denials {
                    try transaction.run("DELETE FROM deny_assignment WHERE name = \(denial.name)")
                }
                try self.audit.record(
                    trace.event("managementGroup.delete", known.path.description, [:], at: now),
                    in: transaction
                )
            }
            self.change { snapshot in
                for assignment in assignments { snapshot.removeAssignment(assignment.name) }
                for denial in denials { snapshot.removeDenial(denial.name) }
                snapshot.tree.remove(known.key)
            }
            self.changes.publish(AccessChange(principal: .zero, scope: known.path))
            return known
        }
    }

    /// Puts a subscription into a management group; nil puts it back into the root group. The caller has checked that
    /// the subscription exists.
    ///
    /// Throws AuthorizationFailed and ManagementGroupNotFound.
    public func place(
        subscription: GUID,
        inManagementGroup name: String?,
        by subject: Subject?,
        correlation: String = "",
        source: String = ""
    ) async throws(Problem) {
        let trace = Trace(subject: subject, correlation: correlation, source: source)
        let path = ResourcePath.root.appending("subscriptions", subscription.description)
        let details = ["managementGroup": name ?? ""]
        try await self.changing("managementGroup.place", path.description, details, trace) {
            let tree = self.current.tree
            let wanted = name?.lowercased() ?? tree.root
            let known = tree.parent(of: subscription)
            if wanted != tree.root {
                try self.permit(.write(Self.membership), at: ManagementGroup.path(wanted), trace)
            }
            if known != tree.root {
                try self.permit(.delete(Self.membership), at: ManagementGroup.path(known), trace)
            }
            // Another place means other rights, and other denials, for everybody.
            try self.permit(.assignRole, at: path, trace)
            guard tree.groups[wanted] != nil else { throw Problem.noGroup(name ?? "") }
            guard wanted != known else { return }
            let now = self.clock.now
            try await self.database.write { transaction in
                try transaction.run("DELETE FROM management_group_member WHERE subscription = \(subscription)")
                if wanted != tree.root {
                    try transaction.run(
                        """
                        INSERT INTO management_group_member (subscription, group_key)
                        VALUES (\(subscription), \(wanted))
                        """
                    )
                }
                try self.audit.record(
                    trace.event("managementGroup.place", path.description, details, at: now),
                    in: transaction
                )
            }
            self.change { $0.tree.place(subscription, in: wanted == tree.root ? nil : wanted) }
            self.changes.publish(AccessChange(principal: .zero, scope: path))
        }
    }

    private static let membership = ManagementGroup.type + "/subscriptions"

    // What a moved group carries changes its rights: that is as much as assigning roles on it.
    private func permitMove(of group: ManagementGroup, _ trace: Trace) throws(Problem) {
        guard let parent = group.parent else { throw Problem.badGroup("The root management group cannot be moved.") }
        if parent != self.current.tree.root {
            try self.permit(.write(ManagementGroup.type), at: ManagementGroup.path(parent), trace)
        }
        try self.permit(.assignRole, at: group.path, trace)
    }

    private static func check(
        _ known: ManagementGroup?,
        _ name: String,
        movedTo parent: String,
        in tree: ScopeTree
    ) throws(Problem) {
        let line = tree.line(to: parent)
        guard !line.isEmpty else { throw Problem.noGroup(parent) }
        guard !line.contains(where: { $0.key == name.lowercased() }) else {
            throw Problem.badGroup("A management group cannot lie in itself or in a group below it.")
        }
        let below = known.map { Self.height(of: $0.key, in: tree) } ?? 1
        guard line.count - 1 + below <= ManagementGroup.deepest else {
            throw Problem.badGroup(
                "Management groups lie at most \(ManagementGroup.deepest) levels below the root group."
            )
        }
        guard known != nil || tree.groups.count <= 10_000 else {
            throw Problem.badGroup("The limit of 10,000 management groups is reached.")
        }
    }

    // How many levels a group and those below it take.
    private static func height(of key: String, in tree: ScopeTree) -> Int {
        1 + (tree.children(of: key).map { self.height(of: $0.key, in: tree) }.max() ?? 0)
    }

    private func ownership(of group: ManagementGroup, _ subject: Subject?, at now: Instant) -> RoleAssignment? {
        guard let subject else { return nil }
        return RoleAssignment(
            RoleAssignmentDraft(
                name: GUID(from: self.random),
                scope: group.path,
                roleDefinition: RoleDefinition.owner,
                principal: subject.id,
                principalType: subject.kind.principalType
            ),
            createdOn: now,
            createdBy: subject.id,
            updatedOn: now,
            updatedBy: subject.id
        )
    }
}

extension AccessControl {
    /// The group of the whole tenant.
    public var rootManagementGroup: ManagementGroup? {
        let tree = self.current.tree
        return tree.groups[tree.root]
    }

    /// A management group by its identifier, in any letter case.
    public func managementGroup(_ name: String) -> ManagementGroup? {
        self.current.tree.groups[name.lowercased()]
    }

    /// All management groups, by identifier, or those directly in one.
    public func managementGroups(in parent: ManagementGroup? = nil) -> [ManagementGroup] {
        let tree = self.current.tree
        return parent.map { tree.children(of: $0.key) } ?? tree.groups.values.sorted { $0.key < $1.key }
    }

    /// The groups from the root group down to one, that one included.
    public func line(to group: ManagementGroup) -> [ManagementGroup] {
        self.current.tree.line(to: group.key)
    }

    /// The management group in which a subscription lies; the root group for those that nobody put anywhere.
    public func managementGroup(of subscription: GUID) -> ManagementGroup? {
        let tree = self.current.tree
        return tree.groups[tree.parent(of: subscription)]
    }

    /// Whether a scope is a path or above it, through management groups too.
    public func covers(_ scope: ResourcePath, _ path: ResourcePath) -> Bool {
        self.current.tree.covers(scope, path)
    }
}

extension Problem {
    fileprivate static func badGroup(_ sentence: String) -> Problem {
        Problem("BadRequest", shown: sentence)
    }

    fileprivate static func noGroup(_ name: String) -> Problem {
        Problem(
            "ManagementGroupNotFound",
            shown: "The management group '\(PrintableText.of(name, limit: 100))' cannot be found."
        )
    }
}

extension Subject.Kind {
    fileprivate var principalType: PrincipalType {
        switch self {
        case .member, .guest: .user
        case .servicePrincipal, .managedIdentity: .servicePrincipal
        }
    }
}

extension ManagementGroup {
    init(_ row: Row) throws {
        self.init(
            name: try row.text("name"),
            displayName: try row.text("display_name"),
            parent: try row.optionalText("parent_key"),
            version: Int(try row.integer("version")),
            updatedOn: try row.instant("updated_on"),
            updatedBy: row.isNull("updated_by") ? nil : try row.guid("updated_by")
        )
    }

    var upsert: Statement {
        """
        INSERT INTO management_group (name_key, name, display_name, parent_key, version, updated_on, updated_by)
        VALUES (
            \(self.key), \(self.name), \(self.displayName), \(self.parent), \(Int64(self.version)), \(self.updatedOn),
            \(self.updatedBy)
        )
        ON CONFLICT (name_key) DO UPDATE SET
            display_name = excluded.display_name,
            parent_key = excluded.parent_key,
            version = excluded.version,
            updated_on = excluded.updated_on,
            updated_by = excluded.updated_by
        """
    }
}
