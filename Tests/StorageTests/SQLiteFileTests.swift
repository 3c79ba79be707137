import SQLiteStorage
import Storage
import Testing
import Vocabulary

@Suite("The SQLite file")
struct SQLiteFileTests {
    private func filled(_ scratch: Scratch, rows: Int = 400) async throws {
        let store = try SQLiteDatabase(path: scratch.file)
        try await store.migrate(Engine.migrations)
        try await store.write { transaction in
            for row in 0..<rows {
                try transaction.run(
                    "INSERT INTO person (id, name) VALUES (\("\(row)"), \(String(repeating: "x", count: 200) + "\(row)"))"
                )
            }
        }
        try store.close()
    }

    private func kindOnOpening(_ scratch: Scratch) -> StorageError.Kind? {
        do {
            let store = try SQLiteDatabase(path: scratch.file)
            try store.close()
            return nil
        } catch let error as StorageError {
            return error.kind
        } catch {
            Issue.record("\(error)")
            return nil
        }
    }

    @Test("only its owner may read it, nor the files beside it")
    func mode() async throws {
        let scratch = try Scratch()
        let store = try SQLiteDatabase(path: scratch.file)
        try await store.migrate(Engine.migrations)
        #expect(try scratch.mode("store.db") == 0o600)
        #expect(try scratch.mode("store.db-wal") == 0o600)
        #expect(try scratch.mode("store.db-shm") == 0o600)
        try store.close()
    }

    @Test("a file that others could read is closed to them")
    func modeOfOldFile() async throws {
        let scratch = try Scratch()
        try scratch.write([])
        #expect(try scratch.mode("store.db") != 0o600)
        try SQLiteDatabase(path: scratch.file).close()
        #expect(try scratch.mode("store.db") == 0o600)
    }

    @Test("what was written is there after opening it again")
    func reopens() async throws {
        let scratch = try Scratch()
        try await self.filled(scratch)
        let store = try SQLiteDatabase(path: scratch.file)
        try await store.migrate(Engine.migrations)
        #expect(try await store.count(.person) == 400)
        try store.close()
    }

    @Test("a directory that does not exist is no damage")
    func noDirectory() throws {
        #expect(throws: StorageError(.unavailable, "")) { try SQLiteDatabase(path: "/nonexistent/store.db") }
        let scratch = try Scratch()
        #expect(throws: StorageError(.unavailable, "")) { try SQLiteDatabase(path: scratch.path) }
    }

    @Test("a file that is no database is damaged")
    func notADatabase() throws {
        let scratch = try Scratch()
        try scratch.write(Array(repeating: 0x41, count: 8192))
        #expect(self.kindOnOpening(scratch) == .damaged)
    }

    @Test("an overwritten header is damage")
    func header() async throws {
        let scratch = try Scratch()
        try await self.filled(scratch)
        var bytes = try scratch.bytes()
        for index in 0..<16 { bytes[index] = 0 }
        try scratch.write(bytes)
        #expect(self.kindOnOpening(scratch) == .damaged)
    }

    @Test("an overwritten page anywhere is damage", arguments: [1, 2, -1])
    func page(which: Int) async throws {
        let scratch = try Scratch()
        try await self.filled(scratch)
        var bytes = try scratch.bytes()
        let pages = bytes.count / 4096
        try #require(pages > 10)
        let page = which < 0 ? pages + which : which
        for index in page * 4096..<(page + 1) * 4096 { bytes[index] = 0xa5 }
        try scratch.write(bytes)
        #expect(self.kindOnOpening(scratch) == .damaged)
    }

    @Test("a file cut in the middle is damage")
    func cut() async throws {
        let scratch = try Scratch()
        try await self.filled(scratch)
        let bytes = try scratch.bytes()
        try scratch.write(Array(bytes.prefix(bytes.count / 2)))
        #expect(self.kindOnOpening(scratch) == .damaged)
    }

    @Test("a backup made while the program writes restores, and only its owner may read it")
    func backup() async throws {
        let scratch = try Scratch()
        let store = try SQLiteDatabase(path: scratch.file)
        try await store.migrate(Engine.migrations)
        try await store.write { try $0.run("INSERT INTO person (id, name) VALUES ('1', 'alice')") }
        try store.backUp(to: scratch.path + "/copy.db")
        try await store.write { try $0.run("DELETE FROM person") }
        try store.close()
        #expect(try scratch.mode("copy.db") == 0o600)
        let copy = try SQLiteDatabase(path: scratch.path + "/copy.db")
        try await copy.migrate(Engine.migrations)
        let name = try await copy.read { try $0.row("SELECT name FROM person")?.text("name") }
        #expect(name == "alice")
        try copy.close()
    }

    @Test("a backup overwrites nothing")
    func backupExists() async throws {
        let scratch = try Scratch()
        let store = try SQLiteDatabase(path: scratch.file)
        try scratch.write([1, 2, 3], "copy.db")
        #expect(throws: StorageError(.duplicate, "")) { try store.backUp(to: scratch.path + "/copy.db") }
        #expect(try scratch.bytes("copy.db") == [1, 2, 3])
        #expect(throws: StorageError(.unavailable, "")) { try store.backUp(to: "/nonexistent/copy.db") }
        try store.close()
    }

    @Test("two programs on one file wait for each other")
    func twoPrograms() async throws {
        let scratch = try Scratch()
        try await self.filled(scratch, rows: 0)
        let (one, other) = (try SQLiteDatabase(path: scratch.file), try SQLiteDatabase(path: scratch.file))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, store) in [one, other].enumerated() {
                group.addTask {
                    for row in 0..<25 {
                        try await store.write { try $0.run("INSERT INTO person (id) VALUES (\("\(index)-\(row)"))") }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await one.count(.person) == 50)
        try one.close()
        try other.close()
    }

    @Test("a closed store answers with an error")
    func closed() async throws {
        let scratch = try Scratch()
        let store = try SQLiteDatabase(path: scratch.file)
        try store.close()
        await #expect(throws: StorageError.self) { try await store.read { try $0.rows("SELECT 1") } }
    }
}
