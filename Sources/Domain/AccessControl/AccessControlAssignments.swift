import Audit
import Storage
public import Vocabulary

extension AccessControl {
    /// Gives somebody a role, when `subject` may do so there; `nil` is the system itself, which may.
    ///
    /// Repeating a request changes nothing. Throws AuthorizationFailed, RoleDefinitionDoesNotExist,
    /// RoleAssignmentExists, RoleAssignmentUpdateNotPermitted, RoleAssignmentLimitExceeded, InvalidCondition and their
    /// like.
    @discardableResult
    public func assign(
        _ draft: RoleAssignmentDraft,
        by subject: Subject?,
        correlation: String = "",
        source: String = ""
    ) async throws(Problem) -> (RoleAssignment, created: Bool) {
        let trace = Trace(subject: subject, correlation: correlation, source: source)
        return try await self.assign(draft, trace) { () throws(Problem) in
            try self.permit(.assignRole, at: draft.scope, trace, draft.attributes)
        }
    }

    /// Makes an administrator of the directory User Access Administrator of everything. The caller has checked that
    /// `subject` is one. Source: Azure, "Elevate access to manage all subscriptions and management groups".
    @discardableResult
    public func elevate(
        _ subject: Subject,
        correlation: String = "",
        source: String = ""
    ) async throws(Problem) -> RoleAssignment {
        let held = self.assignments(
            at: .root,
            RoleAssignmentFilter(
                reach: .exactly,
                principals: [subject.id],
                roleDefinition: RoleDefinition.userAccessAdministrator
            )
        )
        if let held = held.first { return held }
        let draft = RoleAssignmentDraft(
            name: GUID(from: self.random),
            scope: .root,
            roleDefinition: RoleDefinition.userAccessAdministrator,
            principal: subject.id,
            principalType: .user
        )
        return try await self.assign(draft, Trace(subject: subject, correlation: correlation, source: source)) {}.0
    }

    private func assign(
        _ draft: RoleAssignmentDraft,
        _ trace: Trace,
        _ permit: () throws(Problem) -> Void
    ) async throws(Problem) -> (RoleAssignment, created: Bool) {
        try await self.changing("roleAssignment.write", draft.auditTarget, draft.auditDetails, trace) {
            try permit()
            let role = try self.role(assignableBy: draft)
            let now = self.clock.now
            let known = self.current.entries[draft.name]?.assignment
            if let known { try draft.check(against: known) }
            let assignment = RoleAssignment(
                draft,
                createdOn: known?.createdOn ?? now,
                createdBy: known.map(\.createdBy) ?? trace.subject?.id,
                updatedOn: now,
                updatedBy: trace.subject?.id
            )
            if let known, known.description == draft.description, known.condition == draft.condition,
                known.delegatedIdentity == draft.delegatedIdentity
            {
                return (known, false)
            }
            let entry = try AccessSnapshot.Entry(readable: assignment)
            let details = draft.auditDetails.merging(["role": role.roleName]) { $1 }
            try await self.database.write { transaction in
                if known == nil { try self.checkRoom(for: assignment, in: transaction) }
                try transaction.run(assignment.upsert)
                try self.audit.record(
                    trace.event("roleAssignment.write", draft.auditTarget, details, at: now),
                    in: transaction
                )
            }
            self.change { $0.put(entry) }
            self.changes.publish(AccessChange(principal: assignment.principal, scope: assignment.scope))
            return (assignment, known == nil)
        }
    }

    /// Takes a role away, when `subject` may do so there; `nil` is the system itself, which may.
    ///
    /// Returns what was removed, nil when there was no such assignment at the scope. Throws AuthorizationFailed, and
    /// CannotDeleteLastOwner for the last Owner of a subscription or of the root.
    @discardableResult
    public func remove(
        _ name: GUID,
        at scope: ResourcePath,
        by subject: Subject?,
        correlation: String = "",
        source: String = ""
    ) async throws(Problem) -> RoleAssignment? {
        let trace = Trace(subject: subject, correlation: correlation, source: source)
        let target = "\(scope == .root ? "" : scope.description)/providers/\(RoleAssignment.type)/\(name)"
        return try await self.changing("roleAssignment.delete", target, [:], trace) {
            let known = self.current.entries[name].map(\.assignment).flatMap { $0.scope == scope ? $0 : nil }
            try self.permit(.removeRole, at: scope, trace, known?.attributes ?? .none)
            guard let known else { return nil }
            let now = self.clock.now
            try await self.database.write { transaction in
                if subject != nil { try Self.checkNotLastOwner(known, in: transaction) }
                try transaction.run("DELETE FROM role_assignment WHERE name = \(name)")
                try self.audit.record(
                    trace.event("roleAssignment.delete", known.id, known.auditDetails, at: now),
                    in: transaction
                )
            }
            self.change { $0.removeAssignment(name) }
            self.changes.publish(AccessChange(principal: known.principal, scope: known.scope))
            return known
        }
    }

