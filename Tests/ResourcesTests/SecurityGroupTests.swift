import AccessControl
import Resources
import Testing
import Vocabulary

@Suite("Security groups")
struct SecurityGroupTests {
    static func rule(
        _ name: String,
        _ priority: Int64,
        _ access: String,
        from source: String = "*",
        port: String = "*",
        to destination: String = "*",
        direction: String = "Inbound",
        transport: String = "Tcp"
    ) -> JSONValue {
        [
            "name": .string(name),
            "properties": [
                "protocol": .string(transport), "sourcePortRange": "*", "destinationPortRange": .string(port),
                "sourceAddressPrefix": .string(source), "destinationAddressPrefix": .string(destination),
                "access": .string(access), "priority": .integer(priority), "direction": .string(direction),
            ],
        ]
    }

    static let group = "\(ResourceWorld.network)/networkSecurityGroups/nsg"

    static func body(_ rules: [JSONValue]) -> JSONValue {
        ["location": "local", "properties": ["securityRules": .array(rules)]]
    }

    static func change(_ rule: JSONValue, _ member: String, _ value: JSONValue?) -> JSONValue {
        var changed = rule
        changed["properties"]?[member] = value
        return changed
    }

    @Test(
        "refuse rules that mean nothing",
        arguments: [
            ("priority", JSONValue.integer(99), "SecurityRuleInvalidPriority"),
            ("priority", .integer(4097), "SecurityRuleInvalidPriority"),
            ("priority", .integer(100), "none"), ("priority", .integer(4096), "none"),
            ("destinationPortRange", "65536", "SecurityRuleInvalidPortRange"),
            ("destinationPortRange", "9-8", "SecurityRuleInvalidPortRange"),
            ("destinationPortRange", "22-", "SecurityRuleInvalidPortRange"),
            ("destinationPortRange", "22-80", "none"),
            ("destinationPortRange", "", "SecurityRuleParameterContainsNoValue"),
            ("sourceAddressPrefix", "Internett", "SecurityRuleInvalidAddressPrefix"),
            ("sourceAddressPrefix", "10.0.0.0/33", "SecurityRuleInvalidAddressPrefix"),
            ("sourceAddressPrefix", "10.0.0.9/24", "none"), ("sourceAddressPrefix", "Storage.WestEurope", "none"),
            ("sourceAddressPrefix", "2001:db8::/32", "none"), ("sourceAddressPrefix", "internet", "none"),
            ("protocol", "Sctp", "InvalidRequestContent"), ("access", "Maybe", "InvalidRequestContent"),
            ("direction", .null, "InvalidRequestContent"),
        ]
    )
    func validation(member: String, value: JSONValue, code: String) async throws {
        let world = try await ResourceWorld()
        let rule = Self.change(Self.rule("r", 200, "Allow", from: "10.0.0.0/8", port: "22"), member, value)
        #expect(await world.code { try await world.put(Self.group, Self.body([rule])) } == code)
    }

