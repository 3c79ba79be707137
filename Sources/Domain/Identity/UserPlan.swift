import Storage
import Vocabulary

/// What has to be written so that a user is as wanted.
struct UserPlan {
    private let old: User?
    private let new: User
    let changed: [String]

    init(_ draft: UserDraft, name: UserPrincipalName, old: User?, isNewPassword: Bool, now: Instant) throws(Problem) {
        let isGuest = name.isExternal || draft.isGuest ?? old?.isGuest ?? false
        let isEnabled = draft.accountEnabled ?? old?.accountEnabled ?? true
        var former = old?.formerNames ?? []
        if let old, old.userPrincipalName.lowercased() != name.key {
            former.removeAll { $0.lowercased() == name.key }
            former.append(old.userPrincipalName)
        }
        // A new password, and a door being shut, end what was issued before.
        let revokes = old != nil && (isNewPassword || !isEnabled && old?.accountEnabled == true)
        let validFrom =
            revokes ? now.revoking(after: old?.tokensValidFrom) : old?.tokensValidFrom ?? Instant(seconds: now.seconds)
        self.old = old
        self.new = User(
            id: old?.id ?? .zero,
            userPrincipalName: draft.userPrincipalName,
            displayName: draft.displayName,
            givenName: Self.merged(draft.givenName, old?.givenName),
            surname: Self.merged(draft.surname, old?.surname),
            mail: Self.merged(draft.mail, old?.mail),
            accountEnabled: isEnabled,
            isGuest: isGuest,
            mustChangePassword: draft.mustChangePassword ?? old?.mustChangePassword ?? false,
            tokensValidFrom: validFrom,
            unixID: old?.unixID ?? 0,
            formerNames: former,
            createdAt: old?.createdAt ?? now
        )
        var changed: [String] = []
        func compare(_ property: String, _ same: Bool?) { if same != true { changed.append(property) } }
        let new = self.new
        compare("userPrincipalName", old.map { $0.userPrincipalName == new.userPrincipalName })
        compare("displayName", old.map { $0.displayName == new.displayName })
        compare("givenName", (old?.givenName == new.givenName))
        compare("surname", (old?.surname == new.surname))
        compare("mail", (old?.mail == new.mail))
        compare("accountEnabled", old.map { $0.accountEnabled == new.accountEnabled })
        compare("userType", old.map { $0.isGuest == new.isGuest })
        compare("forceChangePasswordNextSignIn", (old?.mustChangePassword ?? false) == new.mustChangePassword)
        if isNewPassword { changed.append("password") }
        self.changed = changed
    }

    /// An empty text takes a property away.
    private static func merged(_ wanted: String?, _ present: String?) -> String? {
        guard let wanted else { return present }
        return wanted.isEmpty ? nil : wanted
    }

    var outcome: PutOutcome<User> {
        PutOutcome(value: self.new, isNew: self.old == nil, changed: self.changed)
    }

    func write(hash: String?, id: GUID, in transaction: any Transaction) throws -> PutOutcome<User> {
        let id = self.old?.id ?? id
        let unixID = try self.old?.unixID ?? Directory.register(id, kind: "user", in: transaction)
        let new = self.new
        let former: JSONValue = .array(new.formerNames.map { .string($0) })
        let key = new.userPrincipalName.lowercased()
        try transaction.run(
            """
            INSERT INTO identity_user (
                id, name, name_key, display_name, display_key, given_name, surname, mail, mail_key, is_enabled, is_guest,
                must_change, password, tokens_valid_from, unix_id, former_names, created_at
            )
            VALUES (
                \(id), \(new.userPrincipalName), \(key), \(new.displayName), \(Name.key(new.displayName)), \(new.givenName),
                \(new.surname), \(new.mail), \(new.mail?.lowercased()), \(new.accountEnabled), \(new.isGuest),
                \(new.mustChangePassword), \(hash), \(new.tokensValidFrom), \(unixID), \(former), \(new.createdAt)
            )
            ON CONFLICT (id) DO UPDATE SET
                name = excluded.name, name_key = excluded.name_key, display_name = excluded.display_name,
                display_key = excluded.display_key, given_name = excluded.given_name, surname = excluded.surname,
                mail = excluded.mail, mail_key = excluded.mail_key, is_enabled = excluded.is_enabled,
                is_guest = excluded.is_guest, must_change = excluded.must_change,
                password = COALESCE(excluded.password, identity_user.password),
                tokens_valid_from = excluded.tokens_valid_from, former_names = excluded.former_names
            """
        )
        try transaction.run("DELETE FROM identity_former_name WHERE user_id = \(id)")
        for name in new.formerNames {
            try transaction.run(
                "INSERT INTO identity_former_name (name_key, user_id) VALUES (\(name.lowercased()), \(id))"
            )
        }
        if hash != nil {
            try LockOut.lift(id, in: transaction)
        }
        guard let stored = try Directory.user(id, in: transaction) else { throw Problem.notFound(id.description) }
        return PutOutcome(value: stored, isNew: self.old == nil, changed: self.changed)
    }
}

extension User {
    init(row: Row) throws {
        self.init(
            id: try row.guid("id"),
            userPrincipalName: try row.text("name"),
            displayName: try row.text("display_name"),
            givenName: try row.optionalText("given_name"),
            surname: try row.optionalText("surname"),
            mail: try row.optionalText("mail"),
            accountEnabled: try row.bool("is_enabled"),
            isGuest: try row.bool("is_guest"),
            mustChangePassword: try row.bool("must_change"),
            tokensValidFrom: try row.instant("tokens_valid_from"),
            unixID: try row.integer("unix_id"),
            formerNames: try row.json("former_names").array?.compactMap(\.string) ?? [],
            createdAt: try row.instant("created_at")
        )
    }
}

extension Instant {
    /// What `tokensValidFrom` becomes by a revocation now: the next second, because tokens carry whole seconds and none issued in this one may
    /// survive.
    var afterThisSecond: Instant { Instant(seconds: self.seconds + 1) }

    /// The same where there may have been a revocation in this very second: later than that one, or tokens issued between the two would live on.
    func revoking(after last: Instant?) -> Instant {
        max(self.afterThisSecond, last.map { $0 + .seconds(1) } ?? self.afterThisSecond)
    }
}
