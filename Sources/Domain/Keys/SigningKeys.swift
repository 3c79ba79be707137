public import Audit
public import Storage
import Synchronization
public import Vocabulary

/// The keys that sign tokens: made, kept sealed, replaced, and published for others to verify with.
///
/// The newest key of each algorithm signs; the ones before it stay published and verify for `keepOld`, so that no token that is still good
/// stops working when keys change.
public final class SigningKeys: Sendable {
    /// The algorithms that tokens are signed with. Source: RFC 7518 section 3.1.
    public enum Algorithm: String, Sendable, Hashable, CaseIterable {
        /// What clients expect that were written for Microsoft Entra ID.
        case rs256 = "RS256"
        /// Forty times faster to sign.
        case es256 = "ES256"
    }

    /// The schema.
    public static let migrations = [
        Migration(
            "keys-1",
            [
                """
                CREATE TABLE signing_key (
                    kid TEXT PRIMARY KEY NOT NULL,
                    algorithm TEXT NOT NULL,
                    sealed BLOB NOT NULL,
                    certificate BLOB NOT NULL,
                    not_before BIGINT NOT NULL,
                    retired_at BIGINT
                )
                """,
                """
                CREATE TABLE ssh_ca_key (
                    id TEXT PRIMARY KEY NOT NULL,
                    purpose TEXT NOT NULL,
                    key_type TEXT NOT NULL,
                    sealed BLOB NOT NULL,
                    state TEXT NOT NULL,
                    created_at BIGINT NOT NULL,
                    retired_at BIGINT
                )
                """,
            ]
        )
    ]

    private let database: any Database
    private let audit: AuditLog
    private let clock: TimeSource
    private let random: RandomSource
    private let sealing: SealingKey
    private let keepOld: Duration
    private let publishAhead: Duration
    private let keys = Mutex<[SigningKey]>([])

    /// Makes the holder; call `load` before anything else.
    ///
    /// `keepOld`: how long a replaced key still verifies; longer than the longest token lives. `publishAhead`: how long a new key is
    /// published before it signs, for verifiers that keep the published set for a while.
    public init(
        database: any Database,
        audit: AuditLog,
        clock: TimeSource,
        random: RandomSource,
        sealing: SealingKey,
        keepOld: Duration = .seconds(2 * 86_400),
        publishAhead: Duration = .zero
    ) {
        self.database = database
        self.audit = audit
        self.clock = clock
        self.random = random
        self.sealing = sealing
        self.keepOld = keepOld
        self.publishAhead = publishAhead
    }

    /// Reads the keys, makes the first ones, and forgets the ones that verify nothing any more.
    public func load() async throws {
        let now = self.clock.now
        let known = try await self.database.read {
            try $0.rows("SELECT algorithm FROM signing_key WHERE retired_at IS NULL")
        }
        .map { try $0.text("algorithm") }
        for algorithm in Algorithm.allCases where !known.contains(algorithm.rawValue) {
            let fresh = try SigningKey.make(algorithm, from: now, random: self.random)
            let sealed = try self.sealing.seal(fresh.privateBytes, context: fresh.context)
            try await self.database.write { transaction in
                // Another process may have been faster.
                let present = try transaction.row(
                    "SELECT kid FROM signing_key WHERE algorithm = \(algorithm.rawValue) AND retired_at IS NULL"
                )
                guard present == nil else { return }
                try self.insert(fresh, sealed: sealed, in: transaction)
                try self.note("signingKey.create", fresh, in: transaction)
            }
        }
        try await self.reload()
    }

    /// Signs claims; returns a compact token whose header has `alg`, `typ: JWT`, `kid`, `x5t` and whatever `header` adds.
    ///
    /// Throws `KeysError.notLoaded` before `load`.
    public func sign(_ claims: JSONValue, with algorithm: Algorithm, header: [String: JSONValue] = [:]) throws -> String
    {
        let key = try self.current(algorithm)
        var members = header
        members["alg"] = .string(algorithm.rawValue)
        members["typ"] = members["typ"] ?? "JWT"
        members["kid"] = .string(key.kid)
        members["x5t"] = .string(key.kid)
        let signed = Base64URL.encode(JSONValue.object(members).bytes) + "." + Base64URL.encode(claims.bytes)
        return signed + "." + Base64URL.encode(try key.sign(Array(signed.utf8)))
    }

