import Storage
public import Vocabulary

extension Directory {
    /// The identity with its groups, whatever kind it is; nil when nobody has this id, and for groups.
    public func subject(_ id: GUID) async throws -> Subject? {
        try await self.account(id)?.subject
    }

    /// Whether somebody has this id and may sign in.
    public func isEnabled(_ id: GUID) async throws -> Bool {
        try await self.account(id)?.isEnabled ?? false
    }

    /// What decisions about a holder's tokens and sessions need, from memory after the first time; nil when nobody has this id.
    public func account(_ id: GUID) async throws -> Account? {
        if let known = self.accounts.account(id) { return known }
        let generation = self.accounts.generation
        let read = try await self.database.read { reader -> Account? in
            switch try Self.principal(id, in: reader) {
            case .user(let user):
                return Account(
                    subject: Subject(
                        id: id,
                        kind: user.isGuest ? .guest : .member,
                        name: user.userPrincipalName.lowercased(),
                        groups: try Self.groups(of: id, in: reader)
                    ),
                    isEnabled: user.accountEnabled,
                    tokensValidFrom: user.tokensValidFrom
                )
            case .servicePrincipal(let principal):
                return Account(
                    subject: Subject(
                        id: id,
                        kind: principal.kind == .managedIdentity ? .managedIdentity : .servicePrincipal,
                        name: principal.displayName,
                        groups: try Self.groups(of: id, in: reader)
                    ),
                    isEnabled: principal.accountEnabled,
                    tokensValidFrom: principal.tokensValidFrom
                )
            case .group, nil:
                return nil
            }
        }
        if let read { self.accounts.remember(read, readAt: generation) }
        return read
    }

    /// The user, group or service principal with this id.
    public func principal(_ id: GUID) async throws -> Principal? {
        try await self.database.read { try Self.principal(id, in: $0) }
    }

    /// Those of the ids that exist, in no particular order.
    public func principals(_ ids: [GUID]) async throws -> [Principal] {
        try await self.database.read { try Self.principals(ids, in: $0) }
    }

    static func principal(_ id: GUID, in reader: any Reader) throws -> Principal? {
        try Self.principals([id], in: reader).first
    }

    static func principals(_ ids: [GUID], in reader: any Reader) throws -> [Principal] {
        var found: [Principal] = []
        let unique = Array(Set(ids))
        // Engines bound the number of parameters of a statement.
        for start in stride(from: 0, to: unique.count, by: 500) {
            let some = unique[start..<min(start + 500, unique.count)]
            found += try reader.rows("SELECT * FROM identity_user WHERE id IN (\(list: some))")
                .map { .user(try User(row: $0)) }
            guard found.count < unique.count else { return found }
            found += try reader.rows("SELECT * FROM identity_group WHERE id IN (\(list: some))")
                .map { .group(try Group(row: $0)) }
            found += try reader.rows("SELECT * FROM identity_service_principal WHERE id IN (\(list: some))")
                .map { .servicePrincipal(try ServicePrincipal(row: $0)) }
        }
        return found
    }

    /// Gives out the number of a new object, in the transaction that adds it. An id that existed before gets the number that it had; one that
    /// exists now, or was something else, is refused.
    static func register(_ id: GUID, kind: String, in transaction: any Transaction) throws -> Int64 {
        if let row = try transaction.row("SELECT kind, unix_id, is_deleted FROM identity_object WHERE id = \(id)") {
            guard try row.bool("is_deleted"), try row.text("kind") == kind else { throw Problem.taken("id") }
            try transaction.run("UPDATE identity_object SET is_deleted = 0 WHERE id = \(id)")
            return try row.integer("unix_id")
        }
        try transaction.run("UPDATE identity_counter SET next = next + 1 WHERE name = 'unix'")
        guard let next = try transaction.row("SELECT next FROM identity_counter WHERE name = 'unix'")?.integer("next")
        else { throw StorageError(.unexpectedValue, "no counter for unix ids") }
        let number = next - 1
        // Above 2³¹ there is software that reads the number as negative.
        guard number <= Int64(Int32.max) else { throw StorageError(.unavailable, "every unix id has been given out") }
        try transaction.run(
            "INSERT INTO identity_object (id, kind, unix_id, is_deleted) VALUES (\(id), \(kind), \(number), 0)"
        )
        return number
    }

