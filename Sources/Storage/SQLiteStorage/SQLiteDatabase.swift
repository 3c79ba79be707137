#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
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
        try Self.makePrivate(path)
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

    @discardableResult
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
            throw StorageError(.duplicate, "\(path) exists already")
        }
        try Self.makePrivate(path)
        do {
            let copy = try DatabaseQueue(path: path)
            try self.pool.backup(to: copy)
            try copy.close()
        } catch {
            // Half a copy must not pass for a backup, nor block the next one.
            try? FileManager.default.removeItem(atPath: path)
            throw (error as? DatabaseError).map(Self.translate) ?? error
        }
    }

    // SQLite makes files that the whole machine may read, and gives its log and index files the mode of the main file.
    private static func makePrivate(_ path: String) throws(StorageError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StorageError(.unavailable, "\(path): \(String(cString: strerror(errno)))")
        }
        defer { _ = Self.closeFile(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else {
            throw StorageError(.unavailable, "\(path): \(String(cString: strerror(errno)))")
        }
    }

    private static func closeFile(_ descriptor: Int32) -> Int32 {
        #if canImport(Glibc)
            Glibc.close(descriptor)
        #elseif canImport(Musl)
            Musl.close(descriptor)
        #elseif canImport(Darwin)
            Darwin.close(descriptor)
        #endif
    }

    /// Finishes what is running, brings everything into the main file, and closes it.
    public func close() throws {
        // Closing alone leaves the log file full, and a copy of the main file without much of what was written. When another program has
        // the file open too, the log stays: then it is theirs to empty.
        try? self.pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        do {
            try self.pool.close()
        } catch let error as DatabaseError {
            throw Self.translate(error)
        }
    }

    // SQLite's result codes: https://www.sqlite.org/rescode.html
    fileprivate static func translate(_ error: DatabaseError) -> StorageError {
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
        try self.translated { try self.fetch(statement) }
    }

    func run(_ statement: Storage.Statement) throws -> Int {
        try self.translated {
            try self.database.cachedStatement(sql: statement.sql).execute(arguments: Self.arguments(statement))
            return self.database.changesCount
        }
    }

    // Here too, not only around the whole: callers match on `StorageError` inside their transactions.
    private func translated<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw SQLiteDatabase.translate(error)
        }
    }

    private func fetch(_ statement: Storage.Statement) throws -> [Storage.Row] {
        let prepared = try self.database.cachedStatement(sql: statement.sql)
        let names = prepared.columnNames
        let places = Dictionary(zip(names, names.indices), uniquingKeysWith: { $1 })
        // A cursor, not an array of the engine's own rows: a large answer is in memory once.
        let cursor = try GRDB.Row.fetchCursor(prepared, arguments: Self.arguments(statement))
        var rows: [Storage.Row] = []
        while let row = try cursor.next() {
            let values: [StoredValue] = row.databaseValues.map { value in
                switch value.storage {
                case .null: .null
                case .int64(let number): .integer(number)
                // The schema has no reals; one appears when a sum leaves the whole numbers. As text it fails where it is read.
                case .double(let number): Int64(exactly: number).map { .integer($0) } ?? .text(String(number))
                case .string(let text): .text(text)
                case .blob(let data): .blob([UInt8](data))
                }
            }
            rows.append(Storage.Row(places: places, values: values))
        }
        return rows
    }

    private static func arguments(_ statement: Storage.Statement) throws(StorageError) -> StatementArguments {
        var values: [(any DatabaseValueConvertible)?] = []
        for value in statement.parameters {
            switch value {
            case .null: values.append(nil)
            case .integer(let number): values.append(number)
            case .text(let text):
                // The engine would cut the text there, and two names would become one.
                guard !text.utf8.contains(0) else { throw StorageError(.unexpectedValue, "a text with a NUL") }
                values.append(text)
            case .blob(let bytes): values.append(Data(bytes))
            }
        }
        return StatementArguments(values)
    }
}