    /// Takes every role away that was given at a resource that is gone, or below it; returns how many.
    ///
    /// Without this, whoever had a role on a deleted machine would have it on the next machine of that name.
    @discardableResult
    public func removeAll(
        under scope: ResourcePath,
        by subject: Subject?,
        correlation: String = "",
        source: String = ""
    ) async throws(Problem) -> Int {
        let trace = Trace(subject: subject, correlation: correlation, source: source)
        return try await self.changing("roleAssignment.delete", scope.description, [:], trace) {
            let gone = self.assignments(at: scope).filter { scope.contains($0.scope) }
            guard !gone.isEmpty else { return 0 }
            let now = self.clock.now
            try await self.database.write { transaction in
                for assignment in gone {
                    try transaction.run("DELETE FROM role_assignment WHERE name = \(assignment.name)")
                    try self.audit.record(
                        trace.event("roleAssignment.delete", assignment.id, assignment.auditDetails, at: now),
                        in: transaction
                    )
                }
            }
            self.change { snapshot in
                for assignment in gone { snapshot.removeAssignment(assignment.name) }
            }
            for assignment in gone {
                self.changes.publish(AccessChange(principal: assignment.principal, scope: assignment.scope))
            }
            return gone.count
        }
    }

    // The role that the draft names, if it can be assigned at that scope.
    func role(assignableBy draft: RoleAssignmentDraft) throws(Problem) -> RoleDefinition {
        guard let role = self.definition(draft.roleDefinition) else {
            throw Problem(
                "RoleDefinitionDoesNotExist",
                shown: "The specified role definition with ID '\(draft.roleDefinition)' does not exist."
            )
        }
        guard draft.scope.canCarryRoles else {
            throw Problem("InvalidScope", shown: "Roles cannot be assigned at '\(draft.scope)'.")
        }
        guard role.assignableScopes.contains(where: { self.covers($0, draft.scope) }) else {
            throw Problem(
                "RoleAssignmentScopeNotAssignableToRoleDefinition",
                shown:
                    "The role '\(role.roleName)' cannot be assigned at '\(draft.scope)': its assignable scopes do not include it."
            )
        }
        let isAboveSubscriptions = draft.scope.managementGroup != nil || draft.scope == .root
        if isAboveSubscriptions, role.givesDataActions {
            guard !role.isCustom, self.policy.allowsLoginRolesAtManagementGroups else {
                throw Problem(
                    "DataActionsNotAssignableAtManagementGroup",
                    shown:
                        "The role '\(role.roleName)' holds data actions and cannot be assigned at a management group. "
                        + (role.isCustom
                            ? "Assign it at a subscription, a resource group or a resource."
                            : "The operator has switched this off (login-roles-at-management-groups): assign it at a "
                                + "subscription, a resource group or a resource.")
                )
            }
        }
        guard (draft.delegatedIdentity ?? "").utf8.count <= 2048 else {
            throw Problem("InvalidRoleAssignment", shown: "delegatedManagedIdentityResourceId is too long.")
        }
        guard (draft.description ?? "").count <= 1024 else {
            throw Problem("InvalidRoleAssignment", shown: "The description is longer than 1,024 characters.")
        }
        return role
    }
}

extension ResourcePath {
    // The root, a management group, a subscription, a resource group, or a resource.
    var canCarryRoles: Bool {
        if self == .root { return true }
        if self.managementGroup != nil { return self.segments.count == 4 }
        return self.subscription != nil && self.type != nil
    }
}

extension RoleAssignmentDraft {
    var attributes: RequestAttributes {
        RequestAttributes(
            roleDefinition: self.roleDefinition,
            principal: self.principal,
            principalType: self.principalType
        )
    }

    var auditTarget: String {
        "\(self.scope == .root ? "" : self.scope.description)/providers/\(RoleAssignment.type)/\(self.name)"
    }

    var auditDetails: [String: String] {
        ["roleDefinition": "\(self.roleDefinition)", "principal": "\(self.principal)", "scope": "\(self.scope)"]
    }

    // An assignment is what it is: only the description and the condition may change.
    func check(against known: RoleAssignment) throws(Problem) {
        guard
            known.scope == self.scope, known.roleDefinition == self.roleDefinition, known.principal == self.principal
        else {
            throw Problem(
                "RoleAssignmentUpdateNotPermitted",
                shown: "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
            )
        }
    }
}

extension RoleAssignment {
    var attributes: RequestAttributes {
        RequestAttributes(
            roleDefinition: self.roleDefinition,
            principal: self.principal,
            principalType: self.principalType
        )
    }

    var auditDetails: [String: String] {
        ["roleDefinition": "\(self.roleDefinition)", "principal": "\(self.principal)", "scope": "\(self.scope)"]
    }

    init(
        _ draft: RoleAssignmentDraft,
        createdOn: Instant,
        createdBy: GUID?,
        updatedOn: Instant,
        updatedBy: GUID?
    ) {
        self.init(
            name: draft.name,
            scope: draft.scope,
            roleDefinition: draft.roleDefinition,
            principal: draft.principal,
            principalType: draft.principalType,
            description: draft.description,
            condition: draft.condition,
            delegatedIdentity: draft.delegatedIdentity,
            createdOn: createdOn,
            updatedOn: updatedOn,
            createdBy: createdBy,
            updatedBy: updatedBy
        )
    }
}

extension AccessSnapshot.Entry {
    convenience init(readable assignment: RoleAssignment) throws(Problem) {
        do {
            try self.init(assignment)
        } catch {
            throw Problem("InvalidCondition", shown: error.sentence)
        }
    }
}
