import Storage
import Vocabulary

/// Device codes: a program without a browser shows a short code, a person enters it elsewhere. Source: RFC 8628.
struct DeviceCodes: Sendable {
    struct Started: Sendable {
        let deviceCode: Secret<String>
        let userCode: String
    }

    struct Pending: Sendable, Hashable {
        let id: String
        let client: GUID
        let source: String
    }

    /// What was asked for when the device code was made; the request that redeems it repeats none of it.
    struct Wish: Sendable, Codable, Hashable {
        let client: GUID
        let scope: String?
        let resource: String?
        let source: String
    }

    enum Redemption: Sendable {
        case redeemed(Wish, Authentication)
        case refused(OAuthError)
    }

    static let schema: [Statement] = [
        """
        CREATE TABLE federation_device_code (
            id TEXT PRIMARY KEY NOT NULL,
            user_code TEXT NOT NULL UNIQUE,
            wish TEXT NOT NULL,
            state TEXT NOT NULL,
            authentication TEXT,
            polled_at BIGINT,
            seconds_between BIGINT NOT NULL,
            expires_at BIGINT NOT NULL
        )
        """
    ]

    static let lifetime = Duration.seconds(900)
    static let interval: Int64 = 5

    // No vowels, so no words; nothing that reads like something else. 26^9 is 5 · 10^12.
    private static let alphabet = Array("BCDFGHJKLMNPQRSTVWXZ234679".utf8)

    let database: any Database
    let clock: TimeSource
    let random: RandomSource

    /// Makes a pair of codes.
    func start(_ wish: Wish) async throws -> Started {
        let deviceCode = "spdc_" + self.random.token()
        let userCode = self.userCode()
        let document = try JSONValue(parsing: JSONText.encode(wish))
        let end = self.clock.now + Self.lifetime
        try await self.database.write { transaction in
            try transaction.run(
                """
                INSERT INTO federation_device_code (id, user_code, wish, state, seconds_between, expires_at)
                VALUES (\(Digest.of(deviceCode)), \(Digest.of(userCode)), \(document), 'pending', \(Self.interval), \(end))
                """
            )
        }
        return Started(deviceCode: Secret(deviceCode), userCode: userCode)
    }

    /// The request behind a code that somebody typed, in any letter case, with or without dashes and blanks.
    func pending(userCode: String) async throws -> Pending? {
        let typed = String(userCode.uppercased().filter { $0 != "-" && $0 != " " })
        guard typed.utf8.count == 9 else { return nil }
        let now = self.clock.now
        let row = try await self.database.read { reader in
            try reader.row(
                """
                SELECT id, wish FROM federation_device_code
                WHERE user_code = \(Digest.of(typed)) AND state = 'pending' AND expires_at > \(now)
                """
            )
        }
        return try row.map { row in
            let wish = try JSONText.decode(Wish.self, from: try row.text("wish"))
            return Pending(id: try row.text("id"), client: wish.client, source: wish.source)
        }
    }

    /// Notes a person's answer: signed in, or nil for no. Returns whether the code was still waiting for one.
    func answer(_ id: String, _ authentication: Authentication?) async throws -> Bool {
        let document = try authentication.map { try JSONValue(parsing: JSONText.encode($0)) }
        let state = authentication == nil ? "declined" : "approved"
        let now = self.clock.now
        return try await self.database.write { transaction in
            try transaction.run(
                """
                UPDATE federation_device_code SET state = \(state), authentication = \(document)
                WHERE id = \(id) AND state = 'pending' AND expires_at > \(now)
                """
            ) == 1
        }
    }

    /// A program asks whether the person is done.
    func poll(_ deviceCode: Secret<[UInt8]>, client: GUID) async throws -> Redemption {
        let id = Digest.of(deviceCode)
        let now = self.clock.now
        return try await self.database.write { transaction in
            guard
                let row = try transaction.row(
                    """
                    SELECT wish, state, authentication, polled_at, seconds_between, expires_at
                    FROM federation_device_code WHERE id = \(id)
                    """
                )
            else { return .refused(.badDeviceCode) }
            let wish = try JSONText.decode(Wish.self, from: try row.text("wish"))
            guard wish.client == client else { return .refused(.badDeviceCode) }
            let state = try row.text("state")
            if state == "redeemed" { return .refused(.codeUsed) }
            guard try row.instant("expires_at") > now else { return .refused(.deviceCodeExpired) }
            switch state {
            case "approved":
                guard let text = try row.optionalText("authentication") else { return .refused(.badDeviceCode) }
                try transaction.run("UPDATE federation_device_code SET state = 'redeemed' WHERE id = \(id)")
                return .redeemed(wish, try JSONText.decode(Authentication.self, from: text))
            case "declined":
                return .refused(.authorizationDeclined)
            default:
                return .refused(try Self.noteDelay(row, id: id, now: now, in: transaction))
            }
        }
    }

    // RFC 8628 section 3.5: too early costs five seconds. One second of grace, because networks jitter.
    private static func noteDelay(_ row: Row, id: String, now: Instant, in transaction: any Transaction) throws
        -> OAuthError
    {
        var between = try row.integer("seconds_between")
        let last = try row.optionalInstant("polled_at")
        let isEarly = last.map { now - $0 < .seconds(between - 1) } ?? false
        if isEarly { between += 5 }
        try transaction.run(
            "UPDATE federation_device_code SET polled_at = \(now), seconds_between = \(between) WHERE id = \(id)"
        )
        return isEarly ? .slowDown : .authorizationPending
    }

    private func userCode() -> String {
        var units: [UInt8] = []
        while units.count < 9 {
            // Bytes from 234 on would make the first letters likelier.
            for byte in self.random.bytes(16) where byte < 234 && units.count < 9 {
                units.append(Self.alphabet[Int(byte) % Self.alphabet.count])
            }
        }
        return String(decoding: units, as: UTF8.self)
    }

    // Kept for as long again after their end, so that a program that still asks hears "expired".
    static func removeExpired(before now: Instant, in transaction: any Transaction) throws {
        try transaction.run("DELETE FROM federation_device_code WHERE expires_at <= \(now - Self.lifetime)")
    }
}
