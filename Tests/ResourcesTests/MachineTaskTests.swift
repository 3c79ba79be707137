import AccessControl
import Resources
import Synchronization
import Testing
import Vocabulary

@Suite("Commands and accounts on machines, and their data disks")
struct MachineTaskTests {
    /// What the agent was asked to do, and what it answers.
    private final class Agent: Sendable {
        let asked = Mutex<[String]>([])
        let answer = Mutex<Verdict<MachineTaskResult>>(
            .allowed(MachineTaskResult(exitCode: 0, output: "out", errors: ""))
        )

        func take(_ task: MachineTask) -> Verdict<MachineTaskResult> {
            let line =
                switch task {
                case .script(let text, let parameters, _): "script \(text)\(parameters.map(\.value))"
                case .setUser(let name, let password, let publicKey):
                    "set \(name) \(password?.withValue { $0 } ?? "-") \(publicKey ?? "-")"
                case .removeUser(let name): "remove \(name)"
                case .resetSSH: "reset"
                }
            self.asked.withLock { $0.append(line) }
            return self.answer.withLock { $0 }
        }
    }

    private static func world() async throws -> (ResourceWorld, Agent) {
        let (world, _) = try await MadeMachine.make()
        let agent = Agent()
        var hooks = world.resources.hooks
        hooks.perform = { task, _ in agent.take(task) }
        world.resources.hooks = hooks
        return (world, agent)
    }

    private static func run(_ world: ResourceWorld, _ body: JSONValue) async throws -> ResourceOperation {
        let call = ActionCall(body: body, author: .subject(world.owner))
        guard case .started(let operation) = try await world.resources.act("runCommand", on: MadeMachine.path, call)
        else {
            throw Problem("Test", shown: "it did not start")
        }
        await world.resources.settle()
        let subscription = try #require(MadeMachine.path.subscription)
        return try world.resources.operation(operation.id, in: subscription, for: world.owner)
    }

    @Test("a script's lines and parameters reach the agent, and what it wrote is the operation's product")
    func runs() async throws {
        let (world, agent) = try await Self.world()
        let body: JSONValue = [
            "commandId": "runshellscript", "script": ["id", "pwd"], "parameters": [["name": "a", "value": "b"]],
        ]
        let done = try await Self.run(world, body)
        #expect(done.status == .succeeded)
        #expect(agent.asked.withLock { $0 } == ["script id\npwd\n[\"b\"]"])
        let first = done.product?["value"]?.array?.first
        #expect(first?["code"] == "ProvisioningState/succeeded")
        #expect(first?["message"] == "Enable succeeded: \n[stdout]\nout\n[stderr]\n")
        agent.answer.withLock { $0 = .allowed(MachineTaskResult(exitCode: 7, output: "", errors: "bad")) }
        let failed = try await Self.run(world, body).product?["value"]?.array?.first
        #expect(failed?["code"] == "ProvisioningState/failed/7" && failed?["level"] == "Error")
        agent.answer.withLock { $0 = .refused(Refusal("Gone", reason: "Gone.")) }
        #expect(try await Self.run(world, body).problem?.code == "Gone")
    }

    @Test("what is no script, and machines that do not run, are refused")
    func refuses() async throws {
        let (world, agent) = try await Self.world()
        for body: JSONValue in [
            [:], ["commandId": "Other", "script": ["id"]], ["commandId": "RunShellScript"],
            ["commandId": "RunShellScript", "script": ["a\u{0}b"]],
        ] {
            #expect(await world.code { _ = try await Self.run(world, body) } != "none")
        }
        try await MadeMachine.act(world, "deallocate")
        let body: JSONValue = ["commandId": "RunShellScript", "script": ["id"]]
        #expect(await world.code { _ = try await Self.run(world, body) } == "OperationNotAllowed")
        #expect(agent.asked.withLock { $0.isEmpty })
    }

    private static func access(_ settings: JSONValue) -> JSONValue {
        [
            "location": "local",
            "properties": [
                "publisher": "Microsoft.OSTCExtensions", "type": "VMAccessForLinux", "typeHandlerVersion": "1.5",
                "protectedSettings": settings,
            ],
        ]
    }

