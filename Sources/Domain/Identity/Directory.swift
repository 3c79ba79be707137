public import Audit
public import Passwords
public import Storage
import Synchronization
public import Vocabulary

/// The tenant's people, groups, service principals and client applications, and how they prove who they are.
///
/// Reading is split over the extensions by kind. Every change is audited in its own transaction and then published on `changes`; a change
/// that another process made to the same store is noticed by `catchUp`.
public final class Directory: Sendable {
    /// The one organisation served.
    public let tenant: Tenant
    /// Tells what changed, after the change is stored, and after this object has forgotten what it remembered about it.
    public let changes = ChangeFeed<DirectoryChange>()

    let database: any Database
    let audit: AuditLog
    let clock: TimeSource
    let random: RandomSource
    let passwords: PasswordHasher
    let lockOut: LockOut
    let accounts = AccountCache()
    private let seen = Mutex<Int64>(0)

    /// Makes the directory; call `load` before anything else.
    public init(
        tenant: Tenant,
        database: any Database,
        audit: AuditLog,
        clock: TimeSource,
        random: RandomSource,
        passwords: PasswordHasher,
        limits: SignInLimits = SignInLimits()
    ) {
        self.tenant = tenant
        self.database = database
        self.audit = audit
        self.clock = clock
        self.random = random
        self.passwords = passwords
        self.lockOut = LockOut(limits: limits, database: database, clock: clock, random: random)
    }

    /// Checks that the store belongs to this tenant, or takes it for this tenant when it is new. Throws `TenantMismatch`.
    public func load() async throws {
        let id = self.tenant.id
        let (owner, last) = try await self.database.write { transaction in
            try transaction.run(
                "INSERT INTO identity_setting (name, value) VALUES ('tenant', \(id)) ON CONFLICT (name) DO NOTHING"
            )
            let owner = try transaction.row("SELECT value FROM identity_setting WHERE name = 'tenant'")?.guid("value")
            return (owner, try Self.lastChange(transaction))
        }
        guard owner == id else {
            throw Problem(
                "TenantMismatch",
                shown: "This store belongs to tenant \(owner?.description ?? "?"), not to \(id).",
                logged: "tenant of the store differs from the configured one"
            )
        }
        self.seen.withLock { $0 = last }
    }

    /// Looks for changes since the last look, forgets what was remembered about them and publishes each one once.
    ///
    /// Runs after every change of our own. Call it every second or so when another process may write to the same store.
    public func catchUp() async throws {
        let start = self.seen.withLock { $0 }
        let rows = try await self.database.read { reader in
            try reader.rows(
                "SELECT sequence, kind, id FROM identity_change WHERE sequence > \(start) ORDER BY sequence"
            )
        }
        let found = try rows.map { (sequence: try $0.integer("sequence"), change: try Self.change($0)) }
        let new = self.seen.withLock { seen in
            let new = found.filter { $0.sequence > seen }
            self.accounts.forget(new.map(\.change))
            seen = max(seen, new.last?.sequence ?? seen)
            return new
        }
        for one in new {
            self.changes.publish(one.change)
        }
    }

    /// What a change gives back, with the changes to publish and the line for the audit.
    struct Effect<Value: Sendable>: Sendable {
        let value: Value
        let changes: [DirectoryChange]
        let events: [AuditEvent]

        init(_ value: Value, changes: [DirectoryChange] = [], events: [AuditEvent] = []) {
            self.value = value
            self.changes = changes
            self.events = events
        }
    }

    /// Runs a change in one transaction with its audit lines; a dry run does everything and then takes it back.
    func commit<Value: Sendable>(
        dryRun: Bool = false,
        _ body: @Sendable (any Transaction) throws -> Effect<Value>
    ) async throws -> Value {
        do {
            let effect = try await self.database.write { transaction in
                let effect = try body(transaction)
                if dryRun { throw TakenBack(value: effect.value) }
                if !effect.changes.isEmpty {
                    var sequence = try Self.lastChange(transaction)
                    for change in effect.changes {
                        sequence += 1
                        try transaction.run(
                            """
                            INSERT INTO identity_change (sequence, kind, id)
                            VALUES (\(sequence), \(change.kind), \(change.id))
                            """
                        )
                    }
                    try transaction.run("DELETE FROM identity_change WHERE sequence <= \(sequence - 10_000)")
                }
                for event in effect.events {
                    try self.audit.record(event, in: transaction)
                }
                return effect
            }
            if !effect.changes.isEmpty { try await self.catchUp() }
            return effect.value
        } catch let taken as TakenBack<Value> {
            return taken.value
        }
    }

    func event(
        _ action: String,
        _ target: String,
        by author: Author,
        outcome: AuditEvent.Outcome = .success,
        reason: String = "",
        details: [String: String] = [:]
    ) -> AuditEvent {
        AuditEvent(
            at: self.clock.now,
            actor: author.id,
            actorName: author.name,
            action: action,
            target: target,
            outcome: outcome,
            reason: reason,
            correlation: author.correlation,
            source: author.source,
            details: details
        )
    }

    private struct TakenBack<Value: Sendable>: Error {
        let value: Value
    }

    private static func lastChange(_ reader: any Reader) throws -> Int64 {
        try reader.row("SELECT sequence FROM identity_change ORDER BY sequence DESC LIMIT 1")?.integer("sequence") ?? 0
    }

    private static func change(_ row: Row) throws -> DirectoryChange {
        let id = try row.guid("id")
        return switch try row.text("kind") {
        case "user": .user(id)
        case "group": .group(id)
        default: .servicePrincipal(id)
        }
    }
}

extension DirectoryChange {
    var kind: String {
        switch self {
        case .user: "user"
        case .group: "group"
        case .servicePrincipal: "servicePrincipal"
        }
    }

    var id: GUID {
        switch self {
        case .user(let id), .group(let id), .servicePrincipal(let id): id
        }
    }
}
