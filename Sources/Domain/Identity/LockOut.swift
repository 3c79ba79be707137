import Crypto
import Storage
import Synchronization
import Vocabulary

/// How many wrong passwords are too many. The defaults are those of Microsoft Entra ID, "smart lockout".
public struct SignInLimits: Sendable {
    /// Wrong passwords until an account is locked.
    public var threshold: Int
    /// How long it is locked the first time; twice as long each further time.
    public var firstLock: Duration
    /// The longest lock.
    public var longestLock: Duration
    /// After this long without a wrong password, counting starts anew.
    public var memory: Duration
    /// Wrong passwords from one network address within `sourceWindow` until it has to wait.
    public var sourceThreshold: Int
    /// The time over which an address's wrong passwords are counted.
    public var sourceWindow: Duration

    /// Makes limits.
    public init(
        threshold: Int = 10,
        firstLock: Duration = .seconds(60),
        longestLock: Duration = .seconds(3600),
        memory: Duration = .seconds(86_400),
        sourceThreshold: Int = 200,
        sourceWindow: Duration = .seconds(600)
    ) {
        self.threshold = max(1, threshold)
        self.firstLock = firstLock
        self.longestLock = longestLock
        self.memory = memory
        self.sourceThreshold = max(1, sourceThreshold)
        self.sourceWindow = sourceWindow
    }
}

/// Counts wrong passwords for each account and each network.
///
/// An account has one counter for all strange places and one for each familiar place (`FamiliarPlaces`): a lock shuts only where it was earned.
/// Names that nobody has are counted like the others, so that a lock tells nothing. Counts are stored, so that a restart is no way out.
final class LockOut: Sendable {
    private struct Source {
        var failures = 0
        var since: Instant
    }

    private struct Recent {
        /// Digests of the last three wrong passwords of each account, under a key that dies with the process: nothing to steal.
        var wrong: [String: [[UInt8]]] = [:]
        var sources: [String: Source] = [:]
        /// The end of the lock that was last written to the audit, for each account.
        var noted: [String: Instant] = [:]
    }

    private let limits: SignInLimits
    private let database: any Database
    private let clock: TimeSource
    private let key: SymmetricKey
    private let recent = Mutex(Recent())
    /// Past this many, memory of that kind is dropped; unknown names in the store are trimmed to it.
    private let bound = 10_000

    init(limits: SignInLimits, database: any Database, clock: TimeSource, random: RandomSource) {
        self.limits = limits
        self.database = database
        self.clock = clock
        self.key = SymmetricKey(data: random.bytes(32))
    }

    /// The counter of somebody's account for a familiar place, or for all the others.
    static func key(user id: GUID, place: String?) -> String {
        place.map { "user:\(id)@\($0)" } ?? "user:\(id)"
    }

    /// Lifts every lock of somebody's account.
    static func lift(_ id: GUID, in transaction: any Transaction) throws {
        let places = "\(Self.key(user: id, place: ""))%"
        try transaction.run(
            "DELETE FROM identity_lock WHERE account = \(Self.key(user: id, place: nil)) OR account LIKE \(places)"
        )
    }

    /// The account that an unknown name stands for; the name itself is not kept.
    static func key(name: String) -> String { "name:\(Hex.encode(SHA256.hash(data: Array(name.lowercased().utf8))))" }

    /// Until when an account is locked, if it is.
    static func lockedUntil(_ account: String, at now: Instant, in reader: any Reader) throws -> Instant? {
        guard let row = try reader.row("SELECT locked_until FROM identity_lock WHERE account = \(account)") else {
            return nil
        }
        let end = try row.instant("locked_until")
        return end > now ? end : nil
    }

    /// Whether the audit should have a line about an attempt on a locked account: once for each lock, or the audit itself could be flooded.
    func isFirstRefusal(of account: String, until end: Instant) -> Bool {
        self.recent.withLock { recent in
            if recent.noted.count >= self.bound { recent.noted.removeAll() }
            return recent.noted.updateValue(end, forKey: account) != end
        }
    }