    @Test("have one rule for each priority and direction, counted when all of a request is in place")
    func priorities() async throws {
        let world = try await ResourceWorld()
        let a = Self.rule("a", 100, "Allow")
        let b = Self.rule("b", 110, "Deny")
        try await world.put(Self.group, Self.body([a, b, Self.rule("c", 100, "Deny", direction: "Outbound")]))
        let clash = Self.rule("d", 100, "Deny")
        #expect(
            await world.code { try await world.put(Self.group, Self.body([a, b, clash])) } == "SecurityRuleConflict"
        )
        let alone = try #require(clash["properties"])
        let code = await world.code {
            try await world.put("\(Self.group)/securityRules/d", ["properties": alone])
        }
        #expect(code == "SecurityRuleConflict")
        let swapped = [Self.rule("a", 110, "Allow"), Self.rule("b", 100, "Deny")]
        #expect(await world.code { try await world.put(Self.group, Self.body(swapped)) } == "none")
    }

    @Test("lose their rules when a PUT leaves them out, and keep them when a PATCH changes tags")
    func replacing() async throws {
        let world = try await ResourceWorld()
        let type = "Microsoft.Network/networkSecurityGroups/securityRules"
        let path = ResourceWorld.path(Self.group)
        try await world.put(Self.group, Self.body([Self.rule("a", 100, "Allow")]))
        try await world.resources.patch(path, body: ["tags": ["a": "b"]], by: .subject(world.owner))
        #expect(world.resources.list(type: type, below: path).map(\.name) == ["a"])
        try await world.put(Self.group, ["location": "local", "properties": [:]])
        #expect(world.resources.list(type: type, below: path).isEmpty)
    }

    @Test("show their default rules and their users, and stay while something uses them")
    func documents() async throws {
        let world = try await ResourceWorld()
        let group = try await world.put(Self.group, Self.body([])).resource
        let network = try await world.network("net", "10.0.0.0/16", [])
        let subnet = "\(network)/subnets/a"
        let attached: JSONValue = ["addressPrefix": "10.0.0.0/24", "networkSecurityGroup": ["id": .string(Self.group)]]
        try await world.put(subnet, ["properties": attached])
        let document = world.resources.document(of: group)
        let defaults = document["properties"]?["defaultSecurityRules"]?.array ?? []
        #expect(
            defaults.compactMap { $0["properties"]?["priority"]?.integer }.sorted() == [
                65_000, 65_000, 65_001, 65_001, 65_500, 65_500,
            ]
        )
        #expect(document["properties"]?["subnets"] == [["id": .string(subnet)]])
        let path = ResourceWorld.path(Self.group)
        let code = await world.code { try await world.resources.delete(path, by: .subject(world.owner)) }
        #expect(code == "InUseNetworkSecurityGroupCannotBeDeleted")
    }

    private static let forBastion: [JSONValue] = [
        rule("AllowHttpsInbound", 120, "Allow", from: "203.0.113.0/24", port: "443"),
        rule("AllowGatewayManagerInbound", 130, "Allow", from: "GatewayManager", port: "443"),
        rule("AllowAzureLoadBalancerInbound", 140, "Allow", from: "AzureLoadBalancer", port: "443"),
        list(
            rule(
                "AllowBastionHostCommunication",
                150,
                "Allow",
                from: "VirtualNetwork",
                to: "VirtualNetwork",
                transport: "*"
            )
        ),
        list(
            rule("AllowSshRdpOutbound", 100, "Allow", to: "VirtualNetwork", direction: "Outbound", transport: "*"),
            ["22", "3389"]
        ),
        rule("AllowAzureCloudOutbound", 110, "Allow", port: "443", to: "AzureCloud", direction: "Outbound"),
        list(
            rule(
                "AllowBastionCommunication",
                120,
                "Allow",
                from: "VirtualNetwork",
                to: "VirtualNetwork",
                direction: "Outbound",
                transport: "*"
            )
        ),
        rule("AllowHttpOutbound", 130, "Allow", port: "80", to: "Internet", direction: "Outbound"),
    ]

    private static func list(_ rule: JSONValue, _ ports: [String] = ["8080", "5701"]) -> JSONValue {
        let single = self.change(rule, "destinationPortRange", nil)
        return self.change(single, "destinationPortRanges", .array(ports.map { .string($0) }))
    }

    @Test("let through what a bastion host needs before they are attached to its subnet", arguments: 0...8)
    func bastionSubnet(missing: Int) async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [])
        var rules = Self.forBastion
        if missing < rules.count { rules.remove(at: missing) }
        try await world.put(Self.group, Self.body(rules))
        let properties: JSONValue = [
            "addressPrefix": "10.0.255.0/26", "networkSecurityGroup": ["id": .string(Self.group)],
        ]
        let code = await world.code {
            try await world.put("\(network)/subnets/AzureBastionSubnet", ["properties": properties])
        }
        #expect(code == (missing == 8 ? "none" : "NetworkSecurityGroupNotCompliantForAzureBastionSubnet"))
        guard missing == 8 else { return }
        // Nor can such a rule be taken out later, in either way.
        let path = ResourceWorld.path("\(Self.group)/securityRules/AllowGatewayManagerInbound")
        #expect(
            await world.code { try await world.resources.delete(path, by: .subject(world.owner)) }
                == "NetworkSecurityGroupNotCompliantForAzureBastionSubnet"
        )
        #expect(
            await world.code { try await world.put(Self.group, Self.body([])) }
                == "NetworkSecurityGroupNotCompliantForAzureBastionSubnet"
        )
    }
}
