import AccessControl
import Resources
import Testing
import Vocabulary

@Suite("Bastion hosts")
struct BastionHostTests {
    private func world(subnet: String = "AzureBastionSubnet", _ prefix: String = "10.0.255.0/26") async throws
        -> (ResourceWorld, String)
    {
        let world = try await ResourceWorld()
        return (world, try await world.network("net", "10.0.0.0/16", [(subnet, prefix), ("machines", "10.0.0.0/24")]))
    }

    private func create(_ world: ResourceWorld, _ body: JSONValue, name: String = "b") async -> String {
        await world.code { try await world.declare("\(ResourceWorld.network)/bastionHosts/\(name)", body) }
    }

    @Test("needs a subnet of exactly that name, /26 or larger")
    func placement() async throws {
        let (small, net) = try await self.world("10.0.255.0/27")
        #expect(await self.create(small, ResourceWorld.host(net, sku: "Basic", [:])) == "BastionSubnetTooSmall")
        let (misspelt, other) = try await self.world(subnet: "azurebastionsubnet")
        #expect(
            await self.create(misspelt, ResourceWorld.host(other, sku: "Basic", [:])) == "InvalidSubnetForBastionHost"
        )
        let (good, third) = try await self.world()
        #expect(await self.create(good, ResourceWorld.host(third, sku: "Basic", [:])) == "none")
        #expect(
            await self.create(good, ResourceWorld.host(third, sku: "Basic", [:]), name: "second")
                == "BastionHostAlreadyExistsInVirtualNetwork"
        )
    }

    private func world(_ prefix: String) async throws -> (ResourceWorld, String) {
        try await self.world(subnet: "AzureBastionSubnet", prefix)
    }

    @Test(
        "has each feature from its edition upward",
        arguments: [
            ("enableTunneling", "Basic", "FeatureNotSupportedForBastionSku"), ("enableTunneling", "Standard", "none"),
            ("enableIpConnect", "Basic", "FeatureNotSupportedForBastionSku"), ("enableIpConnect", "Standard", "none"),
            ("enableShareableLink", "Basic", "FeatureNotSupportedForBastionSku"),
            ("enableFileCopy", "Basic", "FeatureNotSupportedForBastionSku"),
            ("disableCopyPaste", "Basic", "FeatureNotSupportedForBastionSku"),
            ("enableKerberos", "Basic", "none"),
            ("enableSessionRecording", "Standard", "FeatureNotSupportedForBastionSku"),
            ("enableSessionRecording", "Premium", "none"),
            ("enablePrivateOnlyBastion", "Standard", "FeatureNotSupportedForBastionSku"),
        ]
    )
    func features(flag: String, sku: String, code: String) async throws {
        let (world, net) = try await self.world()
        #expect(await self.create(world, ResourceWorld.host(net, sku: sku, [flag: true])) == code)
    }

    @Test("scales from Standard upward only")
    func scaling() async throws {
        let (world, net) = try await self.world()
        let units: [String: JSONValue] = ["scaleUnits": 3]
        #expect(
            await self.create(world, ResourceWorld.host(net, sku: "Basic", units)) == "FeatureNotSupportedForBastionSku"
        )
        #expect(await self.create(world, ResourceWorld.host(net, sku: "Standard", units)) == "none")
        #expect(
            await self.create(world, ResourceWorld.host(net, sku: "Standard", ["scaleUnits": 51]))
                == "InvalidRequestContent"
        )
    }

    @Test("is upgraded, never downgraded")
    func upgrade() async throws {
        let (world, net) = try await self.world()
        for sku in ["Basic", "Standard", "Premium"] {
            #expect(await self.create(world, ResourceWorld.host(net, sku: sku, [:])) == "none")
        }
        #expect(
            await self.create(world, ResourceWorld.host(net, sku: "Standard", [:]))
                == "BastionHostSkuDowngradeNotSupported"
        )
        #expect(await self.create(world, ResourceWorld.host(net, sku: "QuickConnect", [:])) == "InvalidRequestContent")
    }

    @Test("of the Developer edition names a network and has no features")
    func developer() async throws {
        let (world, net) = try await self.world()
        let body: JSONValue = [
            "location": "local", "sku": ["name": "Developer"], "properties": ["virtualNetwork": ["id": .string(net)]],
        ]
        #expect(
            await self.create(world, ResourceWorld.host(net, sku: "Developer", [:]))
                == "FeatureNotSupportedForDeveloperBastionSku"
        )
        var tunnel = body
        tunnel["properties"]?["enableTunneling"] = true
        #expect(await self.create(world, tunnel) == "FeatureNotSupportedForDeveloperBastionSku")
        #expect(await self.create(world, body) == "none")
    }

    @Test("that a client makes needs a public address of the Standard edition")
    func publicAddress() async throws {
        let (world, net) = try await self.world()
        let path = "\(ResourceWorld.network)/bastionHosts/b"
        var body = ResourceWorld.host(net, sku: "Standard", [:])
        let sent = body
        #expect(await world.code { try await world.put(path, sent) } == "InvalidRequestContent")
        let address = "\(ResourceWorld.network)/publicIPAddresses/pip"
        try await world.put(address, ["location": "local"])
        body["properties"]?["ipConfigurations"] = [
            [
                "name": "bastion_ip_config",
                "properties": [
                    "subnet": ["id": .string("\(net)/subnets/AzureBastionSubnet")],
                    "publicIPAddress": ["id": .string(address)],
                ],
            ]
        ]
        let whole = body
        #expect(await world.code { try await world.put(path, whole) } == "InvalidPublicIPAddressForBastionHost")
        try await world.put(
            address,
            [
                "location": "local", "sku": ["name": "Standard"],
                "properties": ["publicIPAllocationMethod": "Static", "idleTimeoutInMinutes": 4],
            ]
        )
        let made = try await world.put(path, whole)
        let document = world.resources.document(of: made.resource)
        #expect(document["properties"]?["dnsName"] == "localhost:8443")
        // What clients do to update: the whole document back, with read-only members in it.
        let again = try await world.put(path, document)
        #expect(!again.changed)
    }

    @Test("must be in the group of its network")
    func otherGroup() async throws {
        let (world, net) = try await self.world()
        try await world.put("\(ResourceWorld.subscription)/resourceGroups/other", ["location": "local"])
        let code = await world.code {
            try await world.declare(
                "\(ResourceWorld.subscription)/resourceGroups/other/providers/Microsoft.Network/bastionHosts/b",
                ResourceWorld.host(net, sku: "Standard", [:])
            )
        }
        #expect(code == "InvalidResourceReference")
    }

    @Test("keeps other things out of its subnet")
    func subnetAlone() async throws {
        let (world, net) = try await self.world()
        let code = await world.code {
            try await world.machine("vm1", "\(net)/subnets/AzureBastionSubnet", "10.0.255.10")
        }
        #expect(code == "NonBastionResourceInAzureBastionSubnet")
    }
}
