public import Storage
public import Vocabulary

import Crypto

/// The ordered, tamper-evident record of what happened: each entry carries the digest of the one before it.
///
/// Changing or removing any entry but the last breaks the chain at that place. Where it ends is kept beside it under a seal, so that whoever
/// cuts the end off, or writes the chain anew, cannot make it look whole without the key. `verify` finds either. Who can put back an old copy
/// of the whole store is noticed only by a newest digest (`head`) that was kept somewhere else.
public struct AuditLog: Sendable {
    /// An entry as it is kept.
    public struct Entry: Sendable, Hashable {
        /// Its place in the order, from 1, without gaps.
        public let sequence: Int64
        /// What happened.
        public let event: AuditEvent
        /// SHA-256 over the previous digest and this event's canonical JSON, in hexadecimal.
        public let digest: String
    }

    /// The schema.
    public static let migrations = [
        Migration(
            "audit-1",
            [
                """
                CREATE TABLE audit (
                    sequence INTEGER PRIMARY KEY NOT NULL,
                    at BIGINT NOT NULL,
                    actor TEXT,
                    action TEXT NOT NULL,
                    event TEXT NOT NULL,
                    digest TEXT NOT NULL
                )
                """,
                "CREATE INDEX audit_at ON audit (at)",
            ]
        ),
        Migration("audit-2", AuditHead.schema),
    ]

    private let database: any Database
    private let head: AuditHead?

    /// Makes a log on a store that has the schema.
    /// - Parameter seal: the key that says where the chain ends, from outside the store; without one, a cut end is not noticed.
    public init(database: any Database, seal: Secret<[UInt8]>? = nil) {
        self.database = database
        self.head = seal.map { AuditHead(key: $0) }
    }

    /// Seals that nothing has been recorded yet: for a store that was just made, before its first entry.
    ///
    /// The seal is made this once, so that a log that was emptied, the record of its end included, never looks like a new one.
    public func begin() async throws {
        guard let head = self.head else { return }
        try await self.database.write { try head.begin(in: $0) }
    }

    /// Records an event in a transaction of its own.
    public func record(_ event: AuditEvent) async throws {
        try await self.database.write { try self.record(event, in: $0) }
    }

    /// Records an event together with the change it describes.
    public func record(_ event: AuditEvent, in transaction: any Transaction) throws {
        let event = event.cleaned
        let last = try transaction.row("SELECT sequence, digest FROM audit ORDER BY sequence DESC LIMIT 1")
        let sequence = try last.map { try $0.integer("sequence") + 1 } ?? 1
        let text = String(decoding: try JSONText.encode(event), as: UTF8.self)
        let previous = try last?.text("digest") ?? ""
        let digest = Self.digest(previous: previous, sequence: sequence, event: text)
        try transaction.run(
            """
            INSERT INTO audit (sequence, at, actor, action, event, digest)
            VALUES (\(sequence), \(event.at), \(event.actor), \(event.action), \(text), \(digest))
            """
        )
        try self.head?.move(
            from: AuditHead.Place(sequence: sequence - 1, digest: previous),
            to: AuditHead.Place(sequence: sequence, digest: digest),
            in: transaction
        )
    }

    /// The newest entries first, at most `limit`, older than `before` when given.
    public func entries(before sequence: Int64? = nil, limit: Int = 100) async throws -> [Entry] {
        let top = sequence ?? Int64.max
        return try await self.database.read { reader in
            try reader.rows(
                """
                SELECT sequence, event, digest FROM audit
                WHERE sequence < \(top)
                ORDER BY sequence DESC
                LIMIT \(min(max(limit, 1), 1000))
                """
            ).map(Self.entry)
        }
    }

    /// The newest digest and its sequence: keep it outside to notice a cut tail.
    public func head() async throws -> (sequence: Int64, digest: String)? {
        try await self.entries(limit: 1).first.map { ($0.sequence, $0.digest) }
    }

    /// Walks the whole chain; returns the sequence of the first entry that is missing or does not fit, or nil when all is well.
    public func verify() async throws -> Int64? {
        var previous = ""
        var expected: Int64 = 1
        while true {
            let reached = AuditHead.Place(sequence: expected - 1, digest: previous)
            let (rows, fault) = try await self.database.read { reader in
                let rows = try reader.rows(
                    """
                    SELECT sequence, at, actor, action, event, digest FROM audit
                    WHERE sequence > \(reached.sequence)
                    ORDER BY sequence
                    LIMIT 1000
                    """
                )
                return (rows, rows.isEmpty ? try self.head?.fault(at: reached, in: reader) : nil)
            }
            if rows.isEmpty { return fault }
            for row in rows {
                guard let digest = Self.checked(row, sequence: expected, previous: previous) else { return expected }
                previous = digest
                expected += 1
            }
        }
    }

    // The row's digest if it follows from the one before and the columns for searching say the same as the event; nil otherwise.
    private static func checked(_ row: Row, sequence: Int64, previous: String) -> String? {
        guard let entry = try? Self.entry(row), let text = try? row.text("event"), entry.sequence == sequence,
            entry.digest == Self.digest(previous: previous, sequence: sequence, event: text),
            row.value("at") == .integer(entry.event.at.milliseconds), row.value("action") == .text(entry.event.action),
            row.value("actor") == entry.event.actor.map({ .text($0.description) }) ?? .null
        else { return nil }
        return entry.digest
    }

    private static func digest(previous: String, sequence: Int64, event: String) -> String {
        var hash = SHA256()
        hash.update(data: Array("\(previous)\n\(sequence)\n\(event)".utf8))
        return Hex.encode(hash.finalize())
    }

    private static func entry(_ row: Row) throws -> Entry {
        Entry(
            sequence: try row.integer("sequence"),
            event: try Self.decode(try row.text("event")),
            digest: try row.text("digest")
        )
    }

    private static func decode(_ text: String) throws -> AuditEvent {
        try JSONText.decode(AuditEvent.self, from: text)
    }
}
