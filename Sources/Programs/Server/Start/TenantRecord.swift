import Identity
import Storage
import Vocabulary

/// The tenant an installation serves, written once at the first start.
struct TenantRecord {
    /// The schema.
    static let migrations = [
        Migration(
            "server-1",
            [
                """
                CREATE TABLE server_tenant (
                    id TEXT PRIMARY KEY NOT NULL,
                    display_name TEXT NOT NULL,
                    domains TEXT NOT NULL
                )
                """
            ]
        )
    ]

    let database: any Database

    /// The tenant; nil before the first start.
    func load() async throws -> Tenant? {
        let row = try await self.database.read {
            try $0.row("SELECT id, display_name, domains FROM server_tenant LIMIT 1")
        }
        guard let row else { return nil }
        return try Tenant(
            id: try row.guid("id"),
            displayName: try row.text("display_name"),
            domains: try row.text("domains").split(separator: " ").map(String.init)
        )
    }

    /// Writes the tenant; throws `duplicate` when there is one.
    func save(_ tenant: Tenant) async throws {
        let domains = tenant.domains.joined(separator: " ")
        try await self.database.write { transaction in
            try transaction.run(
                "INSERT INTO server_tenant (id, display_name, domains) VALUES (\(tenant.id), \(tenant.displayName), \(domains))"
            )
        }
    }
}