    /// Removes a user, group or service principal with its memberships, names, credentials and directory roles; returns what it was.
    ///
    /// Its id and number stay given out for ever. Returns nil when there is nothing with this id.
    @discardableResult
    public func delete(_ id: GUID, dryRun: Bool = false, by author: Author = .system) async throws -> Principal? {
        try await self.commit(dryRun: dryRun) { transaction in
            guard let principal = try Self.principal(id, in: transaction) else { return Effect(nil) }
            try Self.checkSpared(id, by: author, "deleted", in: transaction)
            try Self.erase(id, in: transaction)
            return Effect(
                principal,
                changes: [principal.change],
                events: [
                    self.event(
                        "\(principal.change.kind).delete",
                        id.description,
                        by: author,
                        details: ["displayName": principal.displayName]
                    )
                ]
            )
        }
    }

    /// Takes every trace of an object away but its id and number.
    static func erase(_ id: GUID, in transaction: any Transaction) throws {
        try transaction.run("DELETE FROM identity_user WHERE id = \(id)")
        try transaction.run("DELETE FROM identity_former_name WHERE user_id = \(id)")
        try transaction.run("DELETE FROM identity_group WHERE id = \(id)")
        try transaction.run("DELETE FROM identity_service_principal WHERE id = \(id)")
        try transaction.run("DELETE FROM identity_service_principal_name WHERE owner = \(id)")
        try transaction.run("DELETE FROM identity_credential WHERE owner = \(id)")
        try transaction.run("DELETE FROM identity_member WHERE member_id = \(id) OR group_id = \(id)")
        try transaction.run("DELETE FROM identity_role WHERE principal_id = \(id)")
        try transaction.run("DELETE FROM identity_owner WHERE owner_id = \(id) OR object_id = \(id)")
        try LockOut.lift(id, in: transaction)
        try FamiliarPlaces.forget(id, in: transaction)
        try transaction.run("UPDATE identity_object SET is_deleted = 1 WHERE id = \(id)")
    }

    /// The directory roles that somebody has.
    public func directoryRoles(of id: GUID) async throws -> Set<DirectoryRole> {
        let rows = try await self.database.read {
            try $0.rows("SELECT role FROM identity_role WHERE principal_id = \(id)")
        }
        return Set(try rows.compactMap { DirectoryRole(rawValue: try $0.text("role")) })
    }

    /// Gives a user or service principal exactly these directory roles; returns whether that was a change.
    @discardableResult
    public func setDirectoryRoles(
        of id: GUID,
        to roles: Set<DirectoryRole>,
        dryRun: Bool = false,
        by author: Author = .system
    ) async throws -> Bool {
        try await self.commit(dryRun: dryRun) { transaction in
            guard let principal = try Self.principal(id, in: transaction) else {
                if dryRun { return Effect(!roles.isEmpty) }
                throw Problem.notFound(id.description)
            }
            let before = Set(
                try transaction.rows("SELECT role FROM identity_role WHERE principal_id = \(id)").map {
                    try $0.text("role")
                }
            )
            let after = Set(roles.map(\.rawValue))
            guard before != after else { return Effect(false) }
            if !roles.contains(.globalAdministrator) {
                try Self.checkSpared(id, by: author, "relieved of the role", in: transaction)
            }
            try transaction.run("DELETE FROM identity_role WHERE principal_id = \(id)")
            for role in after {
                try transaction.run("INSERT INTO identity_role (principal_id, role) VALUES (\(id), \(role))")
            }
            return Effect(
                true,
                changes: [principal.change],
                events: [
                    self.event(
                        "directoryRole.set",
                        id.description,
                        by: author,
                        details: ["roles": after.sorted().joined(separator: ", ")]
                    )
                ]
            )
        }
    }
}

extension Principal {
    var change: DirectoryChange {
        switch self {
        case .user(let user): .user(user.id)
        case .group(let group): .group(group.id)
        case .servicePrincipal(let principal): .servicePrincipal(principal.id)
        }
    }
}
