import AccessControl
import Fabric
import Resources
import Synchronization
import Testing
import Vocabulary

@Suite("Scale sets")
struct ScaleSetTests {
    private static let path = "\(ResourceWorld.compute)/virtualMachineScaleSets/web"

    private static func body(
        capacity: Int64,
        extensions: [JSONValue] = [],
        mode: String = "Manual",
        profile: JSONValue = [
            "computerNamePrefix": "web", "adminUsername": "azureuser",
            "linuxConfiguration": [
                "ssh": [
                    "publicKeys": [
                        [
                            "path": "/home/azureuser/.ssh/authorized_keys",
                            "keyData": .string(MachineMakingTests.key),
                        ]
                    ]
                ]
            ],
        ]
    ) -> JSONValue {
        [
            "location": "local", "identity": ["type": "SystemAssigned"],
            "sku": ["name": "Standard_D2s_v5", "tier": "Standard", "capacity": .integer(capacity)],
            "properties": [
                "orchestrationMode": "Uniform", "upgradePolicy": ["mode": .string(mode)],
                "virtualMachineProfile": [
                    "storageProfile": [
                        "osDisk": ["createOption": "FromImage", "caching": "ReadWrite"],
                        "imageReference": [
                            "publisher": "Debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest",
                        ],
                    ],
                    "osProfile": profile,
                    "networkProfile": [
                        "networkInterfaceConfigurations": [
                            [
                                "name": "webNic",
                                "properties": [
                                    "primary": true,
                                    "ipConfigurations": [
                                        [
                                            "name": "ip",
                                            "properties": [
                                                "subnet": [
                                                    "id": .string(
                                                        "\(ResourceWorld.network)/virtualNetworks/net/subnets/machines"
                                                    )
                                                ]
                                            ],
                                        ]
                                    ],
                                ],
                            ]
                        ]
                    ],
                    "extensionProfile": ["extensions": .array(extensions)],
                ],
            ],
        ]
    }

    private static let signIn: JSONValue = [
        "name": "AADSSHLoginForLinux",
        "properties": [
            "publisher": "Microsoft.Azure.ActiveDirectory", "type": "AADSSHLoginForLinux", "typeHandlerVersion": "1.0",
        ],
    ]

    private static func world(_ body: JSONValue) async throws -> (ResourceWorld, FakeFabric) {
        let (world, fabric) = try await MachineMakingTests.world()
        try await world.put(Self.path, body)
        await world.resources.settle()
        return (world, fabric)
    }

    private func machines(_ world: ResourceWorld) -> [Resource] {
        world.resources.list(type: "Microsoft.Compute/virtualMachineScaleSets/virtualMachines", below: .root)
    }

    private func act(_ world: ResourceWorld, _ verb: String, _ ids: JSONValue?) async throws -> ActionOutcome {
        let outcome = try await world.resources.act(
            verb,
            on: ResourceWorld.path(Self.path),
            ActionCall(body: ids.map { ["instanceIds": $0] } ?? [:], author: .subject(world.owner))
        )
        await world.resources.settle()
        return outcome
    }

