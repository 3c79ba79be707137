import Storage
import Vocabulary

/// One pass through the sign-in pages: what it is for, and how far the person has come.
struct SignInFlow: Sendable, Codable {
    /// Why somebody is at the pages.
    enum Purpose: Sendable, Codable {
        /// A client wants a code.
        case authorize(AuthorizationRequest)
        /// The page that asks for a device code.
        case deviceEntry
        /// A device code was entered: its row, the application and the network it was asked from.
        case device(id: String, client: GUID, source: String)
        /// The page that asks whether to sign out; with the checked address to go to afterwards.
        case signOut(next: String?)
    }

    var purpose: Purpose
    /// The name of somebody who gave the right, but temporary, password.
    var nameWithTemporaryPassword: String?
    /// Who signed in, while a last question is open.
    var chosen: Authentication?
    /// The machine that the open question names.
    var desktop: String?
}

/// A pass through the pages as one answer finds it.
struct SignInPass: Sendable {
    var flow: SignInFlow
    /// What stood in the form.
    let token: String
    /// The name of the browser.
    let browser: String
}

/// Open passes through the sign-in pages: kept as digests, bound to the browser they began in, used up by their end.
///
/// The flow's token stands in each form and is what a foreign site cannot know; the browser's cookie must fit as well.
struct SignInFlows: Sendable {
    static let schema: [Statement] = [
        """
        CREATE TABLE federation_flow (
            id TEXT PRIMARY KEY NOT NULL,
            browser TEXT NOT NULL,
            flow TEXT NOT NULL,
            expires_at BIGINT NOT NULL
        )
        """,
        "CREATE INDEX federation_flow_browser ON federation_flow (browser)",
    ]

    static let lifetime = Duration.seconds(1800)

    let database: any Database
    let clock: TimeSource
    let random: RandomSource

    /// Begins a pass; returns its token.
    func begin(_ flow: SignInFlow, browser: String) async throws -> String {
        let token = self.random.token()
        let document = try JSONValue(parsing: JSONText.encode(flow))
        let end = self.clock.now + Self.lifetime
        try await self.database.write { transaction in
            try transaction.run(
                """
                INSERT INTO federation_flow (id, browser, flow, expires_at)
                VALUES (\(Digest.of(token)), \(Digest.of(browser)), \(document), \(end))
                """
            )
        }
        return token
    }

    /// The pass that a form belongs to; nil when it is unknown, over, or another browser's.
    func flow(_ token: String, browser: String) async throws -> SignInFlow? {
        let now = self.clock.now
        let row = try await self.database.read { reader in
            try reader.row(
                """
                SELECT flow FROM federation_flow
                WHERE id = \(Digest.of(token)) AND browser = \(Digest.of(browser)) AND expires_at > \(now)
                """
            )
        }
        return try row.map { try JSONText.decode(SignInFlow.self, from: try $0.text("flow")) }
    }

    /// Keeps how far the person has come.
    func update(_ token: String, _ flow: SignInFlow) async throws {
        let document = try JSONValue(parsing: JSONText.encode(flow))
        try await self.database.write { transaction in
            try transaction.run("UPDATE federation_flow SET flow = \(document) WHERE id = \(Digest.of(token))")
        }
    }

    /// Ends a pass; false when it was over already, so that two answers to one form cannot both succeed.
    func end(_ token: String) async throws -> Bool {
        try await self.database.write { transaction in
            try transaction.run("DELETE FROM federation_flow WHERE id = \(Digest.of(token))") == 1
        }
    }

    static func removeExpired(before now: Instant, in transaction: any Transaction) throws {
        try transaction.run("DELETE FROM federation_flow WHERE expires_at <= \(now)")
    }
}
