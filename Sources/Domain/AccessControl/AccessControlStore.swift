import Audit
public import Storage
import Vocabulary

extension AccessControl {
    /// The schema.
    public static let migrations = [
        Migration(
            "access-control-1",
            [
                """
                CREATE TABLE role_definition (
                    name TEXT PRIMARY KEY NOT NULL,
                    role_key TEXT NOT NULL UNIQUE,
                    document TEXT NOT NULL
                )
                """,
                """
                CREATE TABLE role_assignment (
                    name TEXT PRIMARY KEY NOT NULL,
                    scope TEXT NOT NULL,
                    scope_text TEXT NOT NULL,
                    subscription TEXT,
                    role TEXT NOT NULL,
                    principal TEXT NOT NULL,
                    principal_type TEXT NOT NULL,
                    description TEXT,
                    condition_text TEXT,
                    created_on BIGINT NOT NULL,
                    updated_on BIGINT NOT NULL,
                    created_by TEXT,
                    updated_by TEXT,
                    UNIQUE (scope, role, principal)
                )
                """,
                "CREATE INDEX role_assignment_subscription ON role_assignment (subscription)",
                "CREATE INDEX role_assignment_role ON role_assignment (role)",
                """
                CREATE TABLE deny_assignment (
                    name TEXT PRIMARY KEY NOT NULL,
                    document TEXT NOT NULL
                )
                """,
            ]
        ),
        Migration(
            "access-control-2",
            [
                "ALTER TABLE role_assignment ADD COLUMN delegated_identity TEXT",
                """
                CREATE TABLE management_group (
                    name_key TEXT PRIMARY KEY NOT NULL,
                    name TEXT NOT NULL,
                    display_name TEXT NOT NULL,
                    parent_key TEXT,
                    version BIGINT NOT NULL,
                    updated_on BIGINT NOT NULL,
                    updated_by TEXT
                )
                """,
                """
                CREATE TABLE management_group_member (
                    subscription TEXT PRIMARY KEY NOT NULL,
                    group_key TEXT NOT NULL
                )
                """,
            ]
        ),
    ]

    private static let page = 4096

    /// Everything in the store as a snapshot. An assignment whose condition cannot be read is left out: it must not
    /// grant.
    func stored() async throws -> AccessSnapshot {
        try await self.database.read { reader in
            var snapshot = AccessSnapshot(root: self.tenant)
            for role in RoleDefinition.builtIn { snapshot.put(try PreparedRole(role)) }
            for row in try reader.rows("SELECT document FROM role_definition") {
                let role = try JSONText.decode(RoleDefinition.self, from: try row.text("document"))
                snapshot.put(try PreparedRole(role))
            }
            // Many assignments lie at few scopes: each scope is read once and shared.
            var scopes: [String: ResourcePath] = [:]
            var last = ""
            while true {
                // In pages, because rows take ten times the memory of what is made of them.
                let rows = try reader.rows(
                    """
                    SELECT * FROM role_assignment
                    WHERE name > \(last)
                    ORDER BY name
                    LIMIT \(Self.page)
                    """
                )
                for row in rows {
                    let text = try row.text("scope_text")
                    let scope = try scopes[text] ?? row.path("scope_text")
                    scopes[text] = scope
                    guard let entry = try? AccessSnapshot.Entry(try RoleAssignment(row, at: scope)) else { continue }
                    snapshot.add(entry)
                }
                guard rows.count == Self.page, let end = rows.last else { break }
                last = try end.text("name")
            }
            for row in try reader.rows("SELECT document FROM deny_assignment") {
                snapshot.put(try JSONText.decode(DenyAssignment.self, from: try row.text("document")))
            }
            let groups = try reader.rows("SELECT * FROM management_group").map(ManagementGroup.init)
            snapshot.tree.put(all: groups)
            for row in try reader.rows("SELECT * FROM management_group_member") {
                snapshot.tree.place(try row.guid("subscription"), in: try row.text("group_key"))
            }
            return snapshot
        }
    }
}

extension RoleAssignment {
    init(_ row: Row, at scope: ResourcePath) throws {
        guard let type = PrincipalType(rawValue: try row.text("principal_type")) else {
            throw StorageError(.unexpectedValue, "column principal_type")
        }
        self.init(
            name: try row.guid("name"),
            scope: scope,
            roleDefinition: try row.guid("role"),
            principal: try row.guid("principal"),
            principalType: type,
            description: try row.optionalText("description"),
            condition: try row.optionalText("condition_text"),
            delegatedIdentity: try row.optionalText("delegated_identity"),
            createdOn: try row.instant("created_on"),
            updatedOn: try row.instant("updated_on"),
            createdBy: row.isNull("created_by") ? nil : try row.guid("created_by"),
            updatedBy: row.isNull("updated_by") ? nil : try row.guid("updated_by")
        )
    }

    /// Writes all columns; a row of the same name keeps who made it and when.
    var upsert: Statement {
        """
        INSERT INTO role_assignment (
            name, scope, scope_text, subscription, role, principal, principal_type, description, condition_text,
            delegated_identity, created_on, updated_on, created_by, updated_by
        )
        VALUES (
            \(self.name), \(self.scope), \(self.scope.description), \(self.scope.subscription), \(self.roleDefinition),
            \(self.principal), \(self.principalType.rawValue), \(self.description), \(self.condition),
            \(self.delegatedIdentity), \(self.createdOn), \(self.updatedOn), \(self.createdBy), \(self.updatedBy)
        )
        ON CONFLICT (name) DO UPDATE SET
            description = excluded.description,
            condition_text = excluded.condition_text,
            delegated_identity = excluded.delegated_identity,
            updated_on = excluded.updated_on,
            updated_by = excluded.updated_by
        """
    }
}
