import Storage
import Testing
import Vocabulary

/// What every engine promises, run once for each.
@Suite("Storage conformance")
struct StorageConformance {
    private struct Stop: Error {}

    @Test("everything a transaction did is kept when it returns", arguments: Engine.allCases)
    func commits(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            let changed = try await store.write { transaction in
                try transaction.run("INSERT INTO person (id, name) VALUES ('1', 'alice')")
                try transaction.run("INSERT INTO person (id, name) VALUES ('2', 'bob')")
                return try transaction.run("UPDATE person SET age = 3")
            }
            #expect(changed == 2)
            #expect(try await store.count(.person) == 2)
        }
    }

    @Test("everything a transaction did is undone when it throws", arguments: Engine.allCases)
    func rollsBack(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            await #expect(throws: Stop.self) {
                try await store.write { transaction in
                    try transaction.run("INSERT INTO person (id, name) VALUES ('1', 'alice')")
                    #expect(try transaction.rows("SELECT id FROM person").count == 1)
                    throw Stop()
                }
            }
            #expect(try await store.count(.person) == 0)
        }
    }

    @Test("a statement that fails in the middle undoes the statements before it", arguments: Engine.allCases)
    func failsInTheMiddle(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            await #expect(throws: StorageError(.duplicate, "")) {
                try await store.write { transaction in
                    try transaction.run("INSERT INTO person (id, name) VALUES ('1', 'alice')")
                    try transaction.run("INSERT INTO person (id, name) VALUES ('1', 'bob')")
                }
            }
            #expect(try await store.count(.person) == 0)
        }
    }

    @Test("a failure can be told apart inside the transaction, which then goes on", arguments: Engine.allCases)
    func caughtInside(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            let kind = try await store.write { transaction -> StorageError.Kind? in
                try transaction.run("INSERT INTO person (id, name) VALUES ('1', 'alice')")
                do {
                    try transaction.run("INSERT INTO person (id, name) VALUES ('2', 'alice')")
                    return nil
                } catch let error as StorageError {
                    try transaction.run("INSERT INTO person (id, name) VALUES ('3', 'carol')")
                    return error.kind
                }
            }
            #expect(kind == .duplicate)
            #expect(try await store.count(.person) == 2)
        }
    }

    @Test(
        "a value is never read as SQL",
        arguments: Engine.allCases,
        [
            "'; DROP TABLE person; --", "\" OR 1=1 --", "?", "?1", ":name", "NULL", "%", "_", "é日👩‍👧", "\\",
            "''",
            "') ; DELETE FROM person WHERE ('1'='1", "\r\n", String(repeating: "x", count: 100_000),
        ]
    )
    func injection(engine: Engine, text: String) async throws {
        try await engine.withStore { store async throws in
            try await store.write { transaction in
                try transaction.run("INSERT INTO person (id, name) VALUES ('1', 'other')")
                try transaction.run("INSERT INTO person (id, name) VALUES (\(text), \(text + "!"))")
            }
            let rows = try await store.read { try $0.rows("SELECT id, name FROM person WHERE id = \(text)") }
            #expect(try rows.map { try $0.text("id") } == [text])
            #expect(try rows.first?.text("name") == text + "!")
            #expect(try await store.count(.person) == 2)
        }
    }

    @Test(
        "a text that an engine would cut at a NUL is refused, in a change and in a question",
        arguments: Engine.allCases
    )
    func notCut(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            #expect(try await store.failure("INSERT INTO person (id) VALUES ('alice')") == nil)
            #expect(try await store.failure("INSERT INTO person (id) VALUES (\("bob\u{0}x"))") == .unexpectedValue)
            await #expect(throws: StorageError(.unexpectedValue, "")) {
                try await store.read { try $0.rows("SELECT id FROM person WHERE id = \("alice\u{0}")") }
            }
        }
    }

    @Test("every kind of value comes back as it was stored", arguments: Engine.allCases)
    func values(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            let id = GUID(from: .system)
            let bytes = [UInt8](0...255)
            try await store.write {
                try $0.run(
                    "INSERT INTO person (id, name, age, data) VALUES (\(id), \(String?.none), \(Int64.min), \(bytes))"
                )
            }
            let row = try #require(try await store.read { try $0.row("SELECT * FROM person") })
            #expect(try row.guid("id") == id)
            #expect(row.isNull("name") && row.isNull("nosuch"))
            #expect(try row.optionalText("name") == nil)
            #expect(try row.integer("age") == .min)
            #expect(try row.instant("age") == Instant(milliseconds: .min))
            #expect(try row.blob("data") == bytes)
        }
    }

    @Test("a column that holds something else is an error, not a trap", arguments: Engine.allCases)
    func mismatch(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            try await store.write {
                try $0.run("INSERT INTO person (id, name, age) VALUES ('x', 'y', 9223372036854775807)")
            }
            let row = try #require(
                try await store.read {
                    try $0.row("SELECT id, name, age, age * 2.5 AS real, 1e999 AS endless FROM person")
                }
            )
            let unexpected = StorageError(.unexpectedValue, "")
            #expect(throws: unexpected) { try row.integer("id") }
            #expect(throws: unexpected) { try row.text("age") }
            #expect(throws: unexpected) { try row.text("nosuch") }
            #expect(throws: unexpected) { try row.blob("id") }
            #expect(throws: unexpected) { try row.guid("id") }
            #expect(throws: unexpected) { try row.path("id") }
            #expect(throws: unexpected) { try row.optionalInstant("name") }
            #expect(throws: unexpected) { try row.integer("real") }
            #expect(throws: unexpected) { try row.integer("endless") }
            #expect(throws: (any Error).self) { try row.json("id") }
        }
    }

    @Test("a list binds each of its elements, and an empty one matches nothing", arguments: Engine.allCases)
    func list(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            try await store.write { transaction in
                for name in ["a", "b", "c'"] { try transaction.run("INSERT INTO person (id) VALUES (\(name))") }
            }
            func found(_ ids: [String]) async throws -> [String] {
                try await store.read {
                    try $0.rows("SELECT id FROM person WHERE id IN (\(list: ids)) ORDER BY id").map {
                        try $0.text("id")
                    }
                }
            }
            #expect(try await found(["a", "c'", "d"]) == ["a", "c'"])
            #expect(try await found([]).isEmpty)
            #expect(try await found(["a') OR ('1'='1"]).isEmpty)
            #expect(try await found((0..<2000).map(String.init) + ["b"]) == ["b"])
        }
    }

    @Test("tells duplicates and broken references apart from the rest", arguments: Engine.allCases)
    func kinds(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            #expect(try await store.failure("INSERT INTO person (id, name) VALUES ('1', 'alice')") == nil)
            #expect(try await store.failure("INSERT INTO person (id) VALUES ('1')") == .duplicate)
            #expect(try await store.failure("INSERT INTO person (id, name) VALUES ('2', 'alice')") == .duplicate)
            #expect(try await store.failure("INSERT INTO pet (id, owner) VALUES (1, 'nobody')") == .brokenReference)
            #expect(try await store.failure("INSERT INTO pet (id, owner) VALUES (1, '1')") == nil)
            #expect(try await store.failure("DELETE FROM person WHERE id = '1'") == .brokenReference)
            #expect(try await store.failure("INSERT INTO pet (id, owner) VALUES (2, NULL)") == .engine)
            #expect(try await store.failure("NONSENSE") == .engine)
            #expect(try await store.failure("DELETE FROM pet; DELETE FROM person") == .engine)
            #expect(try await store.count(.pet) == 1)
        }
    }

    @Test("what goes to the log of an error holds no parameter", arguments: Engine.allCases)
    func quietErrors(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            let secret = "hunter2"
            do {
                try await store.write { transaction in
                    for _ in 0..<2 {
                        try transaction.run("INSERT INTO person (id, name) VALUES (\(secret), \(secret))")
                    }
                }
                Issue.record("the duplicate was accepted")
            } catch {
                #expect(!"\(error)".contains(secret))
            }
        }
    }

    @Test("reading changes nothing", arguments: Engine.allCases)
    func readOnly(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            await #expect(throws: (any Error).self) {
                try await store.read { _ = try $0.rows("INSERT INTO person (id) VALUES ('1') RETURNING id") }
            }
            #expect(try await store.count(.person) == 0)
        }
    }

    @Test("many writers at once lose nothing", arguments: Engine.allCases)
    func concurrentWriters(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            try await store.write { try $0.run("INSERT INTO person (id, age) VALUES ('n', 0)") }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        try await store.write { transaction in
                            let age = try transaction.row("SELECT age FROM person")?.integer("age") ?? -1
                            try transaction.run("UPDATE person SET age = \(age + 1)")
                        }
                    }
                    group.addTask { _ = try await store.count(.person) }
                }
                try await group.waitForAll()
            }
            let age = try await store.read { try $0.row("SELECT age FROM person")?.integer("age") }
            #expect(age == 100)
        }
    }

    @Test("a cancelled writer leaves a whole transaction or none", arguments: Engine.allCases)
    func cancellation(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            for round in 0..<50 {
                let task = Task {
                    try await store.write { transaction in
                        try transaction.run("INSERT INTO person (id) VALUES (\("a\(round)"))")
                        try transaction.run("INSERT INTO person (id) VALUES (\("b\(round)"))")
                    }
                }
                task.cancel()
                _ = await task.result
                #expect(try await store.count(.person) % 2 == 0)
            }
        }
    }

    @Test("migrations run once, in order, and again only the new ones", arguments: Engine.allCases)
    func migrations(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            try await store.migrate(Engine.migrations)
            let more =
                Engine.migrations + [
                    Migration(
                        "test-2",
                        ["ALTER TABLE person ADD COLUMN city TEXT", "INSERT INTO person (id, city) VALUES ('1', 'x')"]
                    )
                ]
            try await store.migrate(more)
            try await store.migrate(more)
            #expect(try await store.count(.person) == 1)
        }
    }

    @Test("a migration that fails leaves no trace and runs next time", arguments: Engine.allCases)
    func failedMigration(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            let broken = Engine.migrations + [Migration("test-2", ["CREATE TABLE extra (id TEXT)", "NONSENSE"])]
            await #expect(throws: StorageError(.engine, "")) { try await store.migrate(broken) }
            let mended = Engine.migrations + [Migration("test-2", ["CREATE TABLE extra (id TEXT)"])]
            try await store.migrate(mended)
            #expect(try await store.failure("INSERT INTO extra (id) VALUES ('1')") == nil)
        }
    }

    @Test("refuses a store that a newer program wrote, and changes nothing in it", arguments: Engine.allCases)
    func newer(engine: Engine) async throws {
        try await engine.withStore { store async throws in
            try await store.migrate(Engine.migrations + [Migration("test-9", [])])
            await #expect(throws: StorageError(.damaged, "")) {
                try await store.migrate(Engine.migrations + [Migration("test-2", ["DROP TABLE person"])])
            }
            #expect(try await store.count(.person) == 0)
        }
    }
}

