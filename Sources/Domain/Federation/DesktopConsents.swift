import Storage
import Vocabulary

/// To which machines people have allowed desktop connections: asked once for each, kept for thirty days, the fifteen newest.
///
/// Source: Azure, "Sign in to a Windows virtual machine by using Microsoft Entra ID", connecting with a web account.
struct DesktopConsents: Sendable {
    static let schema: [Statement] = [
        """
        CREATE TABLE federation_desktop_consent (
            user_id TEXT NOT NULL,
            target TEXT NOT NULL,
            granted_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL,
            PRIMARY KEY (user_id, target)
        )
        """
    ]

    static let lifetime = Duration.seconds(30 * 86_400)
    static let mostHosts = 15

    let database: any Database
    let clock: TimeSource

    /// Keeps somebody's yes; the oldest one beyond the bound is asked again.
    func remember(_ host: DesktopHost, of user: GUID) async throws {
        let now = self.clock.now
        let target = host.identity
        try await self.database.write { transaction in
            try transaction.run(
                """
                INSERT INTO federation_desktop_consent (user_id, target, granted_at, expires_at)
                VALUES (\(user), \(target), \(now), \(now + Self.lifetime))
                ON CONFLICT (user_id, target) DO UPDATE SET
                    granted_at = excluded.granted_at, expires_at = excluded.expires_at
                """
            )
            try transaction.run(
                """
                DELETE FROM federation_desktop_consent
                WHERE user_id = \(user) AND target <> \(target) AND target NOT IN (
                    SELECT target FROM federation_desktop_consent
                    WHERE user_id = \(user) AND target <> \(target)
                    ORDER BY granted_at DESC, target
                    LIMIT \(Self.mostHosts - 1)
                )
                """
            )
        }
    }

    /// Whether somebody said yes to a machine, and not too long ago.
    func isRemembered(_ host: DesktopHost, of user: GUID) async throws -> Bool {
        let now = self.clock.now
        return try await self.database.read { reader in
            try reader.row(
                """
                SELECT target FROM federation_desktop_consent
                WHERE user_id = \(user) AND target = \(host.identity) AND expires_at > \(now)
                """
            ) != nil
        }
    }

    static func removeExpired(before now: Instant, in transaction: any Transaction) throws {
        try transaction.run("DELETE FROM federation_desktop_consent WHERE expires_at <= \(now)")
    }
}
