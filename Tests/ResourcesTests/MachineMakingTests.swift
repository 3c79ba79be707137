import AccessControl
import Audit
import Fabric
import Resources
import Storage
import Synchronization
import Testing
import Vocabulary

@Suite("Machines that the fabric makes")
struct MachineMakingTests {
    static let key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJoL4pwIzAMwpU6LkYxNQ3VmJfQZ3C6tQ1rI4mVZgk0G azureuser@laptop"
    static let password = "Correct-Horse-9"
    private static let path = "\(ResourceWorld.compute)/virtualMachines/vm1"

    static func body(
        _ changes: [String: JSONValue] = [:],
        image: JSONValue = [
            "publisher": "Canonical", "offer": "0001-com-ubuntu-server-jammy", "sku": "22_04-lts-gen2",
            "version": "latest",
        ],
        interface: JSONValue? = nil
    ) -> JSONValue {
        let profile: [String: JSONValue] = [
            "computerName": "vm1", "adminUsername": "azureuser",
            "linuxConfiguration": [
                "disablePasswordAuthentication": true,
                "ssh": [
                    "publicKeys": [
                        ["path": "/home/azureuser/.ssh/authorized_keys", "keyData": .string(Self.key)]
                    ]
                ],
            ],
        ]
        return [
            "location": "local", "identity": ["type": "SystemAssigned"],
            "properties": [
                "hardwareProfile": ["vmSize": "Standard_D2s_v5"],
                "storageProfile": [
                    "osDisk": [
                        "createOption": "fromImage", "name": nil, "caching": "ReadWrite",
                        "managedDisk": ["storageAccountType": nil],
                    ],
                    "imageReference": image, "dataDisks": [],
                ],
                "osProfile": .object(profile.merging(changes) { $1 }),
                "networkProfile": [
                    "networkInterfaces": [
                        interface ?? ["id": .string("\(ResourceWorld.network)/networkInterfaces/vm1VMNic")]
                    ]
                ],
            ],
        ]
    }

    /// A world with a fabric, a network and an interface for `vm1`.
    static func world() async throws -> (ResourceWorld, FakeFabric) {
        let fabric = FakeFabric()
        let world = try await ResourceWorld(fabric: fabric)
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        try await world.put(
            "\(ResourceWorld.network)/networkInterfaces/vm1VMNic",
            ResourceWorld.interface("\(network)/subnets/machines", nil)
        )
        return (world, fabric)
    }

    @Test("are ordered with network, place, administrator and a way to join, and are ready when the fabric is")
    func order() async throws {
        let (world, fabric) = try await Self.world()
        let outcome = try await world.put(Self.path, Self.body())
        #expect(outcome.created && outcome.operation?.status == .inProgress)
        #expect(outcome.resource.provisioningState == "Creating")
        await world.resources.settle()
        #expect(try MadeMachine.resource(in: world).provisioningState == "Succeeded")
        #expect(fabric.log == ["network net", "machine vm1"])
        #expect(fabric.networks.first?.subnets == [NetworkOrder.Subnet(name: "machines", prefix: "10.0.0.0/24")])
        let order = try #require(fabric.machines.first)
        #expect(order.image == "bookworm" && order.hostName == "vm1")
        #expect(order.interfaces.map(\.address) == ["10.0.0.4"] && order.interfaces.first?.subnet == "machines")
        #expect(order.administrator?.name == "azureuser" && order.administrator?.publicKeys == [Self.key])
        #expect(order.enrolment?.token.withValue { $0 } == "token-of-vm1")
        #expect(order.memory == 8192 && order.processors == 2)
    }

    @Test("wait until they have joined")
    func joins() async throws {
        let (world, _) = try await Self.world()
        world.resources.hooks.joinDeadline = .seconds(60)
        try await world.put(Self.path, Self.body())
        while world.fabric?.machines.isEmpty == true { await Task.yield() }
        #expect(try MadeMachine.resource(in: world).provisioningState == "Creating")
        for _ in 0..<100_000 where try MadeMachine.resource(in: world).provisioningState == "Creating" {
            world.resources.machineIsReady(ResourceWorld.path(Self.path))
            await Task.yield()
        }
        #expect(try MadeMachine.resource(in: world).provisioningState == "Succeeded")
    }

    @Test("say which image was taken for one that is not there")
    func substitute() async throws {
        let (world, _) = try await MadeMachine.make()
        let view = world.resources.instanceView(of: try MadeMachine.resource(in: world))
        let status = view["statuses"]?.array?.first { $0["code"] == "ImageState/substituted" }
        #expect(status?["message"]?.string?.contains("Canonical:0001-com-ubuntu-server-jammy") == true)
        #expect(status?["message"]?.string?.contains("Debian GNU/Linux 12") == true)
        #expect(view["statuses"]?.array?.contains { $0["displayStatus"] == "VM running" } == true)
    }

