@testable import HostAgent
import Testing

@Suite("AgentLock")
struct AgentLockTests {
    private static func layout(_ root: TemporaryRoot) throws -> HostLayout {
        try HostFile.makeDirectory(root.layout.privateDirectory, mode: 0o700)
        return root.layout
    }

    @Test("a second agent is refused in words while the first one runs")
    func second() async throws {
        let root = TemporaryRoot()
        let layout = try Self.layout(root)
        let first = try await AgentLock.take(layout)
        do {
            let second = try await AgentLock.take(layout, patience: .milliseconds(100)) { _ in }
            second.release()
            Issue.record("two agents at once")
        } catch {
            #expect("\(error)" == "sally-agent runs on this machine already: see sally-agent status")
        }
        first.release()
    }

    @Test("the next agent waits for one that is just ending")
    func restart() async throws {
        let root = TemporaryRoot()
        let layout = try Self.layout(root)
        var first: AgentLock? = try await AgentLock.take(layout)
        let second = try await AgentLock.take(layout) { _ in first = nil }
        second.release()
    }
}
