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
        )
    ]

    /// Everything in the store as a snapshot. An assignment whose condition cannot be read is left out: it must not
    /// grant.
    func stored() async throws -> AccessSnapshot {
        let (roles, assignments, denials) = try await self.database.read { reader in
            (
                try reader.rows("SELECT document FROM role_definition").map { row in
                    try JSONText.decode(RoleDefinition.self, from: try row.text("document"))
                },
                try reader.rows("SELECT * FROM role_assignment").map(RoleAssignment.init),
                try reader.rows("SELECT document FROM deny_assignment").map { row in
                    try JSONText.decode(DenyAssignment.self, from: try row.text("document"))
                }
            )
        }
        var snapshot = AccessSnapshot()
        for role in RoleDefinition.builtIn + roles {
            snapshot.put(try PreparedRole(role))
        }
        for assignment in assignments {
            guard let entry = try? AccessSnapshot.Entry(assignment) else { continue }
            snapshot.put(entry)
        }
        for denial in denials {
            snapshot.put(denial)
        }
        return snapshot
    }
}

extension RoleAssignment {
    init(_ row: Row) throws {
        guard let type = PrincipalType(rawValue: try row.text("principal_type")) else {
            throw StorageError(.unexpectedValue, "column principal_type")
        }
        self.init(
            name: try row.guid("name"),
            scope: try row.path("scope_text"),
            roleDefinition: try row.guid("role"),
            principal: try row.guid("principal"),
            principalType: type,
            description: try row.optionalText("description"),
            condition: try row.optionalText("condition_text"),
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
            created_on, updated_on, created_by, updated_by
        )
        VALUES (
            \(self.name), \(self.scope), \(self.scope.description), \(self.scope.subscription), \(self.roleDefinition),
            \(self.principal), \(self.principalType.rawValue), \(self.description), \(self.condition),
            \(self.createdOn), \(self.updatedOn), \(self.createdBy), \(self.updatedBy)
        )
        ON CONFLICT (name) DO UPDATE SET
            description = excluded.description,
            condition_text = excluded.condition_text,
            updated_on = excluded.updated_on,
            updated_by = excluded.updated_by
        """
    }
}