    @Test(
        "are refused with the reason: an unknown image, a Windows image, a size that is none, data disks that are copies"
    )
    func refusals() async throws {
        let (world, fabric) = try await Self.world()
        func code(_ body: JSONValue) async -> String { await world.code { try await world.put(Self.path, body) } }
        let unknown: JSONValue = ["publisher": "Nobody", "offer": "unknown", "sku": "1", "version": "latest"]
        #expect(await code(Self.body(image: unknown)) == "PlatformImageNotFound")
        let windows: JSONValue = [
            "publisher": "MicrosoftWindowsServer", "offer": "WindowsServer", "sku": "2022-datacenter-g2",
        ]
        #expect(await code(Self.body(image: windows)) == "ImageNotSupported")
        var body = Self.body()
        body["properties"]?["hardwareProfile"]?["vmSize"] = "Huge"
        #expect(await code(body) == "InvalidParameter")
        body = Self.body()
        body["properties"]?["storageProfile"]?["dataDisks"] = [["lun": 0, "createOption": "Copy", "diskSizeGB": 10]]
        #expect(await code(body) == "FeatureNotSupported")
        #expect(fabric.log.isEmpty)
    }

    @Test(
        "are refused for administrators as Azure refuses them",
        arguments: [
            ["adminUsername": "root"], ["adminUsername": "Admin"], ["adminUsername": "al ice"],
            ["adminUsername": "-x"], ["adminPassword": "Correct-Horse-9"], ["adminUsername": nil],
            ["linuxConfiguration": ["disablePasswordAuthentication": true]],
            ["linuxConfiguration": ["disablePasswordAuthentication": false]],
            ["linuxConfiguration": [:], "adminPassword": "short"],
            ["linuxConfiguration": [:], "adminPassword": "alllowercase"],
            ["linuxConfiguration": ["ssh": ["publicKeys": [["keyData": "no key"]]]]],
            ["linuxConfiguration": ["ssh": ["publicKeys": [["keyData": "command=\"x\" ssh-rsa AAAA"]]]]],
            [
                "linuxConfiguration": [
                    "ssh": [
                        "publicKeys": [
                            ["keyData": "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIJoL4pwIzAMwpU6LkYxNQ3VmJfQZ3C6tQ1rI4mVZgk0G"]
                        ]
                    ]
                ]
            ],
            ["computerName": "a_b"], ["customData": "not base 64!"],
        ] as [[String: JSONValue]]
    )
    func administrators(changes: [String: JSONValue]) async throws {
        let (world, fabric) = try await Self.world()
        #expect(await world.code { try await world.put(Self.path, Self.body(changes)) } == "InvalidParameter")
        #expect(fabric.log.isEmpty)
    }

    @Test("get their secrets from the request, which nothing else keeps")
    func secrets() async throws {
        let script = "IyEvYmluL3NoCmVjaG8gdG9wc2VjcmV0Cg=="
        let changes: [String: JSONValue] = [
            "adminPassword": .string(Self.password), "customData": .string(script), "linuxConfiguration": [:],
        ]
        let (world, fabric) = try await MadeMachine.make(Self.body(changes))
        let order = try #require(fabric.machines.first)
        #expect(order.administrator?.password?.withValue { $0 } == Self.password)
        #expect(order.customData.starts(with: Array("#!/bin/sh".utf8)))
        let rows = try await world.database.read { reader in
            try reader.rows("SELECT record FROM resource").map { try $0.text("record") }
        }
        let lines = try await world.audit.entries().map { "\($0)" }
        for text in rows + lines + [world.resources.document(of: try MadeMachine.resource(in: world)).text] {
            #expect(!text.contains(Self.password) && !text.contains(script) && !text.contains("topsecret"))
            #expect(!text.contains("token-of-vm1"))
        }
    }

    @Test("fail with the fabric's own words, and can be ordered again")
    func failure() async throws {
        let (world, fabric) = try await Self.world()
        fabric.fail(with: Problem("AllocationFailed", shown: "There is no room for another machine."))
        let outcome = try await world.put(Self.path, Self.body())
        await world.resources.settle()
        let operation = try world.resources.operation(
            try #require(outcome.operation).id,
            in: try #require(outcome.resource.path.subscription),
            for: world.owner
        )
        #expect(operation.status == .failed && operation.problem?.code == "AllocationFailed")
        #expect(try MadeMachine.resource(in: world).provisioningState == "Failed")
        let view = world.resources.instanceView(of: try MadeMachine.resource(in: world))
        #expect(view["statuses"]?.array?.first?["code"] == "ProvisioningState/failed/AllocationFailed")
        #expect(view["statuses"]?.array?.contains { $0["code"] == "PowerState/deallocated" } == true)
        #expect(await world.code { try await MadeMachine.act(world, "start") } == "OperationNotAllowed")
        fabric.fail(with: nil)
        try await world.put(Self.path, Self.body())
        await world.resources.settle()
        #expect(try MadeMachine.resource(in: world).provisioningState == "Succeeded" && fabric.machines.count == 1)
    }