    /// Whether an address has to wait.
    func isThrottled(_ source: String) -> Bool {
        let now = self.clock.now
        let source = SourceBlock.of(source)
        return self.recent.withLock { recent in
            guard let known = recent.sources[source], now - known.since < self.limits.sourceWindow else { return false }
            return known.failures >= self.limits.sourceThreshold
        }
    }

    /// Counts a wrong password against an address.
    func count(source: String) {
        let now = self.clock.now
        let source = SourceBlock.of(source)
        self.recent.withLock { recent in
            if recent.sources.count >= self.bound, recent.sources[source] == nil {
                // Those with the fewest failures go: who owns many networks must not wipe out what others have earned.
                let least = recent.sources.min {
                    ($0.value.failures, $0.value.since) < ($1.value.failures, $1.value.since)
                }
                if let least { recent.sources[least.key] = nil }
            }
            var known = recent.sources[source] ?? Source(since: now)
            if now - known.since >= self.limits.sourceWindow { known = Source(since: now) }
            known.failures += 1
            recent.sources[source] = known
        }
    }

    /// Whether this wrong password is one of the account's last three; remembers it.
    func isRepeated(_ password: Secret<[UInt8]>, for account: String) -> Bool {
        let digest = password.withValue { [UInt8](HMAC<SHA256>.authenticationCode(for: $0, using: self.key)) }
        return self.recent.withLock { recent in
            if recent.wrong.count >= self.bound { recent.wrong.removeAll() }
            var last = recent.wrong[account] ?? []
            guard !last.contains(digest) else { return true }
            last.append(digest)
            recent.wrong[account] = last.suffix(3)
            return false
        }
    }

    /// Counts a wrong password against an account; returns until when this locks it, if it does.
    func count(_ account: String, in transaction: any Transaction) throws -> Instant? {
        let now = self.clock.now
        let row = try transaction.row("SELECT failures, locks, failed_at FROM identity_lock WHERE account = \(account)")
        let isFresh = try row.map { now - (try $0.instant("failed_at")) < self.limits.memory } ?? false
        let failures = isFresh ? try row?.integer("failures") ?? 0 : 0
        let locks = isFresh ? try row?.integer("locks") ?? 0 : 0
        let isLocking = failures + 1 >= self.limits.threshold
        let end = isLocking ? now + self.length(ofLock: locks) : now
        try transaction.run(
            """
            INSERT INTO identity_lock (account, failures, locks, failed_at, locked_until)
            VALUES (\(account), \(failures + 1), \(locks + (isLocking ? 1 : 0)), \(now), \(end))
            ON CONFLICT (account) DO UPDATE SET
                failures = excluded.failures, locks = excluded.locks, failed_at = excluded.failed_at,
                locked_until = excluded.locked_until
            """
        )
        try self.trim(now, in: transaction)
        return isLocking ? end : nil
    }

    /// Forgets an account's wrong passwords after a right one.
    func forgive(_ account: String, in transaction: any Transaction) throws {
        self.recent.withLock { $0.wrong[account] = nil }
        try transaction.run("DELETE FROM identity_lock WHERE account = \(account)")
    }

    private func length(ofLock number: Int64) -> Duration {
        var length = self.limits.firstLock
        for _ in 0..<min(number, 32) where length < self.limits.longestLock {
            length *= 2
        }
        return min(length, self.limits.longestLock)
    }

    private func trim(_ now: Instant, in transaction: any Transaction) throws {
        let end = now - self.limits.memory
        try transaction.run("DELETE FROM identity_lock WHERE failed_at < \(end) AND locked_until < \(now)")
        try transaction.run(
            """
            DELETE FROM identity_lock WHERE account IN (
                SELECT account FROM identity_lock WHERE account LIKE 'name:%' ORDER BY failed_at DESC LIMIT 1000 OFFSET \(self.bound)
            )
            """
        )
    }
}
