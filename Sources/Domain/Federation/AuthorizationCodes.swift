import Storage
import Vocabulary

/// Authorization codes: ten minutes, once, and only for the program that asked. Source: RFC 6749 section 4.1.2.
struct AuthorizationCodes: Sendable {
    struct Entry: Sendable, Codable {
        let authentication: Authentication
        let request: AuthorizationRequest
    }

    enum Redemption: Sendable {
        case redeemed(Entry)
        case refused(OAuthError)
    }

    static let schema: [Statement] = [
        """
        CREATE TABLE federation_code (
            id TEXT PRIMARY KEY NOT NULL,
            entry TEXT NOT NULL,
            redeemed_at BIGINT,
            expires_at BIGINT NOT NULL
        )
        """
    ]

    static let lifetime = Duration.seconds(600)

    let database: any Database
    let clock: TimeSource
    let random: RandomSource

    /// Makes a code for a request that somebody signed in for.
    func issue(_ entry: Entry) async throws -> String {
        let code = "spac_" + self.random.token()
        let document = try JSONValue(parsing: JSONText.encode(entry))
        let end = self.clock.now + Self.lifetime
        try await self.database.write { transaction in
            try transaction.run(
                "INSERT INTO federation_code (id, entry, expires_at) VALUES (\(Digest.of(code)), \(document), \(end))"
            )
        }
        return code
    }

    /// Takes a code: in one transaction it is found good, checked by `check` against what it was issued for, and used up.
    ///
    /// A failed check does not use it up, so nobody who saw a code but cannot prove to be its owner can spoil it.
    func redeem(
        _ code: Secret<[UInt8]>,
        check: @Sendable (Entry) -> OAuthError?
    ) async throws -> Redemption {
        let id = Digest.of(code)
        let now = self.clock.now
        return try await self.database.write { transaction in
            guard
                let row = try transaction.row(
                    "SELECT entry, redeemed_at, expires_at FROM federation_code WHERE id = \(id)"
                )
            else { return .refused(.badGrant) }
            let entry = try JSONText.decode(Entry.self, from: try row.text("entry"))
            if let error = check(entry) { return .refused(error) }
            guard row.isNull("redeemed_at") else { return .refused(.codeUsed) }
            guard try row.instant("expires_at") > now else { return .refused(.codeExpired) }
            let taken = try transaction.run(
                "UPDATE federation_code SET redeemed_at = \(now) WHERE id = \(id) AND redeemed_at IS NULL"
            )
            return taken == 1 ? .redeemed(entry) : .refused(.codeUsed)
        }
    }

    // Kept for as long again after their end, so that a late or second use gets the true answer.
    static func removeExpired(before now: Instant, in transaction: any Transaction) throws {
        try transaction.run("DELETE FROM federation_code WHERE expires_at <= \(now - Self.lifetime)")
    }
}
