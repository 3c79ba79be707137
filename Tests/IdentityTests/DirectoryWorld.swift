import Audit
import Identity
import Passwords
import SQLiteStorage
import Storage
import Synchronization
import TestKit
import Vocabulary

/// A directory of Contoso in memory, its clock, and what it published.
final class DirectoryWorld: Sendable {
    let clock = TurnedClock()
    let database: SQLiteDatabase
    let directory: Directory
    let audit: AuditLog
    let tenant: Tenant
    private let seen = Mutex<[DirectoryChange]>([])

    init(limits: SignInLimits = SignInLimits(), threads: Int = 2, queue: Int = 64) async throws {
        self.database = try await MemoryStore.make(AuditLog.migrations + Directory.migrations)
        self.audit = AuditLog(database: self.database)
        self.tenant = try Tenant(
            id: GUID(high: 1, low: 1),
            displayName: "Contoso",
            domains: ["contoso.example", "contoso.test"]
        )
        self.directory = Directory(
            tenant: self.tenant,
            database: self.database,
            audit: self.audit,
            clock: self.clock.source,
            random: SeededRandom().source,
            passwords: PasswordHasher(threads: threads, queue: queue),
            limits: limits
        )
        try await self.directory.load()
        self.directory.changes.subscribe { [weak self] change in self?.seen.withLock { $0.append(change) } }
    }

    /// What was published since the last look.
    func published() -> [DirectoryChange] {
        self.seen.withLock { seen in
            defer { seen = [] }
            return seen
        }
    }

    @discardableResult
    func user(_ name: String, password: String? = nil) async throws -> User {
        try await self.directory.put(
            user: UserDraft(userPrincipalName: "\(name)@contoso.example", displayName: name),
            password: password.map(secret)
        ).value
    }

    @discardableResult
    func group(_ name: String, _ members: [GUID] = []) async throws -> GUID {
        let id = try await self.directory.put(group: GroupDraft(displayName: name)).value.id
        try await self.directory.setMembers(of: id, to: Set(members))
        return id
    }

    func actions() async throws -> [String] {
        try await self.audit.entries().reversed().map(\.event.action)
    }
}

func secret(_ text: String) -> Secret<[UInt8]> { Secret(Array(text.utf8)) }

extension Verdict {
    var refusal: String? {
        if case .refused(let refusal) = self { refusal.code } else { nil }
    }
}

extension Problem {
    static let badRequest = Problem("Request_BadRequest", shown: "")
    static let notFound = Problem("Request_ResourceNotFound", shown: "")
    static let taken = Problem("Request_MultipleObjectsWithSameKeyValue", shown: "")
}
