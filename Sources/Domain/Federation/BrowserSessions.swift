import Storage
import Vocabulary

/// Who is signed in with which browser: several people may be, each until 24 hours pass without use.
struct BrowserSessions: Sendable {
    static let schema: [Statement] = [
        """
        CREATE TABLE federation_session (
            browser TEXT NOT NULL,
            user_id TEXT NOT NULL,
            authentication TEXT NOT NULL,
            expires_at BIGINT NOT NULL,
            PRIMARY KEY (browser, user_id)
        )
        """
    ]

    static let lifetime = Duration.seconds(86_400)
    /// More than anybody needs; the picker stays readable and a cookie cannot be filled.
    static let mostAccounts = 8

    let database: any Database
    let clock: TimeSource
    let random: RandomSource

    /// A name for a browser that has none yet.
    func newBrowser() -> String { self.random.token() }

    /// Those signed in with a browser, the latest first.
    func authentications(of browser: String) async throws -> [Authentication] {
        let now = self.clock.now
        let rows = try await self.database.read { reader in
            try reader.rows(
                """
                SELECT authentication FROM federation_session
                WHERE browser = \(Digest.of(browser)) AND expires_at > \(now)
                ORDER BY expires_at DESC, user_id
                LIMIT \(Self.mostAccounts)
                """
            )
        }
        return try rows.map { try JSONText.decode(Authentication.self, from: try $0.text("authentication")) }
    }

    /// Adds somebody and gives the browser a new name, so that a name planted before the sign-in is worth nothing after it.
    ///
    /// Other people's sessions and other open pages of the same browser move along.
    func signIn(_ authentication: Authentication, browser: String) async throws -> String {
        let fresh = self.newBrowser()
        let old = Digest.of(browser)
        let new = Digest.of(fresh)
        let document = try JSONValue(parsing: JSONText.encode(authentication))
        let end = self.clock.now + Self.lifetime
        try await self.database.write { transaction in
            try transaction.run(
                "DELETE FROM federation_session WHERE browser = \(old) AND user_id = \(authentication.user)"
            )
            try transaction.run("UPDATE federation_session SET browser = \(new) WHERE browser = \(old)")
            try transaction.run("UPDATE federation_flow SET browser = \(new) WHERE browser = \(old)")
            try transaction.run(
                """
                INSERT INTO federation_session (browser, user_id, authentication, expires_at)
                VALUES (\(new), \(authentication.user), \(document), \(end))
                """
            )
        }
        return fresh
    }

    /// Notes that a session was used.
    func touch(_ user: GUID, browser: String) async throws {
        let end = self.clock.now + Self.lifetime
        try await self.database.write { transaction in
            try transaction.run(
                """
                UPDATE federation_session SET expires_at = \(end)
                WHERE browser = \(Digest.of(browser)) AND user_id = \(user)
                """
            )
        }
    }

    /// Signs everybody out of a browser, and ends its open pages.
    func signOut(browser: String) async throws {
        let digest = Digest.of(browser)
        try await self.database.write { transaction in
            try transaction.run("DELETE FROM federation_session WHERE browser = \(digest)")
            try transaction.run("DELETE FROM federation_flow WHERE browser = \(digest)")
        }
    }

    static func removeExpired(before now: Instant, in transaction: any Transaction) throws {
        try transaction.run("DELETE FROM federation_session WHERE expires_at <= \(now)")
    }
}
