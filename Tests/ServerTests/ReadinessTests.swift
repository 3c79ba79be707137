import Logging
import Storage
import Synchronization
import TestKit
import Testing

@testable import Server

/// A store on a full disk, until there is room.
private final class FullStore: Database {
    private let store: any Database
    let isFull = Mutex(true)
    let writes = Mutex(0)

    init(_ store: any Database) {
        self.store = store
    }

    func read<Result: Sendable>(_ body: @Sendable (any Reader) throws -> Result) async throws -> Result {
        try await self.store.read(body)
    }

    func write<Result: Sendable>(_ body: @Sendable (any Transaction) throws -> Result) async throws -> Result {
        self.writes.withLock { $0 += 1 }
        if self.isFull.withLock({ $0 }) { throw StorageError(.unavailable, "disk full") }
        return try await self.store.write(body)
    }
}

@Suite("Readiness")
struct ReadinessTests {
    @Test("a store that takes no writes is not ready, and is again once there is room, five seconds later")
    func fullDisk() async throws {
        let store = FullStore(try await MemoryStore.make(Readiness.migrations))
        let clock = TurnedClock()
        var logger = Logger(label: "readiness-tests")
        logger.logLevel = .critical
        let readiness = Readiness(database: store, clock: clock.source, logger: logger)
        #expect(await !readiness.isReady())
        store.isFull.withLock { $0 = false }
        clock.turn(.milliseconds(4_999))
        #expect(await !readiness.isReady())
        clock.turn(.milliseconds(1))
        #expect(await readiness.isReady())
        #expect(store.writes.withLock { $0 } == 2)
        clock.turn(.seconds(-60))
        store.isFull.withLock { $0 = true }
        #expect(await !readiness.isReady())
    }

    @Test("many who ask at once cost one write")
    func coalesces() async throws {
        let store = FullStore(try await MemoryStore.make(Readiness.migrations))
        store.isFull.withLock { $0 = false }
        let readiness = Readiness(
            database: store,
            clock: TurnedClock().source,
            logger: Logger(label: "readiness-tests")
        )
        let ready = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 { group.addTask { await readiness.isReady() } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(ready == 50)
        #expect(store.writes.withLock { $0 } == 1)
    }
}
