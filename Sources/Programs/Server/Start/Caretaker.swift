import AccessControl
import Federation
import Hosts
import Identity
import Logging
import Resources
import SSHAuthority
import ServiceLifecycle
import Sessions
import Synchronization
import Vocabulary

/// Judges live tunnels again whenever rights change, and clears away what has expired.
struct Caretaker: Service {
    let house: House
    let logger: Logger

    func run() async throws {
        let (changes, note) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.house.accessControl.changes.subscribe { _ in note.yield() }
        self.house.directory.changes.subscribe { _ in note.yield() }
        self.house.resources.changes.subscribe { _ in note.yield() }
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in changes {
                        await self.attempt("review of tunnels") { try await self.house.sessions.review() }
                    }
                }
                group.addTask {
                    while !Task.isCancelled {
                        try await Task.sleep(for: .seconds(300))
                        await self.attempt("clean-up of certificates") {
                            try await self.house.authority.removeExpired()
                        }
                        await self.attempt("clean-up of sign-ins") { try await self.house.federation.removeExpired() }
                    }
                }
                group.addTask {
                    // Passwords that were given for a desktop go with the token they came with, also when nobody comes.
                    while !Task.isCancelled {
                        try await Task.sleep(for: .seconds(15))
                        self.house.sessions.forgetExpired()
                    }
                }
                // The stream ends at shutdown; then nothing is left to do.
                try await group.next()
                group.cancelAll()
            }
        } onGracefulShutdown: {
            note.finish()
        }
    }

    private func attempt(_ what: String, _ body: () async throws -> Void) async {
        do {
            try await body()
        } catch {
            self.logger.error("\(what) failed", metadata: ["error": "\(error)"])
        }
    }
}

/// A service that ends at once when the program is told to stop.
struct UntilShutdown: Service {
    let body: @Sendable () async throws -> Void

    init(run body: @escaping @Sendable () async throws -> Void) {
        self.body = body
    }

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await self.body() }
        } catch is CancellationError where Task.isShuttingDownGracefully {
            // It was cancelled because the program was told to stop: no failure.
        }
    }
}
