import Audit
import Passwords
import Storage
public import Vocabulary

extension Directory {
    /// Whether somebody's name and password fit. `source` is the network address, as the connection says.
    ///
    /// An unknown name and a wrong password cost the same work, count the same and get the same answer. Refusals carry the codes that clients of
    /// Microsoft Entra ID know: `AADSTS50126` wrong, `AADSTS50053` locked or too many tries from there, `AADSTS50057` disabled, `AADSTS50055`
    /// the password is temporary; the last two only after the right password. Throws `PasswordError.busy` under load.
    public func signIn(userName: String, password: Secret<[UInt8]>, source: String) async throws -> Verdict<User> {
        let verdict = try await self.check(userName: userName, password: password, source: source)
        guard case .allowed(let user) = verdict else { return verdict }
        guard !user.mustChangePassword else {
            try await self.audit.record(self.refusal(.temporaryPassword, user, userName, source: source))
            return .refused(.temporaryPassword)
        }
        try await self.audit.record(self.event("user.signIn", user.id.description, by: Self.author(user, source)))
        return .allowed(user)
    }

    /// Replaces somebody's own password, which may be a temporary or an old one; every token so far is revoked.
    ///
    /// Refused like `signIn`, and with `PasswordNotAcceptable` for a new password that breaks the rules or is the present one.
    public func changePassword(
        userName: String,
        current: Secret<[UInt8]>,
        to new: Secret<[UInt8]>,
        source: String
    ) async throws -> Verdict<User> {
        let verdict = try await self.check(userName: userName, password: current, source: source)
        guard case .allowed(let user) = verdict else { return verdict }
        if current == new {
            return .refused(
                Refusal(
                    "PasswordNotAcceptable",
                    reason: "The new password is the present one.",
                    remedy: "Choose another one."
                )
            )
        }
        let names = [user.givenName, user.surname]
        if let refusal = PasswordRules.judge(new, userName: user.userPrincipalName, names: names) {
            return .refused(refusal)
        }
        let hash = try await self.passwords.hash(new)
        let author = Self.author(user, source)
        return .allowed(
            try await self.store(hash, of: user.id, mustChange: false, action: "user.changePassword", by: author)
        )
    }

    /// Gives somebody a password; lifts a lock, and revokes every token so far.
    ///
    /// Throws `Request_ResourceNotFound` for an unknown user, `Request_BadRequest` for a password that breaks the rules.
    public func setPassword(
        of id: GUID,
        to password: Secret<[UInt8]>,
        mustChange: Bool = false,
        by author: Author = .system
    ) async throws {
        guard let user = try await self.user(id) else { throw Problem.notFound(id.description) }
        let names = [user.givenName, user.surname]
        if let refusal = PasswordRules.judge(password, userName: user.userPrincipalName, names: names) {
            throw Problem.badRequest(refusal.sentence)
        }
        let hash = try await self.passwords.hash(password)
        _ = try await self.store(hash, of: id, mustChange: mustChange, action: "user.setPassword", by: author)
    }

    private func store(
        _ hash: String,
        of id: GUID,
        mustChange: Bool,
        action: String,
        by author: Author
    ) async throws -> User {
        try await self.commit { transaction in
            try transaction.run(
                """
                UPDATE identity_user
                SET password = \(hash), must_change = \(mustChange), tokens_valid_from = CASE
                    WHEN tokens_valid_from + 1000 > \(self.clock.now.afterThisSecond) THEN tokens_valid_from + 1000
                    ELSE \(self.clock.now.afterThisSecond)
                END
                WHERE id = \(id)
                """
            )
            try LockOut.lift(id, in: transaction)
            guard let user = try Self.user(id, in: transaction) else { throw Problem.notFound(id.description) }
            return Effect(user, changes: [.user(id)], events: [self.event(action, id.description, by: author)])
        }
    }

    /// What is known of a name: the person, the hash, which counter an attempt from there falls to, and until when that one locks the account.
    private struct Known: Sendable {
        let user: User?
        let hash: String?
        let account: String
        let lockedUntil: Instant?
    }

    private func known(_ userName: String, from source: String, in reader: any Reader) throws -> Known {
        let row = try Self.userRow(named: userName, in: reader)
        let user = try row.map { try User(row: $0) }
        let account =
            try user.map {
                let place = try FamiliarPlaces.place(of: source, for: $0.id, at: self.clock.now, in: reader)
                return LockOut.key(user: $0.id, place: place)
            } ?? LockOut.key(name: userName)
        return Known(
            user: user,
            hash: try row?.optionalText("password"),
            account: account,
            lockedUntil: try LockOut.lockedUntil(account, at: self.clock.now, in: reader)
        )
    }

