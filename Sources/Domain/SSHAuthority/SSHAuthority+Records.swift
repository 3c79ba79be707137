import SSHWire
public import Storage
import Synchronization
import Vocabulary

extension SSHAuthority {
    /// The schema. Serials are drawn from the positive 63-bit numbers, so a BIGINT holds them.
    public static let migrations = [
        Migration(
            "ssh-authority-1",
            [
                """
                CREATE TABLE ssh_certificate (
                    serial BIGINT PRIMARY KEY NOT NULL,
                    key_id TEXT NOT NULL,
                    authority TEXT NOT NULL,
                    object_id TEXT,
                    host TEXT,
                    issued_at BIGINT NOT NULL,
                    valid_before BIGINT NOT NULL,
                    revoked_at BIGINT
                )
                """,
                "CREATE UNIQUE INDEX ssh_certificate_key_id ON ssh_certificate (key_id)",
                "CREATE INDEX ssh_certificate_object_id ON ssh_certificate (object_id)",
                "CREATE INDEX ssh_certificate_host ON ssh_certificate (host)",
                "CREATE INDEX ssh_certificate_valid_before ON ssh_certificate (valid_before)",
                "CREATE INDEX ssh_certificate_revoked_at ON ssh_certificate (revoked_at)",
                """
                CREATE TABLE ssh_revoked_key_id (
                    key_id TEXT PRIMARY KEY NOT NULL,
                    expires_at BIGINT NOT NULL
                )
                """,
                """
                CREATE TABLE ssh_revocation_list (
                    id INTEGER PRIMARY KEY NOT NULL,
                    version BIGINT NOT NULL
                )
                """,
                "INSERT INTO ssh_revocation_list (id, version) VALUES (1, 0)",
            ]
        )
    ]

    /// Forgets certificates and revocations that have run out; the audit still knows them. Throws `StorageError`.
    public func removeExpired() async throws {
        let now = self.clock.now
        try await self.database.write { transaction in
            try transaction.run("DELETE FROM ssh_certificate WHERE valid_before <= \(now)")
            try transaction.run("DELETE FROM ssh_revoked_key_id WHERE expires_at <= \(now)")
        }
    }

    /// Notes a certificate. Fails with `StorageError.duplicate` in the one case of 2⁶³ that the serial exists already.
    func record(
        _ certificate: SSHCertificate,
        of holder: GUID?,
        host: ResourcePath?,
        in transaction: any Transaction
    ) throws {
        let contents = certificate.contents
        try transaction.run(
            """
            INSERT INTO ssh_certificate (serial, key_id, authority, object_id, host, issued_at, valid_before)
            VALUES (
                \(Int64(contents.serial)), \(contents.keyID), \(certificate.authority.line()), \(holder), \(host),
                \(self.clock.now), \(contents.validBefore.instant)
            )
            """
        )
    }

    /// Runs a change of what is revoked, and makes the next edition of the list from what then stands in the store.
    ///
    /// The list is swapped inside the transaction's turn, so editions follow each other as transactions do.
    func renewList<Result: Sendable>(
        _ change: @Sendable (any Transaction) throws -> Result
    ) async throws -> Result {
        let now = self.clock.now
        let (result, edition, revoked) = try await self.database.write { transaction in
            let result = try change(transaction)
            try transaction.run("UPDATE ssh_revocation_list SET version = version + 1 WHERE id = 1")
            let row = try transaction.row("SELECT version FROM ssh_revocation_list WHERE id = 1")
            let version = try row?.integer("version") ?? 1
            let (list, revoked) = try Self.list(version: version, at: now, from: transaction)
            return (result, (version: version, bytes: list.bytes), revoked)
        }
        self.state.withLock { state in
            guard edition.version > state.edition.version else { return }
            state.edition = edition
            state.revoked = revoked
        }
        return result
    }

    private static func list(
        version: Int64,
        at now: Instant,
        from reader: any Reader
    ) throws -> (KeyRevocationList, Set<UInt64>) {
        var list = KeyRevocationList(version: UInt64(version), date: SSHTime(now), comment: "sallyport")
        var serials: [String: [ClosedRange<UInt64>]] = [:]
        var revoked: Set<UInt64> = []
        // Without LIMIT: every certificate in force that was revoked must be on the list, and with hours of life they are few.
        for row in try reader.rows(
            """
            SELECT serial, authority FROM ssh_certificate
            WHERE revoked_at IS NOT NULL
            AND valid_before > \(now)
            """
        ) {
            let serial = UInt64(try row.integer("serial"))
            serials[try row.text("authority"), default: []].append(serial...serial)
            revoked.insert(serial)
        }
        for (authority, ranges) in serials.sorted(by: { $0.key < $1.key }) {
            list.certificates.append(.init(of: try SSHPublicKey(line: authority), serials: ranges))
        }
        let keyIDs = try reader.rows("SELECT key_id FROM ssh_revoked_key_id WHERE expires_at > \(now)")
        if !keyIDs.isEmpty {
            list.certificates.append(.init(of: nil, keyIDs: Set(try keyIDs.map { try $0.text("key_id") })))
        }
        return (list, revoked)
    }
}
