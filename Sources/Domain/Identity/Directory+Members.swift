import Audit
import Storage
public import Vocabulary

extension Directory {
    /// Who joined and who left a group.
    public struct MembershipChange: Sendable, Hashable {
        /// Who is new.
        public let added: Set<GUID>
        /// Who is gone.
        public let removed: Set<GUID>

        /// Whether anything changed.
        public var isChange: Bool { !self.added.isEmpty || !self.removed.isEmpty }
    }

    /// Gives a group exactly these direct members: users, service principals and other groups.
    ///
    /// Throws `Request_ResourceNotFound` for a group or member that does not exist, which a dry run does not look at: they may be about to be
    /// made. Throws `Request_BadRequest` for a group in itself.
    @discardableResult
    public func setMembers(
        of group: GUID,
        to members: Set<GUID>,
        dryRun: Bool = false,
        by author: Author = .system
    ) async throws -> MembershipChange {
        try await self.changeMembers(of: group, dryRun: dryRun, by: author) { _ in members }
    }

    /// Adds a direct member to a group; returns false when it was one already. Throws as `setMembers`.
    @discardableResult
    public func add(member: GUID, to group: GUID, by author: Author = .system) async throws -> Bool {
        try await self.changeMembers(of: group, dryRun: false, by: author) { $0.union([member]) }.isChange
    }

    /// Takes a direct member out of a group; returns false when it was none. Throws as `setMembers`.
    @discardableResult
    public func remove(member: GUID, from group: GUID, by author: Author = .system) async throws -> Bool {
        try await self.changeMembers(of: group, dryRun: false, by: author) { $0.subtracting([member]) }.isChange
    }

    private func changeMembers(
        of group: GUID,
        dryRun: Bool,
        by author: Author,
        _ wanted: @Sendable (Set<GUID>) -> Set<GUID>
    ) async throws -> MembershipChange {
        try await self.commit(dryRun: dryRun) { transaction in
            if !dryRun {
                guard try Self.group(group, in: transaction) != nil else { throw Problem.notFound(group.description) }
            }
            let rows = try transaction.rows("SELECT member_id FROM identity_member WHERE group_id = \(group)")
            let before = Set(try rows.map { try $0.guid("member_id") })
            let after = wanted(before)
            guard !after.contains(group) else { throw Problem.badRequest("A group cannot be its own member.") }
            let change = MembershipChange(added: after.subtracting(before), removed: before.subtracting(after))
            guard change.isChange, !dryRun else { return Effect(change) }
            let added = try Self.principals(Array(change.added), in: transaction)
            if let strange = change.added.subtracting(added.map(\.id)).min() {
                throw Problem.notFound(strange.description)
            }
            for id in change.removed {
                try transaction.run("DELETE FROM identity_member WHERE group_id = \(group) AND member_id = \(id)")
            }
            for id in change.added {
                try transaction.run("INSERT INTO identity_member (group_id, member_id) VALUES (\(group), \(id))")
            }
            let removed = try Self.principals(Array(change.removed), in: transaction)
            return Effect(
                change,
                changes: [.group(group)] + (added + removed).map(\.change),
                events: self.events(change, of: group, by: author)
            )
        }
    }

    /// One line for each member, so that a search for a person finds it.
    private func events(_ change: MembershipChange, of group: GUID, by author: Author) -> [AuditEvent] {
        let added = change.added.sorted().map { ("groupMember.add", $0) }
        let removed = change.removed.sorted().map { ("groupMember.remove", $0) }
        return (added + removed).map { action, member in
            self.event(action, group.description, by: author, details: ["member": member.description])
        }
    }
}
