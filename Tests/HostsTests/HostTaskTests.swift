import AgentWire
import Resources
import Testing
import Vocabulary

@testable import Hosts

@Suite("Work that is given to a host")
struct HostTaskTests {
    private static func nextTask(_ agent: FakeAgent) async throws -> HostTask {
        try await agent.next { if case .task(let task) = $0 { task } else { nil } }
    }

    private static func code(_ verdict: Verdict<MachineTaskResult>) -> String {
        switch verdict {
        case .allowed(let result): "\(result.exitCode) \(result.output)|\(result.errors)"
        case .refused(let refusal): refusal.code
        }
    }

    @Test("ends with what the host says of it", .timeLimit(.minutes(1)))
    func script() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        async let verdict = world.hosts.perform(.script("id\n", parameters: [("a", "b")]), on: world.machine)
        let task = try await Self.nextTask(agent)
        #expect(task.work == .script && task.script == "id\n" && task.parameters?.first?.value == "b")
        #expect("\(task)".contains("id\n") == false)
        // Of another piece of work: nobody waits for it.
        try await agent.say(.taskEnded(HostTaskResult(id: GUID(high: 1, low: 1), isDone: true, output: "no")))
        try await agent.say(
            .taskEnded(HostTaskResult(id: task.id, isDone: true, exitCode: 3, output: "o", errors: "e"))
        )
        #expect(await Self.code(verdict) == "3 o|e")
    }

    @Test("carries a refusal of the host's", .timeLimit(.minutes(1)))
    func refused() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        async let verdict = world.hosts.perform(.removeUser("root"), on: world.machine)
        let task = try await Self.nextTask(agent)
        #expect(task.work == .removeUser && task.user == "root")
        try await agent.say(.taskEnded(HostTaskResult(id: task.id, isDone: false, output: "left alone")))
        #expect(await Self.code(verdict) == "OperationNotAllowed")
    }

    @Test("is one at a time", .timeLimit(.minutes(1)))
    func busy() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        async let first = world.hosts.perform(.resetSSH, on: world.machine)
        let task = try await Self.nextTask(agent)
        #expect(Self.code(await world.hosts.perform(.resetSSH, on: world.machine)) == "Conflict")
        try await agent.say(.taskEnded(HostTaskResult(id: task.id, isDone: true)))
        #expect(await Self.code(first) == "0 |")
    }

    @Test(
        "is not waited for when the connection is lost, nor given to a host that is not there",
        .timeLimit(.minutes(1))
    )
    func lost() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        async let verdict = world.hosts.perform(.resetSSH, on: world.machine)
        _ = try await Self.nextTask(agent)
        agent.connection.closed()
        #expect(await Self.code(verdict) == "VMAgentStatusCommunicationError")
        #expect(Self.code(await world.hosts.perform(.resetSSH, on: world.machine)) == "VMAgentStatusCommunicationError")
    }
}