    @Test("make as many machines as they say, each with an address and a disk of its own")
    func make() async throws {
        let (world, fabric) = try await Self.world(Self.body(capacity: 3))
        #expect(world.resources.resource(ResourceWorld.path(Self.path))?.provisioningState == "Succeeded")
        #expect(self.machines(world).map(\.provisioningState) == ["Succeeded", "Succeeded", "Succeeded"])
        #expect(Set(fabric.machines.flatMap { $0.interfaces.map(\.address) }) == ["10.0.0.5", "10.0.0.6", "10.0.0.7"])
        #expect(fabric.machines.map(\.hostName).sorted() == ["web000000", "web000001", "web000002"])
        #expect(fabric.machines.allSatisfy { $0.enrolment != nil && $0.administrator?.name == "azureuser" })
        #expect(world.resources.list(type: "Microsoft.Compute/disks", below: .root).count == 3)
        let document = world.resources.document(of: try #require(self.machines(world).first))
        #expect(document["instanceId"] == "0" && document["name"] == "web_0")
        #expect(document["properties"]?["latestModelApplied"] == true)
        let set = try #require(world.resources.resource(ResourceWorld.path(Self.path)))
        let summary = world.resources.instanceView(ofScaleSet: set)["virtualMachine"]?["statusesSummary"]?.array
        #expect(summary?.contains(["code": "PowerState/running", "count": 3]) == true)
    }

    @Test("grow and shrink, newest machines first")
    func scale() async throws {
        let (world, fabric) = try await Self.world(Self.body(capacity: 2))
        for (capacity, names) in [(Int64(3), ["0", "1", "2"]), (1, ["0"]), (2, ["0", "1"])] {
            try await world.resources.patch(
                ResourceWorld.path(Self.path),
                body: ["sku": ["capacity": .integer(capacity)]],
                by: .subject(world.owner)
            )
            await world.resources.settle()
            #expect(self.machines(world).map(\.name) == names)
        }
        #expect(fabric.log.filter { $0.hasPrefix("delete") }.sorted() == ["delete 1", "delete 2"])
        _ = try await self.act(world, "delete", ["0"])
        #expect(self.machines(world).map(\.name) == ["1"])
        #expect(world.resources.resource(ResourceWorld.path(Self.path))?.sku?["capacity"] == 1)
    }

    @Test("follow a new model only when they are told to, and are not reached for sign-in before")
    func model() async throws {
        let (world, _) = try await Self.world(Self.body(capacity: 2))
        let network = try await world.network(
            "net",
            "10.0.0.0/16",
            [("machines", "10.0.0.0/24"), ("AzureBastionSubnet", "10.0.1.0/26")]
        )
        let bastion = try await world.bastion("b", network, ["enableTunneling": true])
        func reach(_ number: Int) -> String {
            world.resources.reach(self.machines(world)[number].path, port: 22, from: ResourceWorld.path(bastion)).code
        }
        #expect(reach(0) == "allowed")
        try await world.put(Self.path, Self.body(capacity: 2, extensions: [Self.signIn]))
        await world.resources.settle()
        #expect(!world.calls.withLock { $0 }.contains { $0.hasPrefix("enable") })
        let old = world.resources.document(of: self.machines(world)[0])
        #expect(old["properties"]?["latestModelApplied"] == false)
        #expect(reach(0) == "OldModel")
        _ = try await self.act(world, "manualupgrade", ["0"])
        #expect(world.calls.withLock { $0 }.filter { $0.hasPrefix("enable") } == ["enable 0"])
        #expect(reach(0) == "allowed" && reach(1) == "OldModel")
        _ = try await self.act(world, "manualUpgrade", ["*"])
        #expect(reach(1) == "allowed")
    }

    @Test("follow at once when their policy says so")
    func automatic() async throws {
        let (world, _) = try await Self.world(Self.body(capacity: 1, mode: "Automatic"))
        try await world.put(Self.path, Self.body(capacity: 1, extensions: [Self.signIn], mode: "Automatic"))
        await world.resources.settle()
        #expect(world.calls.withLock { $0 }.contains("enable 0"))
        let installed = world.resources.list(
            type: "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/extensions",
            below: .root
        )
        #expect(installed.map(\.provisioningState) == ["Succeeded"])
    }

    @Test("stop and start all or some of their machines")
    func power() async throws {
        let (world, fabric) = try await Self.world(Self.body(capacity: 2))
        _ = try await self.act(world, "deallocate", ["1"])
        #expect(fabric.state(of: self.machines(world)[1].path) == .deallocated)
        #expect(fabric.state(of: self.machines(world)[0].path) == .running)
        _ = try await self.act(world, "powerOff", nil)
        #expect(fabric.state(of: self.machines(world)[0].path) == .stopped)
        _ = try await self.act(world, "start", ["*"])
        #expect(self.machines(world).allSatisfy { fabric.state(of: $0.path) == .running })
    }

    @Test("refuse unknown instances, changes of single machines, wrong administrators and sizes")
    func refusals() async throws {
        let (world, _) = try await Self.world(Self.body(capacity: 1))
        #expect(await world.code { _ = try await self.act(world, "start", ["7"]) } == "InvalidParameter")
        #expect(await world.code { _ = try await self.act(world, "manualupgrade", nil) } == "InvalidRequestContent")
        #expect(await world.code { _ = try await self.act(world, "reimage", ["*"]) } == "OperationNotAllowed")
        #expect(
            await world.code { try await world.put("\(Self.path)/virtualMachines/0", ["location": "local"]) }
                == "OperationNotAllowed"
        )
        let wrong = Self.body(capacity: 1, profile: ["computerNamePrefix": "x", "adminUsername": "root"])
        #expect(await world.code { try await world.put("\(Self.path)2", wrong) } == "InvalidParameter")
        var size = Self.body(capacity: 1)
        size["sku"]?["name"] = "Gigantic"
        #expect(await world.code { try await world.put("\(Self.path)3", size) } == "InvalidParameter")
    }

    @Test("say why when a machine cannot be made, and try again when they are put again")
    func failure() async throws {
        let (world, fabric) = try await MachineMakingTests.world()
        fabric.fail(with: Problem("AllocationFailed", shown: "No room."))
        try await world.put(Self.path, Self.body(capacity: 2))
        await world.resources.settle()
        let set = try #require(world.resources.resource(ResourceWorld.path(Self.path)))
        #expect(set.provisioningState == "Failed" && set.failure?.code == "AllocationFailed")
        fabric.fail(with: nil)
        try await world.put(Self.path, Self.body(capacity: 2))
        await world.resources.settle()
        #expect(self.machines(world).map(\.provisioningState) == ["Succeeded", "Succeeded"])
    }

    @Test("go with everything that belongs to them")
    func delete() async throws {
        let (world, fabric) = try await Self.world(Self.body(capacity: 2, extensions: [Self.signIn]))
        _ = try await world.resources.delete(ResourceWorld.path(Self.path), by: .subject(world.owner))
        await world.resources.settle()
        #expect(world.resources.list(type: nil, below: ResourceWorld.path(Self.path)).isEmpty)
        #expect(world.resources.list(type: "Microsoft.Compute/disks", below: .root).isEmpty)
        #expect(fabric.log.suffix(2).sorted() == ["delete 0", "delete 1"])
    }

    @Test("keep their tags when only their size is sent, and lose them when somebody says so")
    func tags() async throws {
        var body = Self.body(capacity: 0)
        body["tags"] = ["a": "b"]
        let (world, _) = try await Self.world(body)
        try await world.put(Self.path, ["location": "local", "sku": ["name": "Standard_B1s", "capacity": 0]])
        await world.resources.settle()
        #expect(world.resources.resource(ResourceWorld.path(Self.path))?.tags == ["a": "b"])
        try await world.put(Self.path, ["location": "local", "tags": [:]])
        #expect(world.resources.resource(ResourceWorld.path(Self.path))?.tags == [:])
    }
}
