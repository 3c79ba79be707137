import Audit
import Keys
import SQLiteStorage
import Storage
import TestKit
import Vocabulary

/// A store, a clock and keys, for one test.
struct KeysWorld {
    let clock = TurnedClock()
    let random = SeededRandom()
    let database: SQLiteDatabase
    let sealing: SealingKey

    init() async throws {
        self.database = try await MemoryStore.make(AuditLog.migrations + SigningKeys.migrations)
        self.sealing = try SealingKey(bytes: [UInt8](repeating: 7, count: 32))
    }

    var audit: AuditLog { AuditLog(database: self.database) }

    func signingKeys(sealing: SealingKey? = nil, publishAhead: Duration = .zero) -> SigningKeys {
        SigningKeys(
            database: self.database,
            audit: self.audit,
            clock: self.clock.source,
            random: self.random.source,
            sealing: sealing ?? self.sealing,
            keepOld: .seconds(3600),
            publishAhead: publishAhead
        )
    }

    func authorityKeys(_ type: SSHCAKeys.KeyType = .ed25519) -> SSHCAKeys {
        SSHCAKeys(
            database: self.database,
            audit: self.audit,
            clock: self.clock.source,
            random: self.random.source,
            sealing: self.sealing,
            keyType: type,
            keepOldUser: .seconds(3600)
        )
    }
}
