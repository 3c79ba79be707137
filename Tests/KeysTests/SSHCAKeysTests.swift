import Crypto
import CryptoExtras
import FoundationEssentials
import Keys
import Storage
import SQLiteStorage
import Synchronization
import TestKit
import Testing
import Vocabulary

extension SSHCAPrivateKey {
    fileprivate var publicBytes: [UInt8] {
        switch self {
        case .ed25519(let key): [UInt8](key.publicKey.rawRepresentation)
        case .p256(let key): [UInt8](key.publicKey.rawRepresentation)
        case .rsa(let key): [UInt8](key.publicKey.derRepresentation)
        }
    }
}

struct SSHCAKeysTests {
    @Test("makes keys of the kind asked for and finds them after a restart", arguments: SSHCAKeys.KeyType.allCases)
    func makesAndKeeps(type: SSHCAKeys.KeyType) async throws {
        let world = try await KeysWorld()
        let keys = world.authorityKeys(type)
        try await keys.load()
        #expect(keys.privateKey(.user).keyType == type)
        let again = world.authorityKeys(type)
        try await again.load()
        for purpose in SSHCAKeys.Purpose.allCases {
            #expect(again.privateKey(purpose).publicBytes == keys.privateKey(purpose).publicBytes)
            #expect(again.trusted(purpose).map(\.publicBytes) == keys.trusted(purpose).map(\.publicBytes))
        }
    }

    @Test("has different authorities for users and hosts")
    func separates() async throws {
        let keys = try await KeysWorld().authorityKeys()
        try await keys.load()
        let user = Set(keys.trusted(.user).map(\.publicBytes))
        #expect(user.count == 2)
        #expect(user.isDisjoint(with: keys.trusted(.host).map(\.publicBytes)))
    }

    @Test("rotates to the key that was trusted already, and trusts the replaced one for as long as it said")
    func rotates() async throws {
        let world = try await KeysWorld()
        let keys = world.authorityKeys()
        try await keys.load()
        let before = keys.trusted(.user).map(\.publicBytes)
        let hosts = keys.trusted(.host).map(\.publicBytes)
        try await keys.rotate(.user)
        #expect(keys.privateKey(.user).publicBytes == before[1])
        #expect(keys.trusted(.user).map(\.publicBytes).contains(before[0]))
        #expect(keys.trusted(.user).count == 3)
        #expect(keys.trusted(.host).map(\.publicBytes) == hosts)
        world.clock.turn(.seconds(3600))
        #expect(!keys.trusted(.user).map(\.publicBytes).contains(before[0]))
    }

    @Test("tells that an authority's keys changed, after they did")
    func tells() async throws {
        let keys = try await KeysWorld().authorityKeys()
        try await keys.load()
        let before = keys.privateKey(.host).publicBytes
        let seen = Mutex<[Bool]>([])
        keys.changes.subscribe { [unowned keys] purpose in
            let isNew = purpose == .host && keys.privateKey(.host).publicBytes != before
            seen.withLock { $0.append(isNew) }
        }
        try await keys.rotate(.host)
        #expect(seen.withLock { $0 } == [true])
    }

    @Test("keeps no private key in clear")
    func seals() async throws {
        let world = try await KeysWorld()
        let keys = world.authorityKeys()
        try await keys.load()
        guard case .ed25519(let key) = keys.privateKey(.user) else {
            Issue.record("another kind of key")
            return
        }
        for row in try await world.database.read({ try $0.rows("SELECT sealed FROM ssh_ca_key") }) {
            #expect(!(try row.blob("sealed")).contains([UInt8](key.rawRepresentation)))
        }
    }

    @Test("does not accept one authority's sealed key in another's row")
    func bindsRows() async throws {
        let world = try await KeysWorld()
        try await world.authorityKeys().load()
        try await world.database.write { transaction in
            try transaction.run(
                """
                UPDATE ssh_ca_key SET sealed = (
                    SELECT sealed FROM ssh_ca_key WHERE purpose = 'host' AND state = 'current'
                )
                WHERE purpose = 'user' AND state = 'current'
                """
            )
        }
        await #expect(throws: KeysError(.cannotOpen, "")) { try await world.authorityKeys().load() }
    }
}
