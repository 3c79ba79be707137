import AccessControl
import Resources
import Testing
import Vocabulary

@Suite("What a bastion host reaches")
struct ReachabilityTests {
    /// A hub with a bastion host, a spoke that is peered with it, one behind the spoke, and a machine in each.
    private struct Landscape {
        let world: ResourceWorld
        let hub: String
        let spoke: String
        let bastion: ResourcePath
        let near: ResourcePath
        let beside: ResourcePath
        let far: ResourcePath
    }

    private func landscape(sku: String = "Standard", _ flags: [String: JSONValue] = ["enableTunneling": true])
        async throws -> Landscape
    {
        let world = try await ResourceWorld()
        let hub = try await world.network(
            "hub",
            "10.0.0.0/16",
            [("AzureBastionSubnet", "10.0.255.0/26"), ("m", "10.0.0.0/24")]
        )
        let spoke = try await world.network("spoke", "10.1.0.0/16", [("m", "10.1.0.0/24")])
        let behind = try await world.network("behind", "10.2.0.0/16", [("m", "10.2.0.0/24")])
        try await world.peer(hub, spoke)
        try await world.peer(spoke, behind)
        return Landscape(
            world: world,
            hub: hub,
            spoke: spoke,
            bastion: ResourceWorld.path(try await world.bastion("b", hub, sku: sku, flags)),
            near: ResourceWorld.path(try await world.machine("near", "\(hub)/subnets/m", "10.0.0.10")),
            beside: ResourceWorld.path(try await world.machine("beside", "\(spoke)/subnets/m", "10.1.0.10")),
            far: ResourceWorld.path(try await world.machine("far", "\(behind)/subnets/m", "10.2.0.10"))
        )
    }

    @Test("finds a machine in its own network")
    func own() async throws {
        let land = try await self.landscape()
        guard case .allowed(let reach) = land.world.resources.reach(land.near, port: 22, from: land.bastion) else {
            Issue.record("not reached")
            return
        }
        #expect(reach.endpoint == Endpoint(address: "10.0.0.10", port: 22))
        #expect(!reach.isPeered && reach.machine == land.near)
        #expect(reach.networkInterface?.name == "nearVMNic")
    }

    @Test("finds one in a peered network, none behind that")
    func peered() async throws {
        let land = try await self.landscape()
        guard case .allowed(let reach) = land.world.resources.reach(land.beside, port: 3389, from: land.bastion) else {
            Issue.record("not reached")
            return
        }
        #expect(reach.isPeered && reach.network.name == "spoke")
        #expect(land.world.resources.reach(land.far, port: 22, from: land.bastion).code == "NetworkNotReachable")
        #expect(land.world.resources.bastions(reaching: land.beside, port: 22).map(\.name) == ["b"])
        #expect(land.world.resources.bastions(reaching: land.far, port: 22).isEmpty)
    }

    @Test("needs both halves of a peering, connected and letting traffic through")
    func halfPeering() async throws {
        let land = try await self.landscape()
        let back = "\(land.spoke)/virtualNetworkPeerings/to-hub"
        try await land.world.put(
            back,
            ["properties": ["remoteVirtualNetwork": ["id": .string(land.hub)], "allowVirtualNetworkAccess": false]]
        )
        #expect(land.world.resources.reach(land.beside, port: 22, from: land.bastion).code == "NetworkNotReachable")
        _ = try await land.world.resources.delete(ResourceWorld.path(back), by: .subject(land.world.owner))
        #expect(land.world.resources.reach(land.beside, port: 22, from: land.bastion).code == "NetworkNotReachable")
    }

    @Test(
        "follows the editions",
        arguments: [
            ("Basic", false, 22, ConnectionWay.portal, "allowed"),
            ("Basic", false, 2222, .portal, "CustomPortNotSupported"),
            ("Basic", false, 22, .nativeClient, "NativeClientNotSupported"),
            ("Standard", false, 22, .nativeClient, "TunnelingDisabled"),
            ("Standard", false, 2222, .portal, "allowed"),
            ("Standard", true, 2222, .nativeClient, "allowed"),
            ("Premium", true, 3389, .nativeClient, "allowed"),
            ("Standard", true, 0, .nativeClient, "PortNotValid"),
            ("Standard", true, 65_536, .nativeClient, "PortNotValid"),
        ]
    )
    func editions(sku: String, tunneling: Bool, port: Int, way: ConnectionWay, code: String) async throws {
        let land = try await self.landscape(sku: sku, ["enableTunneling": .bool(tunneling)])
        #expect(land.world.resources.reach(land.near, port: port, from: land.bastion, by: way).code == code)
    }

    @Test("of the Developer edition is its own network")
    func developer() async throws {
        let land = try await self.landscape()
        let host = "\(ResourceWorld.network)/bastionHosts/dev"
        try await land.world.declare(
            host,
            [
                "location": "local", "sku": ["name": "Developer"],
                "properties": ["virtualNetwork": ["id": .string(land.spoke)]],
            ]
        )
        let path = ResourceWorld.path(host)
        #expect(land.world.resources.reach(land.beside, port: 22, from: path, by: .portal).code == "allowed")
        #expect(land.world.resources.reach(land.near, port: 22, from: path, by: .portal).code == "NetworkNotReachable")
    }

    private func reachByAddress(_ land: Landscape, _ address: String) -> String {
        let target = ResourcePath("\(ResourceWorld.network)/bh-hostConnect/\(address)")
        return target.map { land.world.resources.reach($0, port: 22, from: land.bastion).code } ?? "unreadable"
    }