    private func check(
        userName: String,
        password: Secret<[UInt8]>,
        source: String
    ) async throws -> Verdict<User> {
        guard !self.lockOut.isThrottled(source) else { return .refused(.locked) }
        let before = try await self.database.read { try self.known(userName, from: source, in: $0) }
        if let end = before.lockedUntil {
            if self.lockOut.isFirstRefusal(of: before.account, until: end) {
                try await self.audit.record(self.lockedEvent(before, userName, until: end, source: source))
            }
            return .refused(.locked)
        }
        let isRight = try await self.passwords.verify(password, against: before.hash)
        if !isRight { self.lockOut.count(source: source) }
        let isRepeated = !isRight && self.lockOut.isRepeated(password, for: before.account)
        let verdict = try await self.database.write { transaction in
            try self.settle(before, isRight, isRepeated, userName: userName, source: source, in: transaction)
        }
        if case .allowed(let user) = verdict { try await self.renew(before.hash, with: password, of: user.id) }
        return verdict
    }

    /// Counts an attempt and answers it, one after the other: of many at once, those after the one that locks the account learn nothing, even if
    /// their password was right.
    private func settle(
        _ before: Known,
        _ isRight: Bool,
        _ isRepeated: Bool,
        userName: String,
        source: String,
        in transaction: any Transaction
    ) throws -> Verdict<User> {
        let known = try self.known(userName, from: source, in: transaction)
        if let end = known.lockedUntil {
            if self.lockOut.isFirstRefusal(of: known.account, until: end) {
                try self.audit.record(self.lockedEvent(known, userName, until: end, source: source), in: transaction)
            }
            return .refused(.locked)
        }
        guard isRight, let user = known.user, known.hash == before.hash else {
            let end = isRepeated ? nil : try self.lockOut.count(known.account, in: transaction)
            let details = end.map { ["lockedUntil": $0.description] } ?? [:]
            let event = self.refusal(.wrongPassword, known.user, userName, source: source, details: details)
            try self.audit.record(event, in: transaction)
            return .refused(.wrongPassword)
        }
        try self.lockOut.forgive(known.account, in: transaction)
        guard user.accountEnabled else {
            let event = self.refusal(.disabled, user, userName, source: source)
            try self.audit.record(event, in: transaction)
            return .refused(.disabled)
        }
        try FamiliarPlaces.note(source, for: user.id, at: self.clock.now, in: transaction)
        return .allowed(user)
    }

    private func lockedEvent(_ known: Known, _ userName: String, until end: Instant, source: String) -> AuditEvent {
        self.refusal(.locked, known.user, userName, source: source, details: ["lockedUntil": end.description])
    }

    /// Stores a password under today's parameters when its hash was made with others.
    private func renew(_ hash: String?, with password: Secret<[UInt8]>, of id: GUID) async throws {
        guard let hash, self.passwords.needsRehash(hash) else { return }
        let new = try await self.passwords.hash(password)
        try await self.database.write { transaction in
            try transaction.run("UPDATE identity_user SET password = \(new) WHERE id = \(id) AND password = \(hash)")
        }
    }

    private func refusal(
        _ refusal: Refusal,
        _ user: User?,
        _ userName: String,
        source: String,
        details: [String: String] = [:]
    ) -> AuditEvent {
        // People type passwords into the wrong field: only what looks like a name is written down.
        let name = user?.userPrincipalName ?? (userName.contains("@") ? userName : "‹unknown›")
        return self.event(
            "user.signIn",
            user?.id.description ?? "",
            by: Author(id: user?.id, name: name, source: source),
            outcome: .refused,
            reason: refusal.code,
            details: details
        )
    }

    private static func author(_ user: User, _ source: String) -> Author {
        Author(id: user.id, name: user.userPrincipalName, source: source)
    }
}

// Source: Microsoft Entra ID, "Authentication and authorization error codes".
extension Refusal {
    static let wrongPassword = Refusal("AADSTS50126", reason: "The user name or the password is wrong.")
    static let locked = Refusal(
        "AADSTS50053",
        reason:
            "There were too many sign-ins with a wrong user name or password, so the account is locked for a while.",
        remedy: "Wait a minute and try again, or ask an administrator for a new password."
    )
    static let disabled = Refusal(
        "AADSTS50057",
        reason: "The account is disabled.",
        remedy: "Ask an administrator to enable it."
    )
    static let temporaryPassword = Refusal(
        "AADSTS50055",
        reason: "The password is temporary.",
        remedy: "Sign in with a browser and choose your own one first."
    )
    static let wrongSecret = Refusal(
        "AADSTS7000215",
        reason: "The application's id or secret is wrong.",
        remedy: "Check that the value of the secret is used, not its id."
    )
    static let expiredSecret = Refusal(
        "AADSTS7000222",
        reason: "The application's secret has expired.",
        remedy: "Make a new secret for it."
    )
    static let disabledApplication = Refusal(
        "AADSTS7000112",
        reason: "The application is disabled.",
        remedy: "Ask an administrator to enable it."
    )
}
