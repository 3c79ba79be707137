import Audit
import Storage
public import Vocabulary

// How many assignments there may be, and many of them at once.
extension AccessControl {
    /// A sentence when the place of a scope, its subscription or management group, is close to its limit; nil otherwise.
    public func warning(at scope: ResourcePath) -> String? {
        let count: Int
        let limit: Int
        let place: String
        if let subscription = scope.subscription {
            (count, limit) = (self.assignmentCount(in: subscription), self.policy.perSubscription)
            place = "subscription"
        } else {
            count = self.assignments(at: scope, RoleAssignmentFilter(reach: .exactly)).count
            limit = self.policy.perManagementGroup
            place = "scope"
        }
        guard Double(count) >= Double(limit) * self.policy.warning else { return nil }
        return
            "\(count) of \(limit) role assignments of this \(place) are used. Assign roles to groups, or at resource "
            + "groups instead of at each machine."
    }

    /// Gives many roles at once, all or none, as the system does when it takes over what was written elsewhere.
    ///
    /// Throws as `assign` does. An assignment whose name is taken already is refused.
    public func assign(all drafts: [RoleAssignmentDraft]) async throws(Problem) {
        let trace = Trace(subject: nil, correlation: "", source: "")
        try await self.changing("roleAssignment.write", "/", ["count": "\(drafts.count)"], trace) {
            let now = self.clock.now
            var entries: [AccessSnapshot.Entry] = []
            for draft in drafts {
                _ = try self.role(assignableBy: draft)
                guard self.current.entries[draft.name] == nil else {
                    throw Problem(
                        "RoleAssignmentExists",
                        shown: "The role assignment '\(draft.name)' exists already."
                    )
                }
                let assignment = RoleAssignment(
                    draft,
                    createdOn: now,
                    createdBy: nil,
                    updatedOn: now,
                    updatedBy: nil
                )
                entries.append(try AccessSnapshot.Entry(readable: assignment))
            }
            let made = entries
            try await self.database.write { transaction in
                var others: [String: Int] = [:]
                for entry in made {
                    let assignment = entry.assignment
                    let place = assignment.scope.subscription.map(\.description) ?? assignment.scope.key
                    try self.checkRoom(for: assignment, beside: others[place, default: 0], in: transaction)
                    others[place, default: 0] += 1
                    try transaction.run(assignment.upsert)
                    try self.audit.record(
                        trace.event("roleAssignment.write", assignment.id, assignment.auditDetails, at: now),
                        in: transaction
                    )
                }
            }
            self.change { snapshot in
                for entry in made { snapshot.put(entry) }
            }
            for entry in made {
                self.changes.publish(
                    AccessChange(principal: entry.assignment.principal, scope: entry.assignment.scope)
                )
            }
        }
    }

    // `others` are those of the same transaction that count towards the same limit.
    func checkRoom(for assignment: RoleAssignment, beside others: Int = 0, in transaction: any Transaction) throws {
        let twin = try transaction.row(
            """
            SELECT name FROM role_assignment
            WHERE scope = \(assignment.scope) AND role = \(assignment.roleDefinition) AND principal = \(assignment.principal)
            """
        )
        if let twin {
            // Azure writes the identifier without hyphens here, and scripts cut it out.
            let name = try twin.guid("name").description.filter { $0 != "-" }
            throw Problem(
                "RoleAssignmentExists",
                shown: "The role assignment already exists. The ID of the existing role assignment is \(name)."
            )
        }
        // By what is in memory, which changes one at a time as the store does: counting rows would take the longer the
        // more there are.
        let (count, limit) =
            if let subscription = assignment.scope.subscription {
                (self.assignmentCount(in: subscription), self.policy.perSubscription)
            } else {
                (
                    self.assignments(at: assignment.scope, RoleAssignmentFilter(reach: .exactly)).count,
                    self.policy.perManagementGroup
                )
            }
        guard count + others < limit else {
            throw Problem(
                "RoleAssignmentLimitExceeded",
                shown:
                    "The limit of \(limit) role assignments is reached. Assign roles to groups, or at a resource group or "
                    + "subscription instead of at each machine."
            )
        }
    }

    // Nobody could assign roles there any more. Source: Azure RBAC troubleshooting, "Cannot delete the last RBAC admin
    // assignment".
    static func checkNotLastOwner(_ assignment: RoleAssignment, in transaction: any Transaction) throws {
        guard
            assignment.roleDefinition == RoleDefinition.owner,
            assignment.scope == .root || assignment.scope.isOf(type: "Microsoft.Resources/subscriptions")
        else { return }
        let others = try transaction.row(
            """
            SELECT COUNT(*) AS count FROM role_assignment
            WHERE scope = \(assignment.scope) AND role = \(assignment.roleDefinition) AND condition_text IS NULL
            AND name <> \(assignment.name)
            """
        )
        guard try others?.integer("count") ?? 0 > 0 else {
            throw Problem(
                "CannotDeleteLastOwner",
                shown:
                    "Cannot delete the last RBAC admin assignment: make somebody else Owner of '\(assignment.scope)' first."
            )
        }
    }
}