    @Test("takes addresses only where that is switched on")
    func addressSwitch() async throws {
        let land = try await self.landscape()
        #expect(self.reachByAddress(land, "10.0.0.10") == "IPConnectDisabled")
    }

    @Test(
        "takes addresses inside the networks it reaches and no others",
        arguments: [
            ("10.0.0.10", "allowed"), ("10.1.0.77", "allowed"), ("10.2.0.10", "AddressNotReachable"),
            ("127.0.0.1", "AddressNotReachable"), ("169.254.169.254", "AddressNotReachable"),
            ("168.63.129.16", "AddressNotReachable"), ("8.8.8.8", "AddressNotReachable"), ("::1", "AddressNotValid"),
            ("::ffff:10.0.0.10", "AddressNotValid"), ("010.0.0.10", "AddressNotValid"), ("10.0.10", "AddressNotValid"),
            ("0x0a00000a", "AddressNotValid"), ("167772170", "AddressNotValid"),
            ("near.contoso.example", "AddressNotValid"),
        ]
    )
    func addresses(address: String, code: String) async throws {
        let land = try await self.landscape(["enableTunneling": true, "enableIpConnect": true])
        #expect(self.reachByAddress(land, address) == code)
    }

    private func landscape(_ flags: [String: JSONValue]) async throws -> Landscape {
        try await self.landscape(sku: "Standard", flags)
    }

    @Test("takes addresses only in the name of the bastion host's own group")
    func otherGroup() async throws {
        let land = try await self.landscape(["enableTunneling": true, "enableIpConnect": true])
        let target = ResourceWorld.path(
            "\(ResourceWorld.subscription)/resourceGroups/other/providers/Microsoft.Network/bh-hostConnect/10.0.0.10"
        )
        #expect(land.world.resources.reach(target, port: 22, from: land.bastion).code == "TargetNotValid")
    }

    @Test("refuses the server's own addresses even inside a declared network")
    func loopbackNetwork() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network(
            "loop",
            "127.0.0.0/16",
            [("AzureBastionSubnet", "127.0.255.0/26"), ("m", "127.0.0.0/24")]
        )
        let bastion = ResourceWorld.path(try await world.bastion("b", network, ["enableTunneling": true]))
        let machine = ResourceWorld.path(try await world.machine("vm", "\(network)/subnets/m", "127.0.0.10"))
        #expect(world.resources.reach(machine, port: 22, from: bastion).code == "AddressNotAllowed")
    }

    @Test("names every right that is missing, but nothing behind what may not be seen")
    func rights() async throws {
        let land = try await self.landscape()
        let world = land.world
        let judge = { world.resources.judgeConnection(world.stranger, through: land.bastion, to: land.beside) }
        let steps = [
            ("virtual machine 'beside' for", land.beside.description),
            (
                "bastion host 'b', network interface 'besideVMNic' for",
                "\(ResourceWorld.network)/networkInterfaces/besideVMNic"
            ),
            ("bastion host 'b', peered virtual network 'spoke' for", land.bastion.description),
            ("peered virtual network 'spoke' for", land.spoke),
        ]
        for (name, scope) in steps {
            guard case .refused(let refusal) = judge() else {
                Issue.record("allowed without \(name)")
                return
            }
            #expect(refusal.reason.hasPrefix("Reader is missing on the \(name)"))
            try await world.assign("Reader", to: world.stranger, at: scope)
        }
        guard case .allowed(let rights) = judge() else {
            Issue.record("refused")
            return
        }
        #expect(rights.grounds.path == land.beside && rights.all.count == 4)
    }

    @Test("asks nobody for the network of a machine that is not in a peered one")
    func ownNetworkRights() async throws {
        let land = try await self.landscape()
        for scope in [
            land.near.description, land.bastion.description, "\(ResourceWorld.network)/networkInterfaces/nearVMNic",
        ] {
            try await land.world.assign("Reader", to: land.world.stranger, at: scope)
        }
        #expect(
            land.world.resources.judgeConnection(land.world.stranger, through: land.bastion, to: land.near).code
                == "allowed"
        )
    }

    @Test("does not take an address as a way around the rights on a machine")
    func addressRights() async throws {
        let land = try await self.landscape(["enableTunneling": true, "enableIpConnect": true])
        let world = land.world
        try await world.assign("Reader", to: world.stranger, at: land.bastion.description)
        let judge = { (address: String) in
            world.resources.judgeConnection(
                world.stranger,
                through: land.bastion,
                to: ResourceWorld.path("\(ResourceWorld.network)/bh-hostConnect/\(address)")
            ).code
        }
        #expect(judge("10.0.0.10") == "RoleMissing")
        #expect(judge("10.0.0.99") == "allowed")
    }

    @Test("refuses a machine that is not there in the same words as one that may not be seen")
    func oracle() async throws {
        let land = try await self.landscape()
        let none = ResourceWorld.path("\(ResourceWorld.compute)/virtualMachines/nobody")
        func sentence(_ path: ResourcePath) -> String? {
            guard
                case .refused(let refusal) = land.world.resources.judgeConnection(
                    land.world.stranger,
                    through: land.bastion,
                    to: path
                )
            else { return nil }
            return refusal.sentence.replacing(path.description, with: "*").replacing(path.name, with: "*")
        }
        #expect(sentence(none) != nil && sentence(none) == sentence(land.near))
    }
}
