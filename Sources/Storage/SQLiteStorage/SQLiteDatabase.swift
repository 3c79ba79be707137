import FoundationEssentials
import GRDB
public import Storage

/// The embedded store: one SQLite file in write-ahead-log mode. The only place that knows GRDB.
public struct SQLiteDatabase: Storage.Database {
    private let pool: any DatabaseWriter

    /// Opens or creates the file with mode 0600; its directory must exist.
    ///
    /// Every commit reaches the disk before `write` returns (`synchronous = FULL`). Throws `StorageError.damaged` for a file that is not a
    /// sound database.
    public init(path: String) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.execute(sql: "PRAGMA foreign_keys = ON")
        }
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 4
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
        }
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            let verdict = try pool.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
            guard verdict == "ok" else { throw StorageError(.damaged, verdict ?? "no answer") }
            self.pool = pool
        } catch let error as DatabaseError {
            throw Self.translate(error)
        }
    }

    /// A store in memory, for tests.
    public init() throws {
        var configuration = Configuration()
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA foreign_keys = ON") }
        self.pool = try DatabaseQueue(configuration: configuration)
    }

    public func read<Result: Sendable>(
        _ body: @Sendable (any Storage.Reader) throws -> Result
    ) async throws -> Result {
        do {
            return try await withoutActuallyEscaping(body) { body in
                try await self.pool.read { try body(SQLiteTransaction(database: $0)) }
            }
        } catch let error as DatabaseError {
            throw Self.translate(error)
        }
    }

    public func write<Result: Sendable>(
        _ body: @Sendable (any Storage.Transaction) throws -> Result
    ) async throws -> Result {
        do {
            return try await withoutActuallyEscaping(body) { body in
                try await self.pool.write { try body(SQLiteTransaction(database: $0)) }
            }
        } catch let error as DatabaseError {
            throw Self.translate(error)
        }
    }

    /// Copies the whole store into a new file while the program runs. Throws if the file exists.
    public func backUp(to path: String) throws {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw StorageError(.unavailable, "\(path) exists already")
        }
        _ = FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
        do {
            let copy = try DatabaseQueue(path: path)
            try self.pool.backup(to: copy)
            try copy.close()
        } catch let error as DatabaseError {
            throw Self.translate(error)
        }
    }

    /// Finishes what is running, brings everything from the log into the file, and closes it.
    public func close() throws {
        // A file that is full of holes until its log is replayed is easily copied without the log.
        _ = try? self.pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        try self.pool.close()
    }

    // SQLite's result codes: https://www.sqlite.org/rescode.html
    private static func translate(_ error: DatabaseError) -> StorageError {
        let kind: StorageError.Kind =
            switch error.extendedResultCode {
            case .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY: .duplicate
            case .SQLITE_CONSTRAINT_FOREIGNKEY: .brokenReference
            default:
                switch error.resultCode {
                case .SQLITE_CORRUPT, .SQLITE_NOTADB: .damaged
                case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_BUSY: .unavailable
                default: .engine
                }
            }
        // The message alone: `description` would repeat the parameters.
        return StorageError(kind, error.message ?? "SQLite result \(error.extendedResultCode.rawValue)")
    }
}

/// One transaction on one connection.
private struct SQLiteTransaction: Storage.Transaction {
    let database: GRDB.Database

    func rows(_ statement: Storage.Statement) throws -> [Storage.Row] {
        let prepared = try self.database.cachedStatement(sql: statement.sql)
        return try GRDB.Row.fetchAll(prepared, arguments: Self.arguments(statement)).map { row in
            var columns: [String: StoredValue] = [:]
            for (name, value) in row {
                columns[name] =
                    switch value.storage {
                    case .null: .null
                    case .int64(let number): .integer(number)
                    case .double(let number): .integer(Int64(number))
                    case .string(let text): .text(text)
                    case .blob(let data): .blob([UInt8](data))
                    }
            }
            return Storage.Row(columns: columns)
        }
    }

    func run(_ statement: Storage.Statement) throws -> Int {
        try self.database.cachedStatement(sql: statement.sql).execute(arguments: Self.arguments(statement))
        return self.database.changesCount
    }

    private static func arguments(_ statement: Storage.Statement) -> StatementArguments {
        StatementArguments(
            statement.parameters.map { value -> (any DatabaseValueConvertible)? in
                switch value {
                case .null: nil
                case .integer(let number): number
                case .text(let text): text
                case .blob(let bytes): Data(bytes)
                }
            }
        )
    }
}
