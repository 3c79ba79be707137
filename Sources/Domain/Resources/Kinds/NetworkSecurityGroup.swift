import Fabric
import Vocabulary

extension ResourceKind {
    static let securityRuleType = "Microsoft.Network/networkSecurityGroups/securityRules"

    /// Security groups: what may come in to the interfaces and subnets that they are attached to. Source: Azure network security groups REST.
    static let networkSecurityGroup: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Network/networkSecurityGroups",
            properties: [
                "flushConnection": Member(.flag),
                "defaultSecurityRules": Member(.anything, .readOnly),
                "networkInterfaces": Member(.anything, .readOnly),
                "subnets": Member(.anything, .readOnly),
                "resourceGuid": Member(.text(36), .readOnly),
            ]
        )
        kind.inUseCode = "InUseNetworkSecurityGroupCannotBeDeleted"
        kind.embedded = ["securityRules": securityRuleType]
        kind.emptiesEmbedded = true
        kind.complete = { group, _, plan throws(Problem) in
            for name in ["defaultSecurityRules", "networkInterfaces", "subnets"] { group.properties[name] = nil }
            if group.properties["resourceGuid"] == nil {
                group.properties["resourceGuid"] = .string(GUID(from: plan.random).description)
            }
        }
        kind.checkTogether = { group, plan throws(Problem) in
            let rules = plan.children(of: group.path, type: securityRuleType).compactMap { SecurityRule($0) }
            try ResourceKind.checkPriorities(of: rules, in: group)
            for user in plan.referrers(of: group.path, type: ResourceKind.subnetType)
            where user.name == "AzureBastionSubnet" {
                try ResourceKind.checkForBastion(group, rules)
            }
        }
        kind.show = { document, group, snapshot, _ in
            document["properties"]?["defaultSecurityRules"] = .array(
                SecurityRule.defaults(of: group.path).map { $0.defaultDocument(of: group) }
            )
            let users = snapshot.referrers(of: group.path).compactMap { snapshot[key: $0] }
            for (name, type) in [
                ("networkInterfaces", ResourceKind.networkInterface.type), ("subnets", ResourceKind.subnetType),
            ] {
                let found = users.filter { $0.path.isOf(type: type) }
                if found.isEmpty { continue }
                document["properties"]?[name] = .array(found.map { ["id": .string($0.path.description)] })
            }
        }
        return kind
    }()

    /// One rule of a security group. Source: Azure security rules REST.
    static let securityRule: ResourceKind = {
        let groups = Shape.list(
            .reference(ReferenceRule(ResourceKind.applicationSecurityGroup.type, action: "joinNetworkSecurityRule"))
        )
        let texts = Member(.list(.text(128)), initial: [])
        var kind = ResourceKind(
            securityRuleType,
            properties: [
                "description": Member(.text(140)),
                "protocol": Member(.word(["Tcp", "Udp", "Icmp", "Esp", "Ah", "*"]), .required),
                "sourcePortRange": Member(.text(16)), "sourcePortRanges": texts,
                "destinationPortRange": Member(.text(16)), "destinationPortRanges": texts,
                "sourceAddressPrefix": Member(.text(128)), "sourceAddressPrefixes": texts,
                "destinationAddressPrefix": Member(.text(128)), "destinationAddressPrefixes": texts,
                "sourceApplicationSecurityGroups": Member(groups),
                "destinationApplicationSecurityGroups": Member(groups),
                "access": Member(.word(["Allow", "Deny"]), .required),
                "direction": Member(.word(["Inbound", "Outbound"]), .required),
                "priority": Member(.number(Int64.min...Int64.max), .required),
            ]
        )
        kind.isTracked = false
        kind.complete = { rule, _, _ throws(Problem) in try SecurityRule.check(rule) }
        return kind
    }()

    /// Application security groups: names for sets of interfaces, to be used in rules. Source: Azure application security groups REST.
    static let applicationSecurityGroup: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Network/applicationSecurityGroups",
            properties: ["resourceGuid": Member(.text(36), .readOnly)]
        )
        kind.inUseCode = "InUseApplicationSecurityGroupCannotBeDeleted"
        return kind
    }()

    private static func checkPriorities(of rules: [SecurityRule], in group: Resource) throws(Problem) {
        // Two groups are laid over each other for a machine, and the result has to stay small enough to be carried out.
        guard rules.count <= 200 else {
            throw Problem("SecurityRuleLimitExceeded", shown: "'\(group.name)' would have more than 200 rules.")
        }
        var seen: [String: SecurityRule] = [:]
        for rule in rules {
            let key = "\(rule.isInbound) \(rule.priority)"
            if let other = seen.updateValue(rule, forKey: key) {
                throw Problem(
                    "SecurityRuleConflict",
                    shown: "Security rule \(rule.name) conflicts with rule \(other.name). Rules cannot have the same "
                        + "Priority and Direction."
                )
            }
        }
    }

    /// Throws unless a group lets through what a bastion host needs. Each need wants a rule of its own: the default rules do not count.
    ///
    /// Source: Azure Bastion, "Work with NSG access and Azure Bastion".
    static func checkForBastion(_ group: Resource, _ rules: [SecurityRule]) throws(Problem) {
        let needs: [(isInbound: Bool, port: Int, from: String?, to: String?, what: String)] = [
            (true, 443, nil, nil, "inbound 443 from Internet"),
            (true, 443, "GatewayManager", nil, "inbound 443 from GatewayManager"),
            (true, 443, "AzureLoadBalancer", nil, "inbound 443 from AzureLoadBalancer"),
            (true, 8080, "VirtualNetwork", "VirtualNetwork", "inbound 8080 between VirtualNetwork"),
            (true, 5701, "VirtualNetwork", "VirtualNetwork", "inbound 5701 between VirtualNetwork"),
            (false, 22, nil, "VirtualNetwork", "outbound 22 to VirtualNetwork"),
            (false, 3389, nil, "VirtualNetwork", "outbound 3389 to VirtualNetwork"),
            (false, 443, nil, "AzureCloud", "outbound 443 to AzureCloud"),
            (false, 8080, "VirtualNetwork", "VirtualNetwork", "outbound 8080 between VirtualNetwork"),
            (false, 5701, "VirtualNetwork", "VirtualNetwork", "outbound 5701 between VirtualNetwork"),
            (false, 80, nil, "Internet", "outbound 80 to Internet"),
        ]
        let missing = needs.filter { need in
            !rules.contains { rule in
                rule.isAllowed && rule.isInbound == need.isInbound && rule.carries(.tcp)
                    && rule.ports.contains { $0.contains(need.port) } && rule.goes(to: need.to)
                    && (need.from.map { rule.comes(from: $0) } ?? (!need.isInbound || rule.letsClientsIn))
            }
        }
        guard missing.isEmpty else {
            throw Problem(
                "NetworkSecurityGroupNotCompliantForAzureBastionSubnet",
                shown: "Network security group \(group.name) does not have necessary rules for Azure Bastion Subnet "
                    + "AzureBastionSubnet. Missing: \(missing.map(\.what).joined(separator: "; "))."
            )
        }
    }
}
