import Storage
public import Vocabulary

extension Directory {
    /// The group with this object id.
    public func group(_ id: GUID) async throws -> Group? {
        try await self.database.read { try Self.group(id, in: $0) }
    }

    /// The groups with this name, in any letter case: usually one.
    public func groups(named name: String) async throws -> [Group] {
        try await self.database.read { try Self.groups(named: name, in: $0) }
    }

    /// Groups by display name. Throws `Request_UnsupportedQuery` for a property that groups do not have.
    public func groups(_ query: DirectoryQuery) async throws -> Page<Group> {
        let statement = try Self.groupStatement(query, after: try Cursor(query.after))
        let rows = try await self.database.read { try $0.rows(statement) }
        return try Page(rows: rows, query: query) { try Group(row: $0) }
    }

    static func groupStatement(_ query: DirectoryQuery, after cursor: Cursor) throws(Problem) -> Statement {
        let low = query.condition?.low ?? ""
        let high = query.condition?.high ?? ""
        let condition: Statement? =
            switch query.condition?.property {
            case nil: nil
            case .id: "id >= \(low) AND id <= \(high)"
            case .displayName: "display_key >= \(low) AND display_key <= \(high)"
            case .some(let other): throw .unsupported(other, "groups")
            }
        return query.statement("SELECT * FROM identity_group", where: condition, after: cursor)
    }

    /// The groups that somebody is in, directly or through other groups. Groups that contain each other do no harm.
    public func groups(of id: GUID) async throws -> Set<GUID> {
        try await self.database.read { try Self.groups(of: id, in: $0) }
    }

    /// The groups that somebody is in directly.
    public func directGroups(of id: GUID) async throws -> [Group] {
        try await self.database.read { reader in
            try reader.rows(
                """
                SELECT identity_group.* FROM identity_member
                JOIN identity_group ON identity_group.id = identity_member.group_id
                WHERE identity_member.member_id = \(id)
                ORDER BY identity_group.display_key, identity_group.id
                """
            ).map { try Group(row: $0) }
        }
    }

    /// The direct members of a group.
    public func members(of group: GUID) async throws -> [Principal] {
        try await self.database.read { reader in
            let ids = try reader.rows("SELECT member_id FROM identity_member WHERE group_id = \(group)")
            return try Self.principals(try ids.map { try $0.guid("member_id") }, in: reader)
        }
    }

    /// Every user in any of the groups, directly or through other groups.
    public func usersIn(groups: Set<GUID>) async throws -> Set<GUID> {
        guard !groups.isEmpty else { return [] }
        let rows = try await self.database.read { reader in
            try reader.rows(
                """
                WITH RECURSIVE inside (id) AS (
                    SELECT member_id FROM identity_member WHERE group_id IN (\(list: groups.sorted()))
                    UNION
                    SELECT identity_member.member_id FROM identity_member
                    JOIN inside ON identity_member.group_id = inside.id
                )
                SELECT identity_user.id AS id FROM inside JOIN identity_user ON identity_user.id = inside.id
                """
            )
        }
        return Set(try rows.map { try $0.guid("id") })
    }

    // `UNION` keeps each group once, which is what ends the walk around a cycle.
    static func groups(of id: GUID, in reader: any Reader) throws -> Set<GUID> {
        let rows = try reader.rows(
            """
            WITH RECURSIVE around (id) AS (
                SELECT group_id FROM identity_member WHERE member_id = \(id)
                UNION
                SELECT identity_member.group_id FROM identity_member
                JOIN around ON identity_member.member_id = around.id
            )
            SELECT id FROM around
            """
        )
        return Set(try rows.map { try $0.guid("id") })
    }

    static func group(_ id: GUID, in reader: any Reader) throws -> Group? {
        try reader.row("SELECT * FROM identity_group WHERE id = \(id)").map { try Group(row: $0) }
    }

    static func groups(named name: String, in reader: any Reader) throws -> [Group] {
        try reader.rows("SELECT * FROM identity_group WHERE display_key = \(Name.key(name)) ORDER BY id")
            .map { try Group(row: $0) }
    }

    /// Brings a group into the wanted state: adds it, changes what differs, or does nothing. Found by id, or else by name.
    ///
    /// Throws `Request_BadRequest` for a name that cannot be, or that several groups have when no id is given.
    @discardableResult
    public func put(
        group draft: GroupDraft,
        dryRun: Bool = false,
        by author: Author = .system
    ) async throws -> PutOutcome<Group> {
        guard Name.isDisplayable(draft.displayName) else {
            throw Problem.badRequest("The group's name needs 1 to 256 printable characters.")
        }
        guard draft.mailNickname.map(Name.isNickname) ?? true else {
            throw Problem.badRequest(
                "A mail nickname needs 1 to 64 ASCII characters without blanks and @ ( ) \\ [ ] \" ; : < > ,"
            )
        }
        let fresh = GUID(from: self.random)
        return try await self.commit(dryRun: dryRun) { transaction in
            let old = try Self.old(draft, in: transaction)
            let wanted = draft.description ?? old?.description
            let description = wanted?.isEmpty == true ? nil : wanted
            var changed: [String] = []
            if old?.displayName != draft.displayName { changed.append("displayName") }
            if old?.description != description { changed.append("description") }
            let nickname = draft.mailNickname ?? old?.mailNickname
            if old?.mailNickname != nickname { changed.append("mailNickname") }
            if let old, changed.isEmpty { return Effect(PutOutcome(value: old, isNew: false, changed: [])) }
            let id = old?.id ?? draft.id ?? fresh
            let number = try old?.unixID ?? Self.register(id, kind: "group", in: transaction)
            try transaction.run(
                """
                INSERT INTO identity_group (id, display_name, display_key, description, unix_id, mail_nickname)
                VALUES (\(id), \(draft.displayName), \(Name.key(draft.displayName)), \(description), \(number), \(nickname))
                ON CONFLICT (id) DO UPDATE SET
                    display_name = excluded.display_name, display_key = excluded.display_key, description = excluded.description,
                    mail_nickname = excluded.mail_nickname
                """
            )
            let group = Group(
                id: id,
                displayName: draft.displayName,
                description: description,
                mailNickname: nickname,
                unixID: number
            )
            return Effect(
                PutOutcome(value: group, isNew: old == nil, changed: changed),
                changes: [.group(id)],
                events: [
                    self.event(
                        old == nil ? "group.create" : "group.update",
                        id.description,
                        by: author,
                        details: ["displayName": draft.displayName, "changed": changed.joined(separator: ", ")]
                    )
                ]
            )
        }
    }

    private static func old(_ draft: GroupDraft, in reader: any Reader) throws -> Group? {
        if let id = draft.id { return try Self.group(id, in: reader) }
        let same = try Self.groups(named: draft.displayName, in: reader)
        guard same.count <= 1 else {
            throw Problem.badRequest("Several groups are named “\(draft.displayName)”: say which one by its id.")
        }
        return same.first
    }
}

extension Group {
    init(row: Row) throws {
        self.init(
            id: try row.guid("id"),
            displayName: try row.text("display_name"),
            description: try row.optionalText("description"),
            mailNickname: try row.optionalText("mail_nickname"),
            unixID: try row.integer("unix_id")
        )
    }
}
