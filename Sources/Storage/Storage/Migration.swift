/// One step in the life of a schema: run once, in order, never changed after it has shipped.
public struct Migration: Sendable {
    /// A name that is unique in the whole program, for example `identity-1`.
    public let name: String
    /// The statements, run in one transaction with the note that they ran.
    public let statements: [Statement]

    /// Makes a step.
    public init(_ name: String, _ statements: [Statement]) {
        self.name = name
        self.statements = statements
    }
}

extension Database {
    /// Brings the schema up to date: runs each step that has not run yet, each in a transaction of its own.
    ///
    /// Refuses a store that holds steps this program does not know: it was written by a newer one.
    public func migrate(_ migrations: [Migration]) async throws {
        try await self.write { transaction in
            try transaction.run("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY NOT NULL)")
        }
        let done = try await self.read { reader in
            Set(try reader.rows("SELECT name FROM migration").map { try $0.text("name") })
        }
        let known = Set(migrations.map(\.name))
        if let strange = done.subtracting(known).sorted().first {
            throw StorageError(.damaged, "the store was written by a newer version (step \(strange))")
        }
        for migration in migrations where !done.contains(migration.name) {
            try await self.write { transaction in
                for statement in migration.statements {
                    try transaction.run(statement)
                }
                try transaction.run("INSERT INTO migration (name) VALUES (\(migration.name))")
            }
        }
    }
}
