import AccessControl
import Audit
import Resources
import Synchronization
import Testing
import Vocabulary

@Suite("Scripts that are kept beside a machine")
struct ManagedRunCommandTests {
    /// The agent: what it was asked to run, and what it answers.
    private final class Agent: Sendable {
        let asked = Mutex<[String]>([])
        let answer = Mutex<Verdict<MachineTaskResult>>(
            .allowed(MachineTaskResult(exitCode: 0, output: "out", errors: ""))
        )

        func take(_ task: MachineTask) -> Verdict<MachineTaskResult> {
            guard case .script(let text, let parameters, let seconds) = task else { return self.answer.withLock { $0 } }
            let given = parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
            self.asked.withLock { $0.append("\(text.dropLast()) [\(given)] \(seconds ?? 0)") }
            return self.answer.withLock { $0 }
        }
    }

    private static let path = "\(MadeMachine.path)/runCommands/rc"

    private static func world() async throws -> (ResourceWorld, Agent) {
        let (world, _) = try await MadeMachine.make()
        let agent = Agent()
        var hooks = world.resources.hooks
        hooks.perform = { task, _ in agent.take(task) }
        world.resources.hooks = hooks
        return (world, agent)
    }

    private static func body(_ script: String, _ more: [String: JSONValue] = [:]) -> JSONValue {
        ["location": "local", "properties": .object(["source": ["script": .string(script)]].merging(more) { $1 })]
    }

    private static func view(_ world: ResourceWorld) throws -> JSONValue? {
        let found = try #require(world.resources.resource(ResourceWorld.path(Self.path)))
        return world.resources.document(of: found, expandingInstanceView: true)["properties"]?["instanceView"]
    }

    @Test("are run when they are made and when they are sent again, and tell how that went to those who ask")
    func runs() async throws {
        let (world, agent) = try await Self.world()
        let more: [String: JSONValue] = [
            "parameters": [["name": "a", "value": "b"]], "protectedParameters": [["name": "p", "value": "S3cret"]],
            "timeoutInSeconds": 7,
        ]
        for _ in 1...2 {
            #expect(try await world.put(Self.path, Self.body("id", more)).operation != nil)
            await world.resources.settle()
        }
        #expect(agent.asked.withLock { $0 } == ["id [a=b p=S3cret] 7", "id [a=b p=S3cret] 7"])
        let made = try #require(world.resources.resource(ResourceWorld.path(Self.path)))
        #expect(made.provisioningState == "Succeeded")
        #expect(!"\(made)".contains("S3cret"))
        #expect(world.resources.document(of: made)["properties"]?["instanceView"] == nil)
        let view = try Self.view(world)
        #expect(view?["executionState"] == "Succeeded" && view?["output"] == "out" && view?["exitCode"] == 0)
    }

    @Test("a tag is no reason to run one again")
    func tags() async throws {
        let (world, agent) = try await Self.world()
        try await world.put(Self.path, Self.body("id"))
        await world.resources.settle()
        var tagged = Self.body("id")
        tagged["tags"] = ["a": "b"]
        try await world.put(Self.path, tagged)
        await world.resources.settle()
        #expect(agent.asked.withLock { $0.count } == 1)
        #expect(try Self.view(world)?["executionState"] == "Succeeded")
    }

    @Test("one that fails fails the request only where its author wants that")
    func fails() async throws {
        let (world, agent) = try await Self.world()
        agent.answer.withLock { $0 = .allowed(MachineTaskResult(exitCode: 3, output: "", errors: "bad")) }
        for (wanted, state) in [(false, "Succeeded"), (true, "Failed")] {
            try await world.put(Self.path, Self.body("id", ["treatFailureAsDeploymentFailure": .bool(wanted)]))
            await world.resources.settle()
            let made = try #require(world.resources.resource(ResourceWorld.path(Self.path)))
            #expect(made.provisioningState == state)
            let view = try Self.view(world)
            #expect(view?["executionState"] == "Failed" && view?["exitCode"] == 3 && view?["error"] == "bad")
        }
    }

    @Test("what cannot be had is refused, and nothing is run on a machine that is off")
    func refuses() async throws {
        let (world, agent) = try await Self.world()
        for more: [String: JSONValue] in [
            ["runAsUser": "bob"], ["outputBlobUri": "https://x.example"],
            ["source": ["scriptUri": "https://x.example"]],
            ["source": ["commandId": "ifconfig"]], ["source": [:]],
        ] {
            #expect(await world.code { try await world.put(Self.path, Self.body("id", more)) } != "none")
        }
        try await MadeMachine.act(world, "deallocate")
        #expect(await world.code { try await world.put(Self.path, Self.body("id")) } == "OperationNotAllowed")
        #expect(agent.asked.withLock { $0.isEmpty })
    }

    @Test("one that a restart interrupted is not begun a second time")
    func restart() async throws {
        let (world, _) = try await Self.world()
        let gate = AsyncStream<Void>.makeStream()
        var hooks = world.resources.hooks
        hooks.perform = { _, _ in
            for await _ in gate.stream {}
            return .refused(Refusal("Stopped", reason: "Stopped."))
        }
        world.resources.hooks = hooks
        try await world.put(Self.path, Self.body("id"))
        let next = try await ResourceWorld(fabric: world.fabric, after: world)
        await next.resources.settle()
        gate.continuation.finish()
        let found = try #require(next.resources.resource(ResourceWorld.path(Self.path)))
        #expect(found.provisioningState == "Failed" && found.failure?.code == "ProvisioningInterrupted")
    }

    @Test("the audit holds who had it run, and which script it was without its text")
    func audit() async throws {
        let (world, _) = try await Self.world()
        try await world.put(Self.path, Self.body("echo geheim"))
        await world.resources.settle()
        let events = try await world.audit.entries().map(\.event).filter { $0.action == "machine.runCommand" }
        #expect(events.count == 1 && events.first?.actor == world.owner.id)
        // sha256sum of the line.
        #expect(events.first?.details["sha256"] == "2f479867368011fc5b6617b0fd5eb2ecd2952a6dc533b963ae0d7a8cb790cfc2")
        #expect(!"\(events)".contains("geheim"))
    }
}
