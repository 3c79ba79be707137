public import SQLiteStorage
public import Storage

/// A store in memory with a schema, for tests: the real engine, no file.
public enum MemoryStore {
    /// Opens an empty store and runs the steps.
    public static func make(_ migrations: [Migration]) async throws -> SQLiteDatabase {
        let database = try SQLiteDatabase()
        try await database.migrate(migrations)
        return database
    }
}
