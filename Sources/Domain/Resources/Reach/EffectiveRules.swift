public import Vocabulary

/// What lies on an interface in effect. Source: Azure network interfaces REST, "List Effective Network Security Groups", "Get Effective Route Table".
extension Resources {
    /// The security groups of an interface and of its subnet, with every rule of theirs.
    public func effectiveSecurityGroups(of interface: Resource) -> [JSONValue] {
        let snapshot = self.current
        let subnet = interface.ipConfigurations.first?.subnet.flatMap { snapshot[$0] }
        return [subnet, interface].compactMap { holder in
            guard let holder, let group = holder.securityGroup.flatMap({ snapshot[$0] }) else { return nil }
            let own = snapshot.list(type: ResourceKind.securityRuleType, below: group.path).map { rule in
                Self.effective(rule.name, "securityRules", rule.properties)
            }
            let defaults = SecurityRule.defaults(of: group.path).map { rule in
                Self.effective(rule.name, "defaultSecurityRules", rule.defaultDocument(of: group)["properties"] ?? [:])
            }
            let word = holder.path == interface.path ? "networkInterface" : "subnet"
            return [
                "networkSecurityGroup": ["id": .string(group.path.description)],
                "association": .object([word: ["id": .string(holder.path.description)]]),
                "effectiveSecurityRules": .array(own + defaults),
            ]
        }
    }

    /// Where an interface's traffic goes: the network itself, those peered with it, the routes of its subnet's table, the rest.
    public func effectiveRoutes(of interface: Resource) -> [JSONValue] {
        let snapshot = self.current
        guard let subnet = interface.ipConfigurations.first?.subnet.flatMap({ snapshot[$0] }),
            let network = subnet.path.parent.flatMap({ snapshot[$0] })
        else { return [] }
        func route(_ source: String, _ prefixes: [String], _ hop: String, _ address: String? = nil) -> JSONValue {
            [
                "source": .string(source), "state": "Active", "addressPrefix": .array(prefixes.map { .string($0) }),
                "nextHopType": .string(hop), "nextHopIpAddress": .array(address.map { [.string($0)] } ?? []),
            ]
        }
        let table = subnet.properties["routeTable"]?["id"]?.string.flatMap { ResourcePath($0) }
        let own = table.map { snapshot.list(type: ResourceKind.routeType, below: $0) } ?? []
        let near = route("Default", network.addressSpace.map(\.description), "VnetLocal")
        let peers = snapshot.neighbours(of: network).map {
            route("Default", $0.addressSpace.map(\.description), "VNetPeering")
        }
        return [near] + peers
            + own.map {
                route(
                    "User",
                    [$0.properties["addressPrefix"]?.string ?? ""],
                    $0.properties["nextHopType"]?.string ?? "None",
                    $0.properties["nextHopIpAddress"]?.string
                )
            } + [route("Default", ["0.0.0.0/0"], "Internet")]
    }

    private static func effective(_ name: String, _ list: String, _ properties: JSONValue) -> JSONValue {
        var rule: JSONValue = ["name": .string("\(list)/\(name)")]
        for member in [
            "protocol", "sourcePortRange", "sourcePortRanges", "destinationPortRange", "destinationPortRanges",
            "sourceAddressPrefix", "sourceAddressPrefixes", "destinationAddressPrefix", "destinationAddressPrefixes",
            "access", "priority", "direction",
        ] {
            rule[member] = properties[member]
        }
        if rule["protocol"] == "*" { rule["protocol"] = "All" }
        return rule
    }
}
