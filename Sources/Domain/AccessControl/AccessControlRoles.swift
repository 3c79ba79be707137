import Audit
import Storage
public import Vocabulary

extension AccessControl {
    /// Makes or changes a custom role, when `subject` may do so at every assignable scope; `nil` is the system itself,
    /// which may.
    ///
    /// Throws AuthorizationFailed, InvalidRoleDefinition, RoleDefinitionWithSameNameExists, RoleDefinitionLimitExceeded
    /// and their like.
    @discardableResult
    public func put(
        definition draft: RoleDefinitionDraft,
        by subject: Subject?,
        correlation: String = "",
        source: String = ""
    ) async throws(Problem) -> (RoleDefinition, created: Bool) {
        let trace = Trace(subject: subject, correlation: correlation, source: source)
        let target = RoleDefinition.id(of: draft.name, seenFrom: .root)
        return try await self.changing("roleDefinition.write", target, ["role": draft.roleName], trace) {
            let known = self.definition(draft.name)
            // Whoever changes a role changes it everywhere: the scopes it had count as well as those it will have.
            for scope in Set(draft.assignableScopes + (known?.assignableScopes ?? [])) {
                try self.permit(.write(RoleDefinition.type), at: scope, trace)
            }
            try self.check(draft, known)
            let now = self.clock.now
            let role = RoleDefinition(
                name: draft.name,
                roleName: draft.roleName,
                description: draft.description,
                isCustom: true,
                permissions: draft.permissions,
                assignableScopes: draft.assignableScopes,
                createdOn: known?.createdOn ?? now,
                updatedOn: now,
                createdBy: known.map(\.createdBy) ?? subject?.id,
                updatedBy: subject?.id
            )
            let prepared = try PreparedRole(readable: role)
            let document = String(decoding: try JSONText.encode(role), as: UTF8.self)
            try await self.database.write { transaction in
                try transaction.run(
                    """
                    INSERT INTO role_definition (name, role_key, document)
                    VALUES (\(role.name), \(role.roleName.lowercased()), \(document))
                    ON CONFLICT (name) DO UPDATE SET role_key = excluded.role_key, document = excluded.document
                    """
                )
                try self.audit.record(
                    trace.event("roleDefinition.write", target, ["role": role.roleName], at: now),
                    in: transaction
                )
            }
            self.change { $0.put(prepared) }
            self.publish(changeOf: role.name)
            return (role, known == nil)
        }
    }

    /// Deletes a custom role that nobody has. Returns what was deleted, nil when there was nothing.
    ///
    /// Throws AuthorizationFailed, RoleDefinitionHasAssignments, and RoleDefinitionIsBuiltIn for roles that come with
    /// the program.
    @discardableResult
    public func removeDefinition(
        _ name: GUID,
        by subject: Subject?,
        correlation: String = "",
        source: String = ""
    ) async throws(Problem) -> RoleDefinition? {
        let trace = Trace(subject: subject, correlation: correlation, source: source)
        let target = RoleDefinition.id(of: name, seenFrom: .root)
        return try await self.changing("roleDefinition.delete", target, [:], trace) {
            guard let known = self.definition(name) else { return nil }
            for scope in known.assignableScopes {
                try self.permit(.delete(RoleDefinition.type), at: scope, trace)
            }
            try Self.checkCustom(known)
            let now = self.clock.now
            try await self.database.write { transaction in
                let user = try transaction.row("SELECT name FROM role_assignment WHERE role = \(name) LIMIT 1")
                guard user == nil else {
                    throw Problem(
                        "RoleDefinitionHasAssignments",
                        shown:
                            "There are existing role assignments referencing role '\(known.roleName)'. Remove them first."
                    )
                }
                try transaction.run("DELETE FROM role_definition WHERE name = \(name)")
                try self.audit.record(
                    trace.event("roleDefinition.delete", target, ["role": known.roleName], at: now),
                    in: transaction
                )
            }
            self.change { $0.removeRole(name) }
            return known
        }
    }

    private func publish(changeOf role: GUID) {
        for entry in self.current.entries.values where entry.assignment.roleDefinition == role {
            self.changes.publish(AccessChange(principal: entry.assignment.principal, scope: entry.assignment.scope))
        }
    }

    // Limits: Azure custom roles, "Custom role limits".
    private func check(_ draft: RoleDefinitionDraft, _ known: RoleDefinition?) throws(Problem) {
        if let known { try Self.checkCustom(known) }
        func demand(_ condition: Bool, _ sentence: String) throws(Problem) {
            guard condition else { throw Problem("InvalidRoleDefinition", shown: sentence) }
        }
        try demand(!draft.roleName.isEmpty && draft.roleName.count <= 512, "A role's name has 1 to 512 characters.")
        try demand(draft.description.count <= 2048, "A role's description has at most 2,048 characters.")
        try demand(!draft.permissions.isEmpty && draft.permissions.count <= 16, "A role has 1 to 16 permissions.")
        try demand(
            !draft.assignableScopes.isEmpty && draft.assignableScopes.count <= 2000,
            "A role has 1 to 2,000 assignable scopes."
        )
        for scope in draft.assignableScopes {
            try demand(
                scope.subscription != nil || scope.managementGroup != nil,
                "'\(scope)' cannot be an assignable scope: name a management group, a subscription or something in one."
            )
            try demand(!scope.key.contains("*"), "Assignable scopes have no wildcards.")
        }
        let groups = draft.assignableScopes.compactMap(\.managementGroup)
        try demand(groups.count <= 1, "A role has at most one management group among its assignable scopes.")
        for action in draft.permissions.flatMap({ $0.actions + $0.notActions + $0.dataActions + $0.notDataActions }) {
            try demand(
                action == "*"
                    || (action.contains("/") && action.utf8.count <= 512 && action.filter { $0 == "*" }.count <= 1),
                "'\(PrintableText.of(action))' is not an action: write {Namespace}/{type}/{verb} with at most one wildcard."
            )
        }
        let namesake = self.definition(named: draft.roleName)
        guard namesake == nil || namesake?.name == draft.name else {
            throw Problem(
                "RoleDefinitionWithSameNameExists",
                shown:
                    "A custom role cannot have the name '\(PrintableText.of(draft.roleName))': there is such a role already."
            )
        }
        guard known != nil || self.current.roles.count < 5000 + RoleDefinition.builtIn.count else {
            throw Problem("RoleDefinitionLimitExceeded", shown: "The limit of 5,000 custom roles is reached.")
        }
    }

    private static func checkCustom(_ role: RoleDefinition) throws(Problem) {
        guard role.isCustom else {
            throw Problem(
                "RoleDefinitionIsBuiltIn",
                shown: "The role '\(role.roleName)' is built in and cannot be changed."
            )
        }
    }
}

extension PreparedRole {
    fileprivate init(readable definition: RoleDefinition) throws(Problem) {
        do {
            try self.init(definition)
        } catch {
            throw Problem("InvalidCondition", shown: error.sentence)
        }
    }
}
