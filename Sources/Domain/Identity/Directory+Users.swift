import Passwords
import Storage
public import Vocabulary

extension Directory {
    /// The user with this object id.
    public func user(_ id: GUID) async throws -> User? {
        try await self.database.read { try Self.user(id, in: $0) }
    }

    /// The user with this name in any letter case, with this former name, or with this object id as text.
    public func user(named name: String) async throws -> User? {
        try await self.database.read { try Self.userRow(named: name, in: $0).map { try User(row: $0) } }
    }

    /// Users by display name. Throws `Request_UnsupportedQuery` for a property that users do not have.
    public func users(_ query: DirectoryQuery) async throws -> Page<User> {
        let statement = try Self.userStatement(query, after: try Cursor(query.after))
        let rows = try await self.database.read { try $0.rows(statement) }
        return try Page(rows: rows, query: query) { try User(row: $0) }
    }

    static func userStatement(_ query: DirectoryQuery, after cursor: Cursor) throws(Problem) -> Statement {
        let low = query.condition?.low ?? ""
        let high = query.condition?.high ?? ""
        let condition: Statement? =
            switch query.condition?.property {
            case nil: nil
            case .id: "id >= \(low) AND id <= \(high)"
            case .displayName: "display_key >= \(low) AND display_key <= \(high)"
            case .userPrincipalName: "name_key >= \(low) AND name_key <= \(high)"
            case .mail: "mail_key >= \(low) AND mail_key <= \(high)"
            case .some(let other): throw .unsupported(other, "users")
            }
        return query.statement("SELECT * FROM identity_user", where: condition, after: cursor)
    }

    static func user(_ id: GUID, in reader: any Reader) throws -> User? {
        try reader.row("SELECT * FROM identity_user WHERE id = \(id)").map { try User(row: $0) }
    }

    static func userRow(named name: String, in reader: any Reader) throws -> Row? {
        let key = name.lowercased()
        if let row = try reader.row("SELECT * FROM identity_user WHERE name_key = \(key)") { return row }
        if let id = GUID(name) { return try reader.row("SELECT * FROM identity_user WHERE id = \(id)") }
        return try reader.row(
            """
            SELECT identity_user.* FROM identity_former_name
            JOIN identity_user ON identity_user.id = identity_former_name.user_id
            WHERE identity_former_name.name_key = \(key)
            """
        )
    }

    /// Brings a user into the wanted state: adds it, changes what differs, or does nothing.
    ///
    /// Found by id, or else by its present name. `password`: the password to have; the user's tokens are revoked when it was another one. Throws
    /// `Problem` for names and passwords that cannot be, `PasswordError.busy` under load.
    @discardableResult
    public func put(
        user draft: UserDraft,
        password: Secret<[UInt8]>? = nil,
        dryRun: Bool = false,
        by author: Author = .system
    ) async throws -> PutOutcome<User> {
        let name = try UserPrincipalName(draft.userPrincipalName, in: self.tenant)
        try Self.checkNames(draft)
        let hash = try await self.newHash(password, for: draft, name: name)
        let fresh = GUID(from: self.random)
        return try await self.commit(dryRun: dryRun) { transaction in
            let old =
                if let id = draft.id {
                    try Self.user(id, in: transaction)
                } else {
                    try transaction.row("SELECT * FROM identity_user WHERE name_key = \(name.key)").map {
                        try User(row: $0)
                    }
                }
            try Self.checkFree(name, for: old?.id, in: transaction)
            let plan = try UserPlan(draft, name: name, old: old, isNewPassword: hash != nil, now: self.clock.now)
            guard !plan.changed.isEmpty else { return Effect(plan.outcome) }
            if let old, old.accountEnabled, draft.accountEnabled == false {
                try Self.checkSpared(old.id, by: author, "disabled", in: transaction)
            }
            let outcome = try plan.write(hash: hash, id: draft.id ?? fresh, in: transaction)
            return Effect(
                outcome,
                changes: [.user(outcome.value.id)],
                events: [
                    self.event(
                        outcome.isNew ? "user.create" : "user.update",
                        outcome.value.id.description,
                        by: author,
                        details: ["userPrincipalName": name.text, "changed": outcome.changed.joined(separator: ", ")]
                    )
                ]
            )
        }
    }

    private static func checkNames(_ draft: UserDraft) throws(Problem) {
        guard Name.isDisplayable(draft.displayName) else {
            throw .badRequest("The display name needs 1 to 256 printable characters.")
        }
        for text in [draft.givenName, draft.surname, draft.mail] {
            guard let text, !text.isEmpty else { continue }
            guard Name.isDisplayable(text) else {
                throw .badRequest("A name or address has characters that are not printable.")
            }
        }
    }

    private static func checkFree(_ name: UserPrincipalName, for id: GUID?, in reader: any Reader) throws {
        if let holder = try reader.row("SELECT id FROM identity_user WHERE name_key = \(name.key)") {
            guard try holder.guid("id") == id else { throw Problem.taken("userPrincipalName") }
        }
        // A former name still opens doors by certificates that carry it, so nobody else may have it.
        if let holder = try reader.row("SELECT user_id FROM identity_former_name WHERE name_key = \(name.key)") {
            guard try holder.guid("user_id") == id else { throw Problem.taken("userPrincipalName") }
        }
    }

    /// The hash to store, or nil when there is no password or it is the present one.
    private func newHash(
        _ password: Secret<[UInt8]>?,
        for draft: UserDraft,
        name: UserPrincipalName
    ) async throws -> String? {
        guard let password else { return nil }
        let present = try await self.database.read { reader in
            let row =
                if let id = draft.id {
                    try reader.row("SELECT password FROM identity_user WHERE id = \(id)")
                } else {
                    try reader.row("SELECT password FROM identity_user WHERE name_key = \(name.key)")
                }
            return try row?.optionalText("password")
        }
        if let present, try await self.passwords.verify(password, against: present) { return nil }
        if let refusal = PasswordRules.judge(password, userName: name.key, names: [draft.givenName, draft.surname]) {
            throw Problem.badRequest(refusal.sentence)
        }
        return try await self.passwords.hash(password)
    }
}

extension Page {
    /// A page from one row more than was asked for.
    init(rows: [Row], query: DirectoryQuery, _ read: (Row) throws -> Value) throws {
        let some = rows.prefix(query.limit)
        self.values = try some.map(read)
        if rows.count > query.limit, let last = some.last {
            self.next = Cursor(key: try last.text("display_key"), id: try last.text("id")).text
        } else {
            self.next = nil
        }
    }
}

extension Problem {
    static func unsupported(_ property: DirectoryQuery.Property, _ list: String) -> Problem {
        Problem(
            "Request_UnsupportedQuery",
            shown: "Unsupported property '\(property.rawValue)' in a filter on \(list)."
        )
    }
}