    @Test("local accounts are changed each time they are asked for, and nothing of it is kept")
    func accounts() async throws {
        let (world, agent) = try await Self.world()
        let path = "\(MadeMachine.path)/extensions/enablevmaccess"
        let set = Self.access(["username": "zoe", "password": "Very-s3cret", "ssh_key": ""])
        for _ in 1...2 {
            #expect(try await world.put(path, set).operation != nil)
            await world.resources.settle()
        }
        try await world.put(path, Self.access(["reset_ssh": true, "remove_user": "zoe"]))
        await world.resources.settle()
        #expect(
            agent.asked.withLock { $0 } == ["set zoe Very-s3cret -", "set zoe Very-s3cret -", "reset", "remove zoe"]
        )
        let installed = try #require(world.resources.resource(ResourceWorld.path(path)))
        #expect(installed.provisioningState == "Succeeded")
        #expect("\(installed)".contains("s3cret") == false)
        let view = world.resources.document(of: installed)["properties"]?["instanceView"]
        #expect(view?["type"] == "Microsoft.OSTCExtensions.VMAccessForLinux")
        #expect(await world.code { try await world.put(path + "2", Self.access(["username": "zoe"])) } != "none")
        #expect(await world.code { try await world.put(path + "2", Self.access([:])) } != "none")
    }

    @Test("data disks are made, attached, taken away and given again")
    func disks() async throws {
        let (world, _) = try await Self.world()
        func attach(_ disks: [JSONValue]) async throws {
            var body = MachineMakingTests.body()
            body["properties"]?["storageProfile"]?["dataDisks"] = .array(disks)
            try await world.put(MadeMachine.path.description, body)
        }
        try await attach([["lun": 2, "name": "d1", "createOption": "empty", "diskSizeGB": 4]])
        let disk = ResourceWorld.path("\(ResourceWorld.compute)/disks/d1")
        func shown() throws -> JSONValue? { world.resources.document(of: try #require(world.resources.resource(disk))) }
        #expect(try shown()?["managedBy"] == .string(MadeMachine.path.description))
        #expect(try shown()?["properties"]?["diskState"] == "Attached")
        let first = try MadeMachine.resource(in: world).properties["storageProfile"]?["dataDisks"]?.array?.first
        #expect(first?["managedDisk"]?["id"] == .string(disk.description) && first?["caching"] == "None")
        #expect(await world.code { try await world.resources.delete(disk, by: .subject(world.owner)) } != "none")
        try await attach([])
        #expect(try shown()?["properties"]?["diskState"] == "Unattached")
        let again: JSONValue = ["lun": 0, "createOption": "Attach", "managedDisk": ["id": .string(disk.description)]]
        try await attach([again])
        #expect(
            try MadeMachine.resource(in: world).properties["storageProfile"]?["dataDisks"]?.array?.first?["diskSizeGB"]
                == 4
        )
        #expect(
            await world.code { try await attach([again, ["lun": 0, "createOption": "Empty", "diskSizeGB": 1]]) } != ""
        )
    }

    @Test("disks of one's own are empty, with a size, and only grow")
    func ownDisks() async throws {
        let (world, _) = try await Self.world()
        let path = "\(ResourceWorld.compute)/disks/own"
        func put(_ size: Int64?, _ option: JSONValue = "Empty") async -> String {
            var properties: JSONValue = ["creationData": ["createOption": option]]
            properties["diskSizeGB"] = size.map { .integer($0) }
            let body: JSONValue = ["location": "local", "properties": properties]
            return await world.code { try await world.put(path, body) }
        }
        #expect(await put(nil) == "InvalidParameter")
        #expect(await put(4, "Copy") == "FeatureNotSupported")
        #expect(await put(4) == "none")
        #expect(await put(8) == "none")
        #expect(await put(2) == "OperationNotAllowed")
    }

    @Test("subnets are shown in the order in which they were asked for")
    func order() async throws {
        let world = try await ResourceWorld()
        let names = ["zeta", "alpha", "mid"]
        let subnets = names.enumerated().map { index, name -> JSONValue in
            ["name": .string(name), "properties": ["addressPrefix": .string("10.0.\(index).0/24")]]
        }
        let body: JSONValue = [
            "location": "local",
            "properties": ["addressSpace": ["addressPrefixes": ["10.0.0.0/16"]], "subnets": .array(subnets)],
        ]
        let made = try await world.put("\(ResourceWorld.network)/virtualNetworks/ordered", body).resource
        let shown = world.resources.document(of: made)["properties"]?["subnets"]?.array ?? []
        #expect(shown.compactMap { $0["name"]?.string } == names)
        let free = world.resources.availability(of: try #require(IPv4Address("10.0.1.4")), in: made)
        #expect(free.isFree && free.others.first == IPv4Address("10.0.1.5") && free.others.count == 5)
        #expect(!world.resources.availability(of: try #require(IPv4Address("10.0.1.1")), in: made).isFree)
    }
}
