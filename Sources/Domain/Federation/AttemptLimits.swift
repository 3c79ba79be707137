import Identity
import Storage
import Vocabulary

/// Counts tries at guessing something, so that guessing takes longer than anybody has.
///
/// Wrong passwords the directory counts itself. A try is charged before it is made and given back when it was right, so that many at once count too.
struct AttemptLimits: Sendable {
    /// What is counted: a name for the kind, and what it is counted for.
    struct Key: Sendable, Hashable {
        let digest: String
        let limit: Int64

        /// At most `limit` tries in ten minutes.
        init(_ kind: String, _ value: String, limit: Int64) {
            self.digest = Digest.of("\(kind)\n\(value)")
            self.limit = limit
        }
    }

    static let schema: [Statement] = [
        "CREATE TABLE federation_attempt (what TEXT PRIMARY KEY NOT NULL, count BIGINT NOT NULL, ends_at BIGINT NOT NULL)"
    ]

    static let window = Duration.seconds(600)

    let database: any Database
    let clock: TimeSource

    /// Charges a try to each key; returns the seconds to wait when one of them is used up.
    func take(_ keys: [Key]) async throws -> Int? {
        let now = self.clock.now
        return try await self.database.write { transaction in
            var wait: Int?
            for key in keys {
                try transaction.run(
                    """
                    INSERT INTO federation_attempt (what, count, ends_at)
                    VALUES (\(key.digest), 0, \(now + Self.window))
                    ON CONFLICT (what) DO UPDATE SET
                        count = CASE WHEN federation_attempt.ends_at <= \(now) THEN 0 ELSE federation_attempt.count END,
                        ends_at = CASE WHEN federation_attempt.ends_at <= \(now) THEN \(now + Self.window)
                            ELSE federation_attempt.ends_at END
                    """
                )
                guard
                    let row = try transaction.row(
                        "SELECT count, ends_at FROM federation_attempt WHERE what = \(key.digest)"
                    )
                else { continue }
                if try row.integer("count") >= key.limit {
                    let left = try row.instant("ends_at") - now
                    wait = max(wait ?? 1, Int(left.milliseconds / 1000) + 1)
                }
            }
            guard wait == nil else { return wait }
            try transaction.run(
                "UPDATE federation_attempt SET count = count + 1 WHERE what IN (\(list: keys.map(\.digest)))"
            )
            return nil
        }
    }

    /// Takes back the charge for a try that was right.
    func giveBack(_ keys: [Key]) async throws {
        try await self.database.write { transaction in
            try transaction.run(
                """
                UPDATE federation_attempt SET count = count - 1
                WHERE count > 0 AND what IN (\(list: keys.map(\.digest)))
                """
            )
        }
    }

    static func removeExpired(before now: Instant, in transaction: any Transaction) throws {
        try transaction.run("DELETE FROM federation_attempt WHERE ends_at <= \(now)")
    }
}

extension AttemptLimits.Key {
    /// Wrong device codes from one network.
    static func userCode(from source: String) -> Self {
        Self("user-code", SourceBlock.of(source), limit: 10)
    }

    /// Device codes and sign-in pages begun from one network.
    static func start(from source: String) -> Self {
        Self("start", SourceBlock.of(source), limit: 600)
    }
}
