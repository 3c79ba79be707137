public import AccessControl
import Audit
public import Identity
import Storage
import Synchronization
public import Vocabulary

extension SSHAuthority {
    /// Revoking certificates of others; asked for at the root scope.
    public static let revokeAction = Action("Sallyport.Access/certificates/revoke/action")

    /// Revokes one certificate for somebody who asks: its holder, or who may revoke everybody's.
    ///
    /// A certificate of somebody else looks to all others as if there were none. Revoking twice is fine. Throws `StorageError`.
    public func revoke(
        serial: UInt64,
        by subject: Subject,
        because reason: String = "",
        source: String = "",
        correlation: String = ""
    ) async throws -> Verdict<Void> {
        let author = Author(subject, correlation: correlation, source: source)
        let mayRevokeAll = self.accessControl.decide(Self.revokeAction, at: .root, for: subject).isAllowed
        let found = try await self.database.read { reader in
            try reader.row(
                """
                SELECT object_id FROM ssh_certificate
                WHERE serial = \(Int64(clamping: serial))
                AND valid_before > \(self.clock.now)
                """
            ).map { try $0.optionalText("object_id") }
        }
        guard let owner = found, mayRevokeAll || owner == subject.id.description else {
            try await self.audit.record(
                self.event(author, target: "serial \(serial)", .refused, Refusal.certificateNotFound.reason)
            )
            return .refused(.certificateNotFound)
        }
        try await self.revoke(serial: serial, by: author, because: reason)
        return .allowed(())
    }

    /// Revokes one certificate without asking whether the author may; unknown and expired ones are left alone. Throws `StorageError`.
    public func revoke(serial: UInt64, by author: Author, because reason: String = "") async throws {
        let now = self.clock.now
        let number = Int64(clamping: serial)
        let owner = try await self.renewList { transaction in
            try transaction.run(
                "UPDATE ssh_certificate SET revoked_at = \(now) WHERE serial = \(number) AND revoked_at IS NULL"
            )
            try self.audit.record(self.event(author, target: "serial \(serial)", .success, reason), in: transaction)
            return try transaction.row("SELECT object_id FROM ssh_certificate WHERE serial = \(number)")
                .flatMap { try $0.optionalText("object_id") }
                .flatMap { GUID($0) }
        }
        self.changes.publish(RevocationChange(serial: serial, objectID: owner))
    }

    /// Revokes a certificate by its key id, even one that this store does not know: after a restore from an older copy, for example.
    ///
    /// The name stays on the list for as long as a certificate can last. Throws `StorageError`.
    public func revoke(keyID: String, by author: Author, because reason: String = "") async throws {
        let now = self.clock.now
        let longest = max(self.policy.longestUserLifetime, self.policy.hostLifetime)
        let (serial, owner) = try await self.renewList { transaction in
            try transaction.run(
                "UPDATE ssh_certificate SET revoked_at = \(now) WHERE key_id = \(keyID) AND revoked_at IS NULL"
            )
            try transaction.run(
                """
                INSERT INTO ssh_revoked_key_id (key_id, expires_at)
                VALUES (\(keyID), \(now + longest))
                ON CONFLICT (key_id) DO UPDATE SET expires_at = excluded.expires_at
                """
            )
            try self.audit.record(self.event(author, target: keyID, .success, reason), in: transaction)
            let row = try transaction.row(
                "SELECT serial, object_id FROM ssh_certificate WHERE key_id = \(keyID)"
            )
            return (try row?.integer("serial"), try row?.optionalText("object_id").flatMap { GUID($0) })
        }
        self.changes.publish(RevocationChange(serial: serial.map { UInt64($0) }, objectID: owner))
    }

    /// Revokes everything that somebody holds, orders in flight included. New orders are decided as ever: disable the account to stop them.
    ///
    /// Returns how many certificates were in force. Throws `StorageError`.
    @discardableResult
    public func revoke(allOf holder: GUID, by author: Author, because reason: String = "") async throws -> Int {
        let now = self.clock.now
        let count = try await self.renewList { transaction in
            self.state.withLock { $0.generations[holder, default: 0] += 1 }
            let count = try transaction.run(
                """
                UPDATE ssh_certificate SET revoked_at = \(now)
                WHERE object_id = \(holder)
                AND revoked_at IS NULL
                AND valid_before > \(now)
                """
            )
            let event = self.event(author, target: holder.description, .success, reason)
            try self.audit.record(event, in: transaction)
            return count
        }
        self.changes.publish(RevocationChange(serial: nil, objectID: holder))
        return count
    }

    /// Revokes every certificate of a host, for when it leaves or its key is replaced. Throws `StorageError`.
    public func revoke(allOf host: ResourcePath, by author: Author, because reason: String = "") async throws {
        let now = self.clock.now
        try await self.renewList { transaction in
            try transaction.run(
                "UPDATE ssh_certificate SET revoked_at = \(now) WHERE host = \(host) AND revoked_at IS NULL"
            )
            try self.audit.record(self.event(author, target: host.description, .success, reason), in: transaction)
        }
        self.changes.publish(RevocationChange(serial: nil, objectID: nil))
    }

    private func event(
        _ author: Author,
        target: String,
        _ outcome: AuditEvent.Outcome,
        _ reason: String
    ) -> AuditEvent {
        AuditEvent(
            at: self.clock.now,
            actor: author.id,
            actorName: author.name,
            action: "sshCertificate.revoke",
            target: target,
            outcome: outcome,
            reason: reason,
            correlation: author.correlation,
            source: author.source
        )
    }
}
