import FoundationEssentials
import SQLiteStorage
import Storage
import TestKit
import Vocabulary

/// A directory that goes away with its owner.
final class Scratch: Sendable {
    let path: String

    init() throws {
        self.path =
            FileManager.default.temporaryDirectory.path + "/sallyport-storage-" + GUID(from: .system).description
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
    }

    var file: String { self.path + "/store.db" }

    func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: self.path + "/" + name)
        return (attributes[.posixPermissions] as? Int) ?? (attributes[.posixPermissions] as? UInt16).map { Int($0) }
            ?? -1
    }

    func bytes(_ name: String = "store.db") throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: self.path + "/" + name)))
    }

    func write(_ bytes: [UInt8], _ name: String = "store.db") throws {
        try Data(bytes).write(to: URL(filePath: self.path + "/" + name))
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }
}

/// The engines that keep the contract, each with an empty store of two tables.
enum Engine: CaseIterable {
    case memory
    case file

    static let migrations = [
        Migration(
            "test-1",
            [
                "CREATE TABLE person (id TEXT PRIMARY KEY NOT NULL, name TEXT UNIQUE, age BIGINT, data BLOB)",
                "CREATE TABLE pet (id INTEGER PRIMARY KEY NOT NULL, owner TEXT NOT NULL REFERENCES person (id))",
            ]
        )
    ]

    func withStore(_ body: (any Database) async throws -> Void) async throws {
        switch self {
        case .memory: try await body(try await MemoryStore.make(Self.migrations))
        case .file:
            let scratch = try Scratch()
            let store = try SQLiteDatabase(path: scratch.file)
            try await store.migrate(Self.migrations)
            try await body(store)
            try store.close()
        }
    }
}

extension Database {
    func count(_ table: Table) async throws -> Int64 {
        try await self.read { reader in
            switch table {
            case .person: try reader.row("SELECT COUNT(*) AS count FROM person")?.integer("count") ?? -1
            case .pet: try reader.row("SELECT COUNT(*) AS count FROM pet")?.integer("count") ?? -1
            }
        }
    }

    /// The kind of storage error that a change ends with; nil when it succeeds.
    func failure(_ statement: Statement) async throws -> StorageError.Kind? {
        do {
            try await self.write { try $0.run(statement) }
            return nil
        } catch let error as StorageError {
            return error.kind
        }
    }
}

enum Table {
    case person
    case pet
}