@Suite("Statement")
struct StatementTests {
    @Test("keeps text and parameters apart")
    func interpolation() throws {
        let path = try #require(ResourcePath("/A/b"))
        let statement: Statement =
            "SELECT \(1), \(true), \("x'"), \(GUID.zero), \(Instant(milliseconds: 5)), \(path), \(["a": 1] as JSONValue)"
        #expect(statement.sql == "SELECT ?, ?, ?, ?, ?, ?, ?")
        #expect(
            statement.parameters == [
                .integer(1), .integer(1), .text("x'"), .text(GUID.zero.description), .integer(5), .text("/a/b"),
                .text(#"{"a":1}"#),
            ]
        )
    }

    @Test("binds null for nil")
    func null() {
        let statement: Statement = "SELECT \(GUID?.none), \(String?.some("x"))"
        #expect(statement.parameters == [.null, .text("x")])
    }

    @Test("takes in a part with its parameters, in their places")
    func parts() {
        let part: Statement = "b = \(2)"
        let statement: Statement = "SELECT \(1) WHERE \(part) AND c = \(3)"
        #expect(statement.sql == "SELECT ? WHERE b = ? AND c = ?")
        #expect(statement.parameters == [.integer(1), .integer(2), .integer(3)])
    }

    @Test("spreads lists")
    func lists() {
        #expect(("IN (\(list: [1, 2, 3]))" as Statement).sql == "IN (?, ?, ?)")
        #expect(("IN (\(list: [String]()))" as Statement).sql == "IN (NULL)")
    }
}
