import Logging
import Storage
import Vocabulary

/// Whether the server can do its work: whether its store takes writes, without which nobody can sign in.
///
/// The probe is a small transaction that is committed: one that is rolled back never reaches the disk, so it would succeed on a full one. Its answer
/// holds for five seconds, and all who ask meanwhile share it, because anybody may ask.
actor Readiness {
    /// The schema.
    static let migrations = [
        Migration(
            "server-probe-1",
            ["CREATE TABLE server_probe (id INTEGER PRIMARY KEY NOT NULL, probed_at BIGINT NOT NULL)"]
        )
    ]

    private static let memory = Duration.seconds(5)

    private let database: any Database
    private let clock: TimeSource
    private let logger: Logger
    private var last: (at: Instant, probe: Task<Bool, Never>)?

    init(database: any Database, clock: TimeSource = .system, logger: Logger) {
        self.database = database
        self.clock = clock
        self.logger = logger
    }

    /// Whether the store took a write within the last five seconds.
    func isReady() async -> Bool {
        let now = self.clock.now
        // A clock that was set back must not keep an old answer alive.
        if let last = self.last, now >= last.at, now - last.at < Self.memory { return await last.probe.value }
        let database = self.database
        let logger = self.logger
        let probe = Task {
            do {
                try await database.write { transaction in
                    try transaction.run(
                        """
                        INSERT INTO server_probe (id, probed_at) VALUES (1, \(now))
                        ON CONFLICT (id) DO UPDATE SET probed_at = excluded.probed_at
                        """
                    )
                }
                return true
            } catch {
                logger.error("the store takes no writes", metadata: ["error": "\(error)"])
                return false
            }
        }
        self.last = (now, probe)
        return await probe.value
    }
}
