import NIOCore
import Storage
import Synchronization
import Vocabulary

/// The virtual networks that stand for networks which this server really reaches.
///
/// Only the operator says so, by declaring them in an apply file. Anybody with a role may make virtual networks and name any range; dialling
/// into those would lead them to whatever the server's own routes reach.
final class WiredNetworks: Sendable {
    /// The schema.
    static let migrations = [
        Migration("server-2", ["CREATE TABLE server_network (path TEXT PRIMARY KEY NOT NULL)"])
    ]

    private let database: any Database
    private let paths = Mutex(Set<ResourcePath>())

    init(database: any Database) {
        self.database = database
    }

    /// Reads what was declared.
    func load() async throws {
        let read = try await self.database.read { reader in
            try reader.rows("SELECT path FROM server_network").map { try $0.path("path") }
        }
        self.paths.withLock { $0 = Set(read) }
    }

    /// Notes that a virtual network was declared; whether that is new.
    func declare(_ path: ResourcePath) async throws -> Bool {
        guard !self.contains(path) else { return false }
        try await self.database.write { transaction in
            try transaction.run("INSERT INTO server_network (path) VALUES (\(path)) ON CONFLICT (path) DO NOTHING")
        }
        return self.paths.withLock { $0.insert(path).inserted }
    }

    /// Whether the server reaches a virtual network.
    func contains(_ path: ResourcePath) -> Bool {
        self.paths.withLock { $0.contains(path) }
    }

    /// Whether an address is one of this very server's: behind the bastion there must be no way back to it.
    static func isOwn(_ address: String) -> Bool {
        ((try? System.enumerateDevices()) ?? []).contains { $0.address?.ipAddress == address }
    }
}
