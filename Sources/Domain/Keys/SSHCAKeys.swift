public import Audit
import Crypto
public import Storage
import Synchronization
public import Vocabulary

/// The keys of the SSH certificate authorities, one for users and one for hosts.
///
/// Each has a key that signs, a next one that hosts and clients already trust, and replaced ones that stay trusted until what they signed has
/// run out: so a rotation takes effect at once and breaks nothing.
public final class SSHCAKeys: Sendable {
    /// What an authority's certificates are for.
    public enum Purpose: String, Sendable, Hashable, CaseIterable {
        case user
        case host
    }

    /// The kinds of key that an authority may have.
    public enum KeyType: String, Sendable, Hashable, CaseIterable {
        case ed25519
        case ecdsaP256
        case rsa3072
    }

    /// Tells which authority's keys changed, after the change is stored.
    public let changes = ChangeFeed<Purpose>()

    private struct Held: Sendable {
        let purpose: Purpose
        let state: State
        let key: SSHCAPrivateKey
        let retiredAt: Instant?
    }

    private enum State: String {
        case current, next, retired
    }

    private let database: any Database
    private let audit: AuditLog
    private let clock: TimeSource
    private let random: RandomSource
    private let sealing: SealingKey
    private let keyType: KeyType
    private let keepOld: [Purpose: Duration]
    private let held = Mutex<[Held]>([])

    /// Makes the holder; call `load` before anything else.
    ///
    /// `keyType`: the kind of keys to make; existing ones stay what they are. `keepOldUser`, `keepOldHost`: how long a replaced key stays
    /// trusted; longer than the longest certificate it signed lives.
    public init(
        database: any Database,
        audit: AuditLog,
        clock: TimeSource,
        random: RandomSource,
        sealing: SealingKey,
        keyType: KeyType = .ed25519,
        keepOldUser: Duration = .seconds(2 * 86_400),
        keepOldHost: Duration = .seconds(90 * 86_400)
    ) {
        self.database = database
        self.audit = audit
        self.clock = clock
        self.random = random
        self.sealing = sealing
        self.keyType = keyType
        self.keepOld = [.user: keepOldUser, .host: keepOldHost]
    }

    /// Reads the keys, makes missing ones, and forgets the ones that nothing depends on any more.
    public func load() async throws {
        for purpose in Purpose.allCases {
            try await self.fill(purpose)
        }
        try await self.reload()
    }

    /// The key that signs now. Before `load`, and only then, a passing key that nobody trusts.
    public func privateKey(_ purpose: Purpose) -> SSHCAPrivateKey {
        self.held.withLock { held in
            for one in held where one.purpose == purpose && one.state == .current {
                return one.key
            }
            return .ed25519(Curve25519.Signing.PrivateKey())
        }
    }

    /// Every key whose certificates are to be accepted: the one that signs first, then the next, then replaced ones.
    public func trusted(_ purpose: Purpose) -> [SSHCAPrivateKey] {
        let now = self.clock.now
        let keep = self.keepOld[purpose] ?? .zero
        let mine = self.held.withLock { $0.filter { $0.purpose == purpose } }
        let order: [State] = [.current, .next, .retired]
        return order.flatMap { state in
            mine.filter { $0.state == state && ($0.retiredAt.map { now < $0 + keep } ?? true) }.map(\.key)
        }
    }

    /// Makes the next key the one that signs, and a new next key.
    public func rotate(_ purpose: Purpose) async throws {
        let now = self.clock.now
        try await self.database.write { transaction in
            try transaction.run(
                """
                UPDATE ssh_ca_key SET state = 'retired', retired_at = \(now)
                WHERE purpose = \(purpose.rawValue) AND state = 'current'
                """
            )
            try transaction.run(
                "UPDATE ssh_ca_key SET state = 'current' WHERE purpose = \(purpose.rawValue) AND state = 'next'"
            )
            try self.note("sshAuthorityKey.rotate", purpose, in: transaction)
        }
        try await self.fill(purpose)
        try await self.reload()
        self.changes.publish(purpose)
    }

    /// Makes what is missing of a purpose's current and next key.
    private func fill(_ purpose: Purpose) async throws {
        for state in [State.current, .next] {
            let id = GUID(from: self.random)
            let key = try SSHCAPrivateKey.make(self.keyType)
            let sealed = try self.sealing.seal(key.bytes, context: Self.context(id))
            try await self.database.write { transaction in
                let present = try transaction.row(
                    "SELECT id FROM ssh_ca_key WHERE purpose = \(purpose.rawValue) AND state = \(state.rawValue)"
                )
                guard present == nil else { return }
                try transaction.run(
                    """
                    INSERT INTO ssh_ca_key (id, purpose, key_type, sealed, state, created_at)
                    VALUES (\(id), \(purpose.rawValue), \(self.keyType.rawValue), \(sealed), \(state.rawValue), \(self.clock.now))
                    """
                )
                try self.note("sshAuthorityKey.create", purpose, in: transaction)
            }
        }
    }

    /// Reads the keys again, for when another process changed them.
    public func reload() async throws {
        let now = self.clock.now
        let keepOld = self.keepOld
        let rows = try await self.database.write { transaction in
            for purpose in Purpose.allCases {
                try transaction.run(
                    """
                    DELETE FROM ssh_ca_key
                    WHERE purpose = \(purpose.rawValue) AND retired_at < \(now - (keepOld[purpose] ?? .zero))
                    """
                )
            }
            return try transaction.rows(
                "SELECT id, purpose, key_type, sealed, state, retired_at FROM ssh_ca_key ORDER BY created_at DESC, id"
            )
        }
        let held = try rows.map { row in
            guard
                let purpose = Purpose(rawValue: try row.text("purpose")),
                let state = State(rawValue: try row.text("state")),
                let type = KeyType(rawValue: try row.text("key_type"))
            else { throw StorageError(.unexpectedValue, "table ssh_ca_key") }
            let bytes = try self.sealing.open(try row.blob("sealed"), context: Self.context(try row.guid("id")))
            return Held(
                purpose: purpose,
                state: state,
                key: try SSHCAPrivateKey(type, bytes: bytes),
                retiredAt: try row.optionalInstant("retired_at")
            )
        }
        for purpose in Purpose.allCases where !held.contains(where: { $0.purpose == purpose && $0.state == .current }) {
            throw KeysError(.notLoaded, "no current \(purpose.rawValue) authority key")
        }
        self.held.withLock { $0 = held }
    }

    private static func context(_ id: GUID) -> String { "ssh authority key \(id)" }

    private func note(_ action: String, _ purpose: Purpose, in transaction: any Transaction) throws {
        try self.audit.record(
            AuditEvent(
                at: self.clock.now,
                actor: nil,
                actorName: "sallyport",
                action: action,
                target: purpose.rawValue,
                outcome: .success
            ),
            in: transaction
        )
    }
}