    @Test("are not made in networks that the operator declared, nor from a body without an image")
    func declaredNetworks() async throws {
        let (world, fabric) = try await Self.world()
        let network = try #require(ResourcePath("\(ResourceWorld.network)/virtualNetworks/net"))
        world.declaredBox.insert(network)
        world.resources.hooks.joinAdvice = { "join \($0.name) by hand" }
        let outcome = try await world.put(Self.path, Self.body())
        #expect(outcome.operation == nil && outcome.resource.provisioningState == "Succeeded")
        #expect(fabric.log.isEmpty)
        let view = world.resources.instanceView(of: outcome.resource)
        #expect(view["statuses"]?.array?.last?["message"] == "join vm1 by hand")
        #expect(await world.code { try await MadeMachine.act(world, "start") } == "OperationNotAllowed")
    }

    @Test("take one order at a time")
    func busy() async throws {
        let (world, fabric) = try await Self.world()
        fabric.hold()
        try await world.put(Self.path, Self.body())
        #expect(await world.code { try await world.put(Self.path, Self.body()) } == "AnotherOperationInProgress")
        let code = await world.code {
            _ = try await world.resources.act(
                "start",
                on: ResourceWorld.path(Self.path),
                ActionCall(author: .subject(world.owner))
            )
        }
        #expect(code == "OperationNotAllowed")
        fabric.release()
        await world.resources.settle()
    }

    @Test("are told when their place changes, and only then")
    func follow() async throws {
        let (world, fabric) = try await MadeMachine.make()
        let count = fabric.machines.count
        let interface = "\(ResourceWorld.network)/networkInterfaces/vm1VMNic"
        let subnet = "\(ResourceWorld.network)/virtualNetworks/net/subnets/machines"
        var body = ResourceWorld.interface(subnet, nil)
        body["tags"] = ["a": "b"]
        try await world.put(interface, body)
        #expect(fabric.machines.count == count)
        try await world.put(interface, ResourceWorld.interface(subnet, "10.0.0.77"))
        #expect(fabric.machines.count == count + 1)
        #expect(fabric.machines.last?.interfaces.first?.address == "10.0.0.77")
        #expect(fabric.machines.last?.enrolment == nil)
    }

    @Test("show their disk, which cannot be deleted under them")
    func disk() async throws {
        let (world, _) = try await MadeMachine.make()
        let disk = try #require(world.resources.list(type: "Microsoft.Compute/disks", below: .root).first)
        let document = world.resources.document(of: disk)
        #expect(document["managedBy"]?.string == Self.path && document["properties"]?["diskState"] == "Attached")
        let shown = try MadeMachine.resource(in: world).properties["storageProfile"]?["osDisk"]?["managedDisk"]?["id"]
        #expect(shown == .string(disk.path.description))
        #expect(
            await world.code { _ = try await world.resources.delete(disk.path, by: .subject(world.owner)) }
                == "OperationNotAllowed"
        )
    }

    @Test("keep who they are: name, administrator and image do not change")
    func unchangeable() async throws {
        let (world, fabric) = try await MadeMachine.make()
        let same = world.resources.document(of: try MadeMachine.resource(in: world))
        let again = try await world.put(Self.path, same)
        #expect(again.operation == nil && !again.changed)
        var other = same
        other["properties"]?["osProfile"]?["computerName"] = "somebody"
        #expect(await world.code { try await world.put(Self.path, other) } == "PropertyChangeNotAllowed")
        var larger = same
        larger["properties"]?["hardwareProfile"]?["vmSize"] = "Standard_D4s_v5"
        #expect(try await world.put(Self.path, larger).operation != nil)
        await world.resources.settle()
        #expect(fabric.machines.last?.processors == 4)
    }

    @Test("whose making a restart interrupted are made then, or fail when their secrets are gone")
    func restart() async throws {
        for needsSecret in [false, true] {
            let (world, fabric) = try await Self.world()
            fabric.hold()
            let changes: [String: JSONValue] =
                needsSecret ? ["linuxConfiguration": [:], "adminPassword": .string(Self.password)] : [:]
            try await world.put(Self.path, Self.body(changes))
            let second = FakeFabric()
            let after = try await ResourceWorld(fabric: second, after: world)
            await after.resources.settle()
            #expect(try MadeMachine.resource(in: after).provisioningState == (needsSecret ? "Failed" : "Succeeded"))
            #expect(second.machines.count == (needsSecret ? 0 : 1))
            if !needsSecret { #expect(second.machines.first?.enrolment != nil) }
            fabric.release()
            await world.resources.settle()
        }
    }

    @Test("are not for readers, neither to make nor to stop")
    func readers() async throws {
        let (world, fabric) = try await Self.world()
        #expect(
            await world.code { try await world.put(Self.path, Self.body(), as: world.reader) } == "AuthorizationFailed"
        )
        #expect(fabric.log.isEmpty)
    }
}
