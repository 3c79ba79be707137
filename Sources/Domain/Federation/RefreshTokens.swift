import Storage
import Vocabulary

/// Refresh tokens: opaque, kept as digests, bound to a person and a client, good for ninety days after each use.
///
/// A use gives a new one and leaves the old one alive: parallel programs share a cache and would lock each other out. What ends them all
/// is the person's `tokensValidFrom`. Source: Microsoft identity platform, refresh tokens.
struct RefreshTokens: Sendable {
    struct Entry: Sendable {
        let authentication: Authentication
        let client: GUID
        let issuedAt: Instant
        let expiresAt: Instant
    }

    static let schema: [Statement] = [
        """
        CREATE TABLE federation_refresh_token (
            id TEXT PRIMARY KEY NOT NULL,
            user_id TEXT NOT NULL,
            client_id TEXT NOT NULL,
            authentication TEXT NOT NULL,
            issued_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL
        )
        """,
        "CREATE INDEX federation_refresh_token_expiry ON federation_refresh_token (expires_at)",
    ]

    static let lifetime = Duration.seconds(90 * 86_400)

    let database: any Database
    let clock: TimeSource
    let random: RandomSource

    /// Makes a new token.
    func issue(_ authentication: Authentication, client: GUID) async throws -> Secret<String> {
        // The prefix lets scanners of logs and repositories recognise what leaked.
        let token = "sprt_" + self.random.token()
        let now = self.clock.now
        let document = try JSONValue(parsing: JSONText.encode(authentication))
        try await self.database.write { transaction in
            try transaction.run(
                """
                INSERT INTO federation_refresh_token
                    (id, user_id, client_id, authentication, issued_at, expires_at)
                VALUES (\(Digest.of(token)), \(authentication.user), \(client), \(document), \(now), \(now + Self.lifetime))
                """
            )
        }
        return Secret(token)
    }

    /// What a token stands for; nil when it is not known. Expiry is the caller's to check.
    func entry(_ token: Secret<[UInt8]>) async throws -> Entry? {
        let id = Digest.of(token)
        let row = try await self.database.read { reader in
            try reader.row(
                """
                SELECT client_id, authentication, issued_at, expires_at
                FROM federation_refresh_token
                WHERE id = \(id)
                """
            )
        }
        return try row.map { row in
            Entry(
                authentication: try JSONText.decode(Authentication.self, from: try row.text("authentication")),
                client: try row.guid("client_id"),
                issuedAt: try row.instant("issued_at"),
                expiresAt: try row.instant("expires_at")
            )
        }
    }

    static func removeExpired(before now: Instant, in transaction: any Transaction) throws {
        try transaction.run("DELETE FROM federation_refresh_token WHERE expires_at <= \(now)")
    }
}
