import AccessControl
import Fabric
import Testing
import Vocabulary

@testable import Resources

@Suite("Rules in effect")
struct InboundRulesTests {
    /// A machine at 10.0.0.4 with a bastion host in the same network, and a group on the subnet, the interface, or both.
    private struct Scene {
        let world: ResourceWorld
        let network: String
        let machine: String
        let bastion: String

        init(subnet: [JSONValue]? = nil, interface: [JSONValue]? = nil, sku: String = "Standard") async throws {
            self.world = try await ResourceWorld()
            self.network = try await self.world.network(
                "net",
                "10.0.0.0/16",
                [("AzureBastionSubnet", "10.0.255.0/26"), ("machines", "10.0.0.0/24")]
            )
            self.machine = try await self.world.machine("vm", "\(self.network)/subnets/machines", "10.0.0.4")
            self.bastion = try await self.world.bastion(
                "b",
                self.network,
                sku: sku,
                ["enableTunneling": true, "enableIpConnect": true]
            )
            if let subnet {
                let group = try await self.group("onSubnet", subnet)
                let properties: JSONValue = ["addressPrefix": "10.0.0.0/24", "networkSecurityGroup": group]
                try await self.world.put("\(self.network)/subnets/machines", ["properties": properties])
            }
            if let interface {
                var body = ResourceWorld.interface("\(self.network)/subnets/machines", "10.0.0.4")
                body["properties"]?["networkSecurityGroup"] = try await self.group("onInterface", interface)
                try await self.world.put("\(ResourceWorld.network)/networkInterfaces/vmVMNic", body)
            }
        }

        func group(_ name: String, _ rules: [JSONValue]) async throws -> JSONValue {
            let path = "\(ResourceWorld.network)/networkSecurityGroups/\(name)"
            try await self.world.put(path, SecurityGroupTests.body(rules))
            return ["id": .string(path)]
        }

        var rules: [TrafficRule] {
            let nic = ResourceWorld.path("\(ResourceWorld.network)/networkInterfaces/vmVMNic")
            return self.world.resources.resource(nic).map { self.world.resources.current.inboundRules(of: $0) } ?? []
        }

        func reach(_ port: Int = 22, _ target: String? = nil) -> Verdict<Reach> {
            let target = ResourceWorld.path(target ?? self.machine)
            return self.world.resources.reach(target, port: port, from: ResourceWorld.path(self.bastion))
        }

        /// What a packet meets, as a fabric decides it.
        func admits(_ transport: TrafficRule.Transport, _ port: Int, from source: String) throws -> Bool {
            let address = try #require(IPv4Address(source))
            for rule in self.rules where rule.transport == .any || rule.transport == transport {
                guard rule.ports.isEmpty || rule.ports.contains(where: { $0.contains(port) }) else { continue }
                let ranges = rule.sources.compactMap { AddressPrefix($0) }
                if ranges.isEmpty || ranges.contains(where: { $0.contains(address) }) { return rule.isAllowed }
            }
            return false
        }
    }

    private static func allow(_ name: String, _ priority: Int64, _ source: String, _ port: String) -> JSONValue {
        SecurityGroupTests.rule(name, priority, "Allow", from: source, port: port)
    }

    @Test("without a group let in the virtual network alone")
    func none() async throws {
        let scene = try await Scene()
        #expect(try scene.admits(.udp, 53, from: "10.0.9.9"))
        #expect(try !scene.admits(.tcp, 22, from: "203.0.113.7"))
        #expect(scene.reach().code == "allowed")
    }

    @Test("with an empty group are its default rules")
    func defaults() async throws {
        let scene = try await Scene(subnet: [])
        #expect(try scene.admits(.tcp, 22, from: "10.0.255.5"))
        #expect(try scene.admits(.tcp, 22, from: "168.63.129.16"))
        #expect(try !scene.admits(.tcp, 22, from: "203.0.113.7"))
    }

    @Test("let in what both groups allow, and nothing that one of them denies")
    func both() async throws {
        let scene = try await Scene(
            subnet: [Self.allow("web", 100, "Internet", "443"), Self.allow("ssh", 110, "*", "20-25")],
            interface: [
                SecurityGroupTests.rule("no", 100, "Deny", from: "203.0.113.0/24", port: "443"),
                Self.allow("web", 110, "*", "443"), Self.allow("ssh", 120, "198.51.100.0/24", "22"),
            ]
        )
        #expect(try scene.admits(.tcp, 443, from: "192.0.2.1"))
        #expect(try !scene.admits(.tcp, 443, from: "203.0.113.7"))
        #expect(try scene.admits(.tcp, 22, from: "198.51.100.9"))
        #expect(try !scene.admits(.tcp, 22, from: "192.0.2.1"))
        #expect(try !scene.admits(.tcp, 25, from: "198.51.100.9"))
        #expect(try !scene.admits(.udp, 443, from: "192.0.2.1"))
        #expect(try scene.admits(.udp, 9, from: "10.0.9.9"))
    }

    @Test("keep the tag Internet out of the virtual network and of networks that are peered with it")
    func internet() async throws {
        let scene = try await Scene(subnet: [
            SecurityGroupTests.rule("in", 100, "Deny", from: "Internet", port: "22"),
            Self.allow("all", 110, "*", "22"),
        ])
        #expect(try scene.admits(.tcp, 22, from: "10.0.3.3"))
        #expect(try !scene.admits(.tcp, 22, from: "10.7.3.3"))
        let other = try await scene.world.network("other", "10.7.0.0/16", [])
        try await scene.world.peer(scene.network, other)
        #expect(try scene.admits(.tcp, 22, from: "10.7.3.3"))
    }

