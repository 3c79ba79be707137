import Audit
import Storage
public import Vocabulary

extension AccessControl {
    /// Forbids something, whatever roles say: as the system, or as `subject`, who must be allowed to and is held to the
    /// bounds of denials that people make.
    ///
    /// Throws AuthorizationFailed, InvalidDenyAssignment, DenyAssignmentIsSystemProtected. Source: Azure deny
    /// assignments, "User-assigned deny assignments".
    @discardableResult
    public func deny(
        _ denial: DenyAssignment,
        by subject: Subject? = nil,
        correlation: String = "",
        source: String = ""
    ) async throws(Problem) -> Bool {
        let trace = Trace(subject: subject, correlation: correlation, source: source)
        let details = ["name": denial.denyName]
        return try await self.changing("denyAssignment.write", denial.id, details, trace) {
            try self.permit(.write(DenyAssignment.type), at: denial.scope, trace)
            let known = self.denial(denial.name)
            if subject != nil {
                try known?.checkChangeable()
                try denial.checkBounds()
                guard known == nil || known?.scope == denial.scope else {
                    throw Problem(
                        "DenyAssignmentUpdateNotPermitted",
                        shown: "The scope of a deny assignment is not allowed to be updated."
                    )
                }
            }
            let now = self.clock.now
            let document = String(decoding: try JSONText.encode(denial), as: UTF8.self)
            try await self.database.write { transaction in
                try transaction.run(
                    """
                    INSERT INTO deny_assignment (name, document)
                    VALUES (\(denial.name), \(document))
                    ON CONFLICT (name) DO UPDATE SET document = excluded.document
                    """
                )
                try self.audit.record(
                    trace.event("denyAssignment.write", denial.id, details, at: now),
                    in: transaction
                )
            }
            self.change { $0.put(denial) }
            self.changes.publish(AccessChange(principal: .zero, scope: denial.scope))
            return known == nil
        }
    }

    /// Ends a denial; returns it, nil when there is none of that name.
    ///
    /// Throws AuthorizationFailed, and DenyAssignmentIsSystemProtected for one that the system made.
    @discardableResult
    public func removeDenial(
        _ name: GUID,
        by subject: Subject? = nil,
        correlation: String = "",
        source: String = ""
    ) async throws(Problem) -> DenyAssignment? {
        let trace = Trace(subject: subject, correlation: correlation, source: source)
        return try await self.changing("denyAssignment.delete", name.description, [:], trace) {
            () -> DenyAssignment? in
            guard let known = self.denial(name) else { return nil }
            try self.permit(.delete(DenyAssignment.type), at: known.scope, trace)
            if subject != nil { try known.checkChangeable() }
            let now = self.clock.now
            try await self.database.write { transaction in
                try transaction.run("DELETE FROM deny_assignment WHERE name = \(name)")
                try self.audit.record(
                    trace.event("denyAssignment.delete", known.id, ["name": known.denyName], at: now),
                    in: transaction
                )
            }
            self.change { $0.removeDenial(name) }
            self.changes.publish(AccessChange(principal: .zero, scope: known.scope))
            return known
        }
    }

    /// A denial by its identifier.
    public func denial(_ name: GUID) -> DenyAssignment? {
        self.current.denials.first { $0.assignment.name == name }?.assignment
    }
}

extension DenyAssignment {
    /// The id as a resource.
    public var id: String {
        let scope = self.scope == .root ? "" : self.scope.description
        return "\(scope)/providers/\(Self.type)/\(self.name)"
    }

    fileprivate func checkChangeable() throws(Problem) {
        guard !self.isSystemProtected else {
            throw Problem(
                "DenyAssignmentIsSystemProtected",
                shown: "The deny assignment '\(self.denyName)' was made by the system and cannot be changed."
            )
        }
    }

    // What people may forbid. Reading stays, so that everybody can still find out why they are refused.
    fileprivate func checkBounds() throws(Problem) {
        func demand(_ condition: Bool, _ sentence: String) throws(Problem) {
            guard condition else { throw Problem("InvalidDenyAssignment", shown: sentence) }
        }
        let actions = self.permissions.flatMap(\.actions)
        try demand((1...256).contains(self.denyName.count), "A deny assignment's name has 1 to 256 characters.")
        try demand(self.scope.canCarryRoles, "Nothing can be denied at '\(self.scope)'.")
        try demand(!self.isSystemProtected, "Only the system makes protected deny assignments.")
        try demand(!actions.isEmpty && actions.count <= 2000, "A deny assignment names 1 to 2,000 actions.")
        try demand(
            !actions.contains { $0.lowercased().hasSuffix("/read") },
            "Read actions are not permitted in a deny assignment that somebody makes."
        )
        try demand(
            self.permissions.allSatisfy { $0.dataActions.isEmpty && $0.notDataActions.isEmpty },
            "Data actions are not permitted in a deny assignment that somebody makes."
        )
        try demand(!self.sparesChildren, "doNotApplyToChildScopes is not permitted here.")
        try demand(
            !self.principals.isEmpty || !self.excludedPrincipals.isEmpty,
            "A deny assignment for everybody must exclude at least one principal."
        )
    }
}
