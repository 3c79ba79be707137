@testable import Audit
import SQLiteStorage
import Storage
import TestKit
import Testing
import Vocabulary

@Suite("AuditLog")
struct AuditLogTests {
    private func filled(_ count: Int) async throws -> (AuditLog, SQLiteDatabase) {
        let database = try await MemoryStore.make(AuditLog.migrations)
        let log = AuditLog(database: database, seal: Secret([1, 2, 3]))
        try await log.begin()
        for number in 1...count { try await log.record(Self.event(number)) }
        return (log, database)
    }

    private static func event(_ number: Int) -> AuditEvent {
        AuditEvent(
            at: Instant(seconds: Int64(number)),
            actor: number % 2 == 0 ? GUID(high: 0, low: UInt64(number)) : nil,
            actorName: "alice",
            action: "tunnel.open",
            target: "/machines/\(number)",
            outcome: .success,
            details: ["number": "\(number)"]
        )
    }

    @Test("an empty log is well and has no head")
    func empty() async throws {
        let log = AuditLog(database: try await MemoryStore.make(AuditLog.migrations))
        #expect(try await log.verify() == nil)
        #expect(try await log.head() == nil)
        #expect(try await log.entries().isEmpty)
    }

    @Test("an untouched chain verifies, over more entries than one reading takes")
    func verifies() async throws {
        let (log, _) = try await self.filled(1003)
        #expect(try await log.verify() == nil)
        #expect(try await log.head()?.sequence == 1003)
    }

    @Test("entries come newest first, page by page, as they were recorded")
    func pages() async throws {
        let (log, _) = try await self.filled(5)
        let first = try await log.entries(limit: 2)
        #expect(first.map(\.sequence) == [5, 4])
        #expect(try await log.entries(before: 4, limit: 2).map(\.sequence) == [3, 2])
        #expect(try await log.entries(before: 1).isEmpty)
        #expect(try await log.entries(limit: -3).count == 1)
        #expect(first.first?.event == Self.event(5))
    }

    @Test(
        "finds the first entry that was changed, removed or moved",
        arguments: [
            ("UPDATE audit SET event = replace(event, 'alice', 'mallory') WHERE sequence = 4", 4),
            ("UPDATE audit SET event = event || ' ' WHERE sequence = 1", 1),
            ("UPDATE audit SET event = '{}' WHERE sequence = 9", 9),
            ("UPDATE audit SET event = x'00' WHERE sequence = 3", 3),
            ("UPDATE audit SET digest = '' WHERE sequence = 2", 2),
            ("UPDATE audit SET at = 0 WHERE sequence = 5", 5),
            ("UPDATE audit SET action = 'tunnel.close' WHERE sequence = 6", 6),
            ("UPDATE audit SET actor = NULL WHERE sequence = 8", 8),
            ("UPDATE audit SET actor = '00000000-0000-0000-0000-000000000007' WHERE sequence = 7", 7),
            ("DELETE FROM audit WHERE sequence = 1", 1), ("DELETE FROM audit WHERE sequence BETWEEN 3 AND 5", 3),
            ("UPDATE audit SET sequence = CASE sequence WHEN 4 THEN -5 ELSE -4 END WHERE sequence IN (4, 5)", 4),
            ("UPDATE audit SET sequence = sequence + 100", 1),
            ("UPDATE audit SET event = (SELECT event FROM audit WHERE sequence = 2) WHERE sequence = 3", 3),
            ("INSERT INTO audit SELECT 11, at, actor, action, event, digest FROM audit WHERE sequence = 10", 11),
        ] as [(Statement, Int64)]
    )
    func tampering(statement: Statement, place: Int64) async throws {
        let (log, database) = try await self.filled(10)
        try await database.write { transaction in
            try transaction.run(statement)
            try transaction.run("UPDATE audit SET sequence = -sequence WHERE sequence < 0")
        }
        #expect(try await log.verify() == place)
    }

    @Test(
        "a cut tail shows, whatever was done to the record of where the chain ended, and is not hidden by what comes later"
    )
    func cutTail() async throws {
        let covers: [Statement?] = [
            nil, "DELETE FROM audit_head", "UPDATE audit_head SET sequence = 8",
            """
            UPDATE audit_head
            SET sequence = 8, digest = (SELECT digest FROM audit WHERE sequence = 8)
            """,
            "UPDATE audit_head SET seal = ''", "UPDATE audit_head SET id = 2",
        ]
        for cover in covers {
            let (log, database) = try await self.filled(10)
            try await database.write { transaction in
                try transaction.run("DELETE FROM audit WHERE sequence > 8")
                if let cover { try transaction.run(cover) }
            }
            #expect(try await log.verify() == 9)
            for number in 21...24 { try await log.record(Self.event(number)) }
            #expect(try await log.verify() != nil)
        }
    }

