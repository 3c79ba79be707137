import AccessControl
import Resources
import Synchronization
import Testing
import Vocabulary

@Suite("Identities beside machines, and machines outside")
struct IdentityKindTests {
    private static let identity =
        "\(ResourceWorld.group)/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"

    private func world() async throws -> (ResourceWorld, ResourcePath) {
        let world = try await ResourceWorld()
        try await world.put(Self.identity, ["location": "local"])
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        let machine = try await world.machine("vm1", "\(network)/subnets/machines", "10.0.0.10", identity: false)
        return (world, ResourceWorld.path(machine))
    }

    private func patch(_ world: ResourceWorld, _ machine: ResourcePath, _ identity: JSONValue) async throws -> Resource
    {
        try await world.resources.patch(machine, body: ["identity": identity], by: .subject(world.owner)).resource
    }

    @Test("are service principals of their own")
    func principal() async throws {
        let (world, _) = try await self.world()
        let identity = try #require(world.resources.resource(ResourceWorld.path(Self.identity)))
        for member in ["principalId", "clientId", "tenantId"] {
            #expect(identity.properties[member]?.string.flatMap { GUID($0) } != nil)
        }
        let again = try await world.put(Self.identity, ["location": "local"])
        #expect(!again.changed)
        _ = try await world.resources.delete(ResourceWorld.path(Self.identity), by: .subject(world.owner))
        #expect(world.calls.withLock { $0 } == ["assign robot", "remove robot"])
    }

    @Test("are given to machines beside their own, and taken away one by one")
    func machines() async throws {
        let (world, machine) = try await self.world()
        let named: JSONValue = .object([Self.identity: [:]])
        var shown = try await self.patch(world, machine, ["type": "UserAssigned", "userAssignedIdentities": named])
        #expect(shown.identity?["type"] == "UserAssigned" && !shown.hasSystemIdentity)
        // Whose it is stays with the machine: another identity of the same name would be another one.
        let robot = try #require(world.resources.resource(ResourceWorld.path(Self.identity)))
        let given = shown.identity?["userAssignedIdentities"]?[robot.path.description]
        #expect(given?["principalId"] == robot.properties["principalId"] && given?["principalId"] != nil)
        #expect(given?["clientId"] == robot.properties["clientId"])
        shown = try await self.patch(world, machine, ["type": "SystemAssigned, UserAssigned"])
        #expect(shown.hasSystemIdentity && shown.identityPrincipal != nil && shown.userIdentities.count == 1)
        let none: JSONValue = .object([Self.identity: nil])
        shown = try await self.patch(world, machine, ["type": "SystemAssigned", "userAssignedIdentities": none])
        #expect(shown.identity?["type"] == "SystemAssigned" && shown.userIdentities.isEmpty)
        #expect(shown.identityPrincipal != nil)
    }

    @Test("are given only by those who may, and only when they are there")
    func rights() async throws {
        let (world, machine) = try await self.world()
        let helper = ResourceWorld.person("helper", 9)
        try await world.assign("Virtual Machine Contributor", to: helper, at: machine.description)
        let named: JSONValue = .object([Self.identity: [:]])
        let code = await world.code {
            try await world.resources.patch(
                machine,
                body: ["identity": ["type": "UserAssigned", "userAssignedIdentities": named]],
                by: .subject(helper)
            )
        }
        #expect(code == "LinkedAuthorizationFailed")
        let absent: JSONValue = .object([Self.identity + "2": [:]])
        let missing = await world.code {
            _ = try await self.patch(world, machine, ["type": "UserAssigned", "userAssignedIdentities": absent])
        }
        #expect(missing == "FailedIdentityOperation")
    }

    @Test("machines outside have an identity at once, wait for their agent, and take the sign-in extension")
    func arc() async throws {
        let world = try await ResourceWorld()
        world.resources.hooks.joinAdvice = { "join \($0.name)" }
        let path = "\(ResourceWorld.group)/providers/Microsoft.HybridCompute/machines/edge"
        let outcome = try await world.put(path, ["location": "local"])
        #expect(outcome.resource.identityPrincipal != nil)
        let document = world.resources.document(of: outcome.resource)["properties"]
        #expect(document?["status"] == "AwaitingConnection" && document?["statusMessage"] == "join edge")
        world.resources.hooks.instanceView = { _ in
            [
                "computerName": "edge1", "osName": "debian",
                "vmAgent": ["vmAgentVersion": "1.2.3", "statuses": [["displayStatus": "Ready"]]],
            ]
        }
        let joined = world.resources.document(of: outcome.resource)["properties"]
        #expect(joined?["status"] == "Connected" && joined?["agentVersion"] == "1.2.3.0")
        try await world.put(
            "\(path)/extensions/AADSSHLoginForLinux",
            [
                "location": "local",
                "properties": ["publisher": "Microsoft.Azure.ActiveDirectory", "type": "AADSSHLoginForLinux"],
            ]
        )
        await world.resources.settle()
        #expect(world.calls.withLock { $0 }.contains("enable edge"))
    }
}
