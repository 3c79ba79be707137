public import Storage
import SSHWire
import Vocabulary

extension HostRegistry {
    /// The schema.
    public static let migrations = [
        Migration(
            "hosts-1",
            [
                """
                CREATE TABLE host (
                    machine TEXT PRIMARY KEY NOT NULL,
                    path TEXT NOT NULL,
                    id TEXT NOT NULL UNIQUE,
                    machine_key TEXT NOT NULL,
                    report TEXT NOT NULL,
                    joined_at BIGINT NOT NULL,
                    last_seen BIGINT NOT NULL
                )
                """,
                """
                CREATE TABLE host_join_token (
                    digest TEXT PRIMARY KEY NOT NULL,
                    path TEXT NOT NULL,
                    expires_at BIGINT NOT NULL
                )
                """,
                """
                CREATE TABLE host_sign_in (
                    machine TEXT PRIMARY KEY NOT NULL,
                    path TEXT NOT NULL
                )
                """,
            ]
        )
    ]

    static func insert(_ host: Host, in transaction: any Transaction) throws {
        try transaction.run(
            """
            INSERT INTO host (machine, path, id, machine_key, report, joined_at, last_seen)
            VALUES (
                \(host.machine), \(host.machine.description), \(host.id), \(host.machineKey.line()),
                \(try Self.text(host.report)), \(host.joinedAt), \(host.lastSeen)
            )
            """
        )
    }

    static func host(_ row: Row) throws -> Host {
        Host(
            id: try row.guid("id"),
            machine: try row.path("path"),
            machineKey: try SSHPublicKey(line: try row.text("machine_key")),
            report: try JSONText.decode(HostReport.self, from: try row.text("report")),
            joinedAt: try row.instant("joined_at"),
            lastSeen: try row.instant("last_seen")
        )
    }

    static func text(_ report: HostReport) throws -> String {
        String(decoding: try JSONText.encode(report), as: UTF8.self)
    }
}