    @Test("a log that was emptied, and a chain that was written anew without the key, show")
    func rewritten() async throws {
        let (log, database) = try await self.filled(3)
        try await database.write { try $0.run("DELETE FROM audit") }
        #expect(try await log.verify() == 1)
        let forger = AuditLog(database: database, seal: Secret([9]))
        for number in 4...6 { try await forger.record(Self.event(number)) }
        #expect(try await log.verify() == 3)
    }

    @Test("a log that was emptied together with the record of its end never looks like a new one")
    func emptied() async throws {
        let (log, database) = try await self.filled(3)
        try await database.write { transaction in
            try transaction.run("DELETE FROM audit")
            try transaction.run("DELETE FROM audit_head")
        }
        #expect(try await log.verify() == 1)
        for number in 4...6 { try await log.record(Self.event(number)) }
        #expect(try await log.verify() == 4)
    }

    @Test("a sealed log is well before its first entry, and beginning it again changes nothing")
    func begun() async throws {
        let log = AuditLog(database: try await MemoryStore.make(AuditLog.migrations), seal: Secret([1]))
        try await log.begin()
        #expect(try await log.verify() == nil)
        try await log.record(Self.event(1))
        try await log.begin()
        #expect(try await log.verify() == nil)
    }

    @Test("without a key the end is not looked at")
    func unsealed() async throws {
        let database = try await MemoryStore.make(AuditLog.migrations)
        let log = AuditLog(database: database)
        for number in 1...3 { try await log.record(Self.event(number)) }
        try await database.write { try $0.run("DELETE FROM audit WHERE sequence = 3") }
        #expect(try await log.verify() == nil)
    }

    @Test("an entry is undone with the change it describes")
    func withItsChange() async throws {
        struct Stop: Error {}
        let (log, database) = try await self.filled(1)
        await #expect(throws: Stop.self) {
            try await database.write { transaction in
                try log.record(Self.event(2), in: transaction)
                throw Stop()
            }
        }
        #expect(try await log.head()?.sequence == 1)
    }

    @Test("many at once make one chain without gaps")
    func concurrent() async throws {
        let (log, _) = try await self.filled(1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<50 { group.addTask { try await log.record(Self.event(number)) } }
            try await group.waitForAll()
        }
        #expect(try await log.verify() == nil)
        #expect(try await log.head()?.sequence == 51)
    }

    @Test("control characters are cleaned, also those that were set after the event was made")
    func cleaned() async throws {
        let (log, _) = try await self.filled(1)
        let hostile = "a\u{1b}[2J\r\nb\u{202e}"
        let clean = "a?[2J??b?"
        var event = AuditEvent(
            at: Instant(seconds: 1),
            actor: nil,
            actorName: hostile,
            action: hostile,
            target: hostile,
            outcome: .refused,
            reason: hostile,
            correlation: hostile,
            source: hostile,
            details: [hostile: hostile]
        )
        #expect(event.actorName == clean && event.details == [clean: clean])
        event.actorName = hostile
        event.reason = hostile
        event.details["x"] = hostile
        try await log.record(event)
        let kept = try #require(try await log.entries(limit: 1).first).event
        #expect(
            [kept.actorName, kept.action, kept.target, kept.reason, kept.correlation, kept.source].allSatisfy {
                $0 == clean
            }
        )
        #expect(kept.details == [clean: clean, "x": clean])
        #expect(try await log.verify() == nil)
    }

    @Test("no name is too long to be kept")
    func bounded() async throws {
        let (log, _) = try await self.filled(1)
        let long = String(repeating: "é", count: 100_000)
        try await log.record(
            AuditEvent(
                at: Instant(seconds: 1),
                actor: nil,
                actorName: long,
                action: "x.y",
                target: long,
                outcome: .failed,
                reason: long
            )
        )
        let event = try #require(try await log.entries(limit: 1).first).event
        #expect(event.actorName.count == 256 && event.target.count == 2048 && event.reason.count == 1024)
    }
}
