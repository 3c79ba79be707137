import Audit
import Passwords
import Storage
public import Vocabulary

extension Directory {
    /// Whether an application's id and secret fit. `source` is the network address, as the connection says.
    ///
    /// Refused with `AADSTS7000215` for a wrong secret and an unknown application alike, `AADSTS7000222` for the right but expired secret,
    /// `AADSTS7000112` for a disabled application after the right secret, `AADSTS50053` after too many tries from one address.
    public func signIn(
        appID: GUID,
        secret: Secret<[UInt8]>,
        source: String
    ) async throws -> Verdict<ServicePrincipal> {
        guard !self.lockOut.isThrottled(source) else { return .refused(.locked) }
        let now = self.clock.now
        let (principal, good, all) = try await self.database.read { reader in
            let principal = try Self.servicePrincipal(appID: appID, in: reader)
            guard principal != nil else { return (principal, [String](), [String]()) }
            let owners = try Self.credentialOwners(appID: appID, in: reader)
            let good = try Self.secretHashes(of: owners, at: now, in: reader)
            return (principal, good, try Self.secretHashes(of: owners, at: nil, in: reader))
        }
        let expired = all.filter { !good.contains($0) }
        // Never more work than a few secrets' worth, never less than one.
        for hash in (good + expired).prefix(5).map(Optional.some) + (all.isEmpty ? [nil] : []) {
            guard try await self.passwords.verify(secret, against: hash), let principal, let hash else { continue }
            if !good.contains(hash) { return try await self.refuse(.expiredSecret, principal, appID, source) }
            if !principal.accountEnabled {
                return try await self.refuse(.disabledApplication, principal, appID, source)
            }
            let author = Author(id: principal.id, name: principal.displayName, source: source)
            try await self.audit.record(self.event("servicePrincipal.signIn", principal.id.description, by: author))
            return .allowed(principal)
        }
        self.lockOut.count(source: source)
        return try await self.refuse(.wrongSecret, principal, appID, source)
    }

    private func refuse(
        _ refusal: Refusal,
        _ principal: ServicePrincipal?,
        _ appID: GUID,
        _ source: String
    ) async throws -> Verdict<ServicePrincipal> {
        let author = Author(id: principal?.id, name: principal?.displayName ?? appID.description, source: source)
        let event = self.event(
            "servicePrincipal.signIn",
            principal?.id.description ?? "",
            by: author,
            outcome: .refused,
            reason: refusal.code,
            details: ["appId": appID.description]
        )
        try await self.audit.record(event)
        return .refused(refusal)
    }

    /// Lets a user or service principal sign in, or no longer: then every token so far is revoked. Returns whether that was a change.
    ///
    /// Throws `Request_ResourceNotFound` for an unknown id.
    @discardableResult
    public func setEnabled(_ id: GUID, _ isEnabled: Bool, by author: Author = .system) async throws -> Bool {
        try await self.commit { transaction in
            let principal = try Self.signer(id, in: transaction)
            guard principal.isEnabled != isEnabled else { return Effect(false) }
            if !isEnabled { try Self.checkSpared(id, by: author, "disabled", in: transaction) }
            let from = isEnabled ? principal.validFrom : self.clock.now.revoking(after: principal.validFrom)
            for statement in Self.updates(id, isEnabled: isEnabled, validFrom: from) {
                try transaction.run(statement)
            }
            let action = "\(principal.change.kind).\(isEnabled ? "enable" : "disable")"
            return Effect(
                true,
                changes: [principal.change],
                events: [self.event(action, id.description, by: author)]
            )
        }
    }

    /// Revokes every token that somebody has so far. Throws `Request_ResourceNotFound` for an unknown id.
    public func revokeSessions(_ id: GUID, by author: Author = .system) async throws {
        try await self.commit { transaction in
            let principal = try Self.signer(id, in: transaction)
            let from = self.clock.now.revoking(after: principal.validFrom)
            for statement in Self.updates(id, isEnabled: principal.isEnabled, validFrom: from) {
                try transaction.run(statement)
            }
            let event = self.event("\(principal.change.kind).revokeSessions", id.description, by: author)
            return Effect((), changes: [principal.change], events: [event])
        }
    }

    private struct Signer {
        let change: DirectoryChange
        let isEnabled: Bool
        let validFrom: Instant
    }

    private static func signer(_ id: GUID, in reader: any Reader) throws -> Signer {
        switch try Self.principal(id, in: reader) {
        case .user(let user):
            Signer(change: .user(id), isEnabled: user.accountEnabled, validFrom: user.tokensValidFrom)
        case .servicePrincipal(let principal):
            Signer(
                change: .servicePrincipal(id),
                isEnabled: principal.accountEnabled,
                validFrom: principal.tokensValidFrom
            )
        case .group, nil:
            throw Problem.notFound(id.description)
        }
    }

    // Ids are unique over all kinds, so one of the two changes nothing.
    private static func updates(_ id: GUID, isEnabled: Bool, validFrom: Instant) -> [Statement] {
        [
            "UPDATE identity_user SET is_enabled = \(isEnabled), tokens_valid_from = \(validFrom) WHERE id = \(id)",
            """
            UPDATE identity_service_principal SET is_enabled = \(isEnabled), tokens_valid_from = \(validFrom)
            WHERE id = \(id)
            """,
        ]
    }
}
