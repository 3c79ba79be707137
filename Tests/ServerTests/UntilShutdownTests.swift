import Logging
import ServiceLifecycle
import Testing

@testable import Server

@Suite("Services that end when the program is told to stop")
struct UntilShutdownTests {
    private struct Trouble: Error {}

    private func group(_ body: @escaping @Sendable () async throws -> Void) -> ServiceGroup {
        var logger = Logger(label: "server-tests")
        logger.logLevel = .critical
        return ServiceGroup(configuration: .init(services: [UntilShutdown(run: body)], logger: logger))
    }

    @Test("a body that is cancelled at shutdown is no failure")
    func stops() async throws {
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let group = self.group {
            begin.yield()
            // Never yields: only cancelling ends the wait.
            for await _ in AsyncStream<Void>.makeStream().stream {}
            try Task.checkCancellation()
        }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for await _ in begun { break }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test("a body that fails by itself is a failure, a cancellation of its own too")
    func fails() async throws {
        await #expect(throws: Trouble.self) { try await self.group { throw Trouble() }.run() }
        await #expect(throws: CancellationError.self) { try await self.group { throw CancellationError() }.run() }
    }
}