    @Test(
        "leave out what cannot be carried out exactly, and close rather than open",
        arguments: [
            ("sourcePortRange", JSONValue.string("1024-65535")), ("sourceAddressPrefix", .string("Storage")),
            ("sourceAddressPrefix", .string("2001:db8::/32")), ("destinationAddressPrefix", .string("10.0.0.5")),
            ("destinationAddressPrefix", .string("Internet")), ("protocol", .string("Esp")),
            ("direction", .string("Outbound")),
        ]
    )
    func inexact(member: String, value: JSONValue) async throws {
        let rule = SecurityGroupTests.change(Self.allow("r", 100, "*", "22"), member, value)
        let scene = try await Scene(subnet: [rule])
        #expect(try !scene.admits(.tcp, 22, from: "203.0.113.7"))
    }

    @Test("know the members of application security groups")
    func applicationGroups() async throws {
        let world = try await ResourceWorld()
        let web = "\(ResourceWorld.network)/applicationSecurityGroups/web"
        try await world.put(web, ["location": "local", "properties": [:]])
        var rule = SecurityGroupTests.change(Self.allow("r", 100, "*", "22"), "sourceAddressPrefix", nil)
        rule["properties"]?["sourceApplicationSecurityGroups"] = [["id": .string(web)]]
        let deny = SecurityGroupTests.rule("no", 200, "Deny")
        let group = "\(ResourceWorld.network)/networkSecurityGroups/nsg"
        try await world.put(group, SecurityGroupTests.body([rule, deny]))
        let network = try await world.network("net", "10.0.0.0/16", [("a", "10.0.0.0/24")])
        for (name, address, isMember) in [("one", "10.0.0.4", true), ("two", "10.0.0.5", false)] {
            var body = ResourceWorld.interface("\(network)/subnets/a", address)
            var element = try #require(body["properties"]?["ipConfigurations"]?.array?.first)
            if isMember { element["properties"]?["applicationSecurityGroups"] = [["id": .string(web)]] }
            body["properties"]?["ipConfigurations"] = [element]
            body["properties"]?["networkSecurityGroup"] = ["id": .string(group)]
            try await world.put("\(ResourceWorld.network)/networkInterfaces/\(name)", body)
        }
        let two = try #require(
            world.resources.resource(ResourceWorld.path("\(ResourceWorld.network)/networkInterfaces/two"))
        )
        let first = try #require(world.resources.current.inboundRules(of: two).first)
        #expect(first.isAllowed && first.sources == ["10.0.0.4/32"])
    }

    @Test("keep a bastion host out when a rule denies its subnet, and the refusal names the rule")
    func reach() async throws {
        let deny = SecurityGroupTests.rule("NoBastion", 100, "Deny", from: "VirtualNetwork", port: "22")
        for scene in [try await Scene(subnet: [deny]), try await Scene(interface: [deny])] {
            guard case .refused(let refusal) = scene.reach() else {
                Issue.record("was let through")
                continue
            }
            #expect(refusal.code == "NetworkSecurityGroupDenies")
            #expect(refusal.reason.contains("'NoBastion'") && refusal.reason.contains("10.0.255.0/26"))
            #expect(scene.reach(3389).code == "allowed")
            let address = "\(ResourceWorld.group)/providers/Microsoft.Network/bh-hostConnect/10.0.0.4"
            #expect(scene.reach(22, address).code == "NetworkSecurityGroupDenies")
            let free = "\(ResourceWorld.group)/providers/Microsoft.Network/bh-hostConnect/10.0.0.77"
            let onSubnet = scene.rules.isEmpty == false && scene.reach(22, free).code != "allowed"
            #expect(onSubnet == (refusal.reason.contains("on the subnet")))
        }
    }

    @Test("let a bastion host in only when the whole of its subnet is allowed")
    func part() async throws {
        let deny = SecurityGroupTests.rule("no", 200, "Deny")
        let some = try await Scene(interface: [Self.allow("some", 100, "10.0.255.0/27", "22"), deny])
        #expect(some.reach().code == "NetworkSecurityGroupDenies")
        let whole = try await Scene(interface: [Self.allow("all", 100, "10.0.255.0/26", "22"), deny])
        #expect(whole.reach().code == "allowed")
    }

    @Test("and switches do not end a connection that is open")
    func open() async throws {
        let scene = try await Scene(subnet: [SecurityGroupTests.rule("no", 100, "Deny")])
        var off = ResourceWorld.host(scene.network, sku: "Standard", ["enableTunneling": false])
        off["tags"] = ["changed": "yes"]
        try await scene.world.declare(scene.bastion, off)
        let target = ResourceWorld.path(scene.machine)
        let host = ResourceWorld.path(scene.bastion)
        #expect(scene.world.resources.reach(target, port: 22, from: host).code == "TunnelingDisabled")
        #expect(scene.world.resources.reach(target, port: 22, from: host, isOpen: true).code == "allowed")
        try await scene.world.resources.delete(target, by: .system)
        #expect(scene.world.resources.reach(target, port: 22, from: host, isOpen: true).code == "ResourceNotFound")
    }
}