    /// Verifies the signature of a token that we issued; returns its claims. Times, issuer and audience remain the caller's to check.
    ///
    /// The key is found by `kid` among the published ones, and `alg` must be that key's own. Throws `InvalidAuthenticationToken`.
    public func verify(_ token: String) throws(Problem) -> JSONValue {
        do {
            let parts = try JWS.split(token)
            let now = self.clock.now
            guard
                let kid = parts.keyID,
                let key = self.keys.withLock({
                    $0.first { $0.kid == kid && $0.isPublished(at: now, for: self.keepOld) }
                })
            else { throw JWS.Refused.signature }
            guard let algorithm = parts.algorithm, algorithm.rawValue == key.algorithm.rawValue else {
                throw JWS.Refused.algorithm
            }
            guard try JWS.fits(parts, algorithm: algorithm, key: key.publicKey) else { throw JWS.Refused.signature }
            return parts.claims
        } catch {
            throw Problem(
                "InvalidAuthenticationToken",
                shown: "The access token is invalid.",
                logged: "token refused: \(error)"
            )
        }
    }

    /// The public halves of every key that verifies, as a JSON Web Key Set with each key's certificate. Source: RFC 7517 section 5.
    public func publicKeys(issuer: String) -> JSONValue {
        let now = self.clock.now
        let published = self.keys.withLock { $0.filter { $0.isPublished(at: now, for: self.keepOld) } }
        return ["keys": .array(published.map { $0.jwk(issuer: issuer) })]
    }

    /// Makes a new key for each algorithm; the ones so far stop signing and stay published for `keepOld`.
    public func rotate() async throws {
        try await self.replace(Algorithm.allCases)
    }

    /// Replaces each key that has been signing for longer than this; returns whether there was one.
    public func rotate(ifOlderThan age: Duration) async throws -> Bool {
        let now = self.clock.now
        let old = Algorithm.allCases.filter { algorithm in
            self.keys.withLock { keys in
                keys.filter { $0.algorithm == algorithm && $0.retiredAt == nil }.allSatisfy { now - $0.notBefore > age }
            }
        }
        try await self.replace(old)
        return !old.isEmpty
    }

    private func replace(_ algorithms: [Algorithm]) async throws {
        let start = self.clock.now + self.publishAhead
        for algorithm in algorithms {
            let fresh = try SigningKey.make(algorithm, from: start, random: self.random)
            let sealed = try self.sealing.seal(fresh.privateBytes, context: fresh.context)
            try await self.database.write { transaction in
                try transaction.run(
                    """
                    UPDATE signing_key SET retired_at = \(start)
                    WHERE algorithm = \(algorithm.rawValue) AND retired_at IS NULL
                    """
                )
                try self.insert(fresh, sealed: sealed, in: transaction)
                try self.note("signingKey.rotate", fresh, in: transaction)
            }
        }
        try await self.reload()
    }

    /// Reads the keys again, for when another process changed them.
    public func reload() async throws {
        let end = self.clock.now - self.keepOld
        let rows = try await self.database.write { transaction in
            try transaction.run("DELETE FROM signing_key WHERE retired_at < \(end)")
            return try transaction.rows(
                "SELECT kid, algorithm, sealed, certificate, not_before, retired_at FROM signing_key ORDER BY not_before"
            )
        }
        let keys = try rows.map { try SigningKey(row: $0, sealing: self.sealing) }
        self.keys.withLock { $0 = keys }
    }

    private func current(_ algorithm: Algorithm) throws(KeysError) -> SigningKey {
        let now = self.clock.now
        let mine = self.keys.withLock { $0.filter { $0.algorithm == algorithm } }
        // Before the very first key's time (a clock set back) the oldest key still signs.
        guard let key = mine.last(where: { $0.notBefore <= now }) ?? mine.first else {
            throw KeysError(.notLoaded, "no \(algorithm.rawValue) key")
        }
        return key
    }

    private func insert(_ key: SigningKey, sealed: [UInt8], in transaction: any Transaction) throws {
        try transaction.run(
            """
            INSERT INTO signing_key (kid, algorithm, sealed, certificate, not_before)
            VALUES (\(key.kid), \(key.algorithm.rawValue), \(sealed), \(key.certificate), \(key.notBefore))
            """
        )
    }

    private func note(_ action: String, _ key: SigningKey, in transaction: any Transaction) throws {
        try self.audit.record(
            AuditEvent(
                at: self.clock.now,
                actor: nil,
                actorName: "sallyport",
                action: action,
                target: key.kid,
                outcome: .success,
                details: ["algorithm": key.algorithm.rawValue]
            ),
            in: transaction
        )
    }
}
