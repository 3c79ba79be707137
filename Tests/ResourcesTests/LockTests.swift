import AccessControl
import Audit
import Resources
import Testing
import Vocabulary

@Suite("Locks")
struct LockTests {
    private static let address = "\(ResourceWorld.network)/publicIPAddresses/ip"

    private func world(_ level: String, at scope: String = ResourceWorld.group) async throws -> ResourceWorld {
        let world = try await ResourceWorld()
        try await world.put(Self.address, ["location": "local", "properties": [:]])
        try await world.put(
            "\(scope)/providers/Microsoft.Authorization/locks/lock",
            ["properties": ["level": .string(level), "notes": "keep"]]
        )
        return world
    }

    private func change(_ world: ResourceWorld) async -> String {
        await world.code {
            try await world.put(Self.address, ["location": "local", "tags": ["a": "b"], "properties": [:]])
        }
    }

    private func remove(_ world: ResourceWorld, _ path: String = LockTests.address) async -> String {
        await world.code { try await world.resources.delete(ResourceWorld.path(path), by: .subject(world.owner)) }
    }

    @Test(
        "keep what is below them, and let it be changed unless they are ReadOnly",
        arguments: [
            ResourceWorld.subscription, ResourceWorld.group, LockTests.address,
        ]
    )
    func inheritance(scope: String) async throws {
        let careful = try await self.world("CanNotDelete", at: scope)
        #expect(await self.change(careful) == "none")
        #expect(await self.remove(careful) == "ScopeLocked")
        let strict = try await self.world("ReadOnly", at: scope)
        #expect(await self.change(strict) == "ScopeLocked")
        #expect(await self.remove(strict) == "ScopeLocked")
        #expect(throws: Problem.self) { try strict.resources.checkLocks(.write, at: ResourceWorld.path(Self.address)) }
        let loose = try await self.world("NotSpecified", at: scope)
        #expect(await self.remove(loose) == "none")
    }

    @Test("below a group keep the whole group, and not its neighbours")
    func cascade() async throws {
        let world = try await self.world("CanNotDelete", at: Self.address)
        let other = "\(ResourceWorld.network)/publicIPAddresses/ip2"
        try await world.put(other, ["location": "local", "properties": [:]])
        #expect(await self.remove(world, other) == "none")
        #expect(await self.remove(world, ResourceWorld.group) == "ScopeLocked")
        #expect(world.resources.resource(ResourceWorld.path(Self.address)) != nil)
    }

    @Test("are lifted by who may change locks, and then hold nothing")
    func lifting() async throws {
        let world = try await self.world("ReadOnly")
        let lock = "\(ResourceWorld.group)/providers/Microsoft.Authorization/locks/lock"
        let reader = await world.code {
            try await world.resources.delete(ResourceWorld.path(lock), by: .subject(world.reader))
        }
        #expect(reader == "AuthorizationFailed")
        #expect(await self.remove(world, lock) == "none")
        #expect(await self.remove(world) == "none")
    }

    @Test("say nothing to somebody without rights, and hold the operator not at all")
    func order() async throws {
        let world = try await self.world("ReadOnly")
        let code = await world.code {
            try await world.resources.delete(ResourceWorld.path(Self.address), by: .subject(world.reader))
        }
        #expect(code == "AuthorizationFailed")
        try await world.declare(Self.address, ["location": "local", "tags": ["a": "b"], "properties": [:]])
    }

    @Test("need a level and a scope that exists")
    func validation() async throws {
        let world = try await ResourceWorld()
        let locks = "providers/Microsoft.Authorization/locks/l"
        let level: JSONValue = ["properties": ["level": "CanNotDelete"]]
        #expect(await world.code { try await world.put("\(Self.address)/\(locks)", level) } == "ResourceNotFound")
        #expect(
            await world.code { try await world.put("\(ResourceWorld.group)/\(locks)", ["properties": [:]]) }
                == "InvalidRequestContent"
        )
        #expect(
            await world.code {
                try await world.put("\(ResourceWorld.group)/\(locks)", ["properties": ["level": "Never"]])
            } == "InvalidRequestContent"
        )
    }

    @Test("go with what they lock, once the operator removes it")
    func gone() async throws {
        let world = try await self.world("CanNotDelete", at: Self.address)
        try await world.resources.delete(ResourceWorld.path(Self.address), by: .system)
        #expect(world.resources.list(type: "Microsoft.Authorization/locks", below: .root).isEmpty)
    }

    @Test("of a group that is being removed are refused like everything new in it")
    func goingGroup() async throws {
        let world = try await ResourceWorld()
        let group = "\(ResourceWorld.subscription)/resourceGroups/going"
        try await world.put(group, ["location": "local"])
        let network = try await world.network("net", "10.0.0.0/16", [("a", "10.0.0.0/24")])
        _ = network
        #expect(await self.remove(world, group) == "none")
        #expect(
            await world.code {
                try await world.put(
                    "\(group)/providers/Microsoft.Network/publicIPAddresses/ip",
                    ["location": "local", "properties": [:]]
                )
            } == "ResourceGroupNotFound"
        )
    }

    @Test("do not stand in the way of a removal in the order that needs demand")
    func dependencyOrder() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        try await world.machine("vm", "\(network)/subnets/machines", "10.0.0.4", identity: false)
        #expect(await self.remove(world, ResourceWorld.group) == "none")
        let removed = try await world.audit.entries().sorted { $0.sequence < $1.sequence }.map(\.event)
            .filter { $0.action == "resource.delete" }.compactMap { ResourcePath($0.target)?.name }
        #expect(removed == ["vm", "vmVMNic", "machines", "net", "demo"])
    }
}
