import Vocabulary

extension ResourceKind {
    /// Virtual networks: the address ranges in which machines and bastion hosts reach each other.
    ///
    /// Source: Azure virtual networks REST. The subnets and peerings in the body are resources of their own.
    static let virtualNetwork: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Network/virtualNetworks",
            properties: [
                "addressSpace": Member(
                    .object(["addressPrefixes": Member(.list(.text(18)), .required)]),
                    .required
                ),
                "dhcpOptions": Member(.object(["dnsServers": Member(.list(.text(45)))])),
                "enableDdosProtection": Member(.flag, initial: false),
                "resourceGuid": Member(.text(36), .readOnly),
            ]
        )
        kind.inUseCode = "InUseVirtualNetworkCannotBeDeleted"
        kind.embedded = [
            "subnets": ResourceKind.subnetType, "virtualNetworkPeerings": ResourceKind.virtualNetworkPeering.type,
        ]
        kind.complete = { network, previous, plan throws(Problem) in
            let space = try network.checkedAddressSpace
            for (index, prefix) in space.enumerated() where space[..<index].contains(where: { $0.overlaps(prefix) }) {
                throw Problem(
                    "InvalidAddressPrefix",
                    shown: "The address prefix \(prefix) of '\(network.name)' overlaps another one of the same network."
                )
            }
            for subnet in plan.children(of: network.path, type: ResourceKind.subnetType) {
                for prefix in subnet.addressPrefixes where !space.contains(where: { $0.contains(prefix) }) {
                    throw Problem(
                        "NetcfgInvalidSubnet",
                        shown: "Subnet '\(subnet.name)' is not valid in virtual network '\(network.name)': its range "
                            + "\(prefix) would lie outside the address space."
                    )
                }
            }
            for peering in plan.children(of: network.path, type: ResourceKind.virtualNetworkPeering.type) {
                guard let remote = peering.remoteNetwork.flatMap({ plan[$0] }) else { continue }
                try ResourceKind.checkApart(network, remote)
            }
            if previous == nil, network.properties["resourceGuid"] == nil {
                network.properties["resourceGuid"] = .string(GUID(from: plan.random).description)
            }
        }
        return kind
    }()

    static let subnetType = "Microsoft.Network/virtualNetworks/subnets"

    /// Subnets: where interfaces get their addresses.
    static let subnet: ResourceKind = {
        var kind = ResourceKind(
            subnetType,
            properties: [
                "addressPrefix": Member(.text(18)),
                "addressPrefixes": Member(.list(.text(18))),
                "delegations": Member(.anything, initial: []),
                "privateEndpointNetworkPolicies": Member(.text(64), initial: "Disabled"),
                "privateLinkServiceNetworkPolicies": Member(.text(64), initial: "Enabled"),
                "networkSecurityGroup": Member(
                    .reference(ReferenceRule("Microsoft.Network/networkSecurityGroups", action: "join"))
                ),
                "routeTable": Member(.reference(ReferenceRule("Microsoft.Network/routeTables", action: "join"))),
                "natGateway": Member(.reference(ReferenceRule("Microsoft.Network/natGateways", action: "join"))),
                "ipConfigurations": Member(.anything, .readOnly),
                "purpose": Member(.text(64), .readOnly),
            ]
        )
        kind.isTracked = false
        kind.inUseCode = "InUseSubnetCannotBeDeleted"
        kind.complete = { subnet, previous, plan throws(Problem) in
            try ResourceKind.checkBastionSubnet(subnet, plan)
            guard let network = subnet.path.parent.flatMap({ plan[$0] }) else { return }
            // Clients that know both members send both.
            if let one = subnet.properties["addressPrefix"], subnet.properties["addressPrefixes"] == .array([one]) {
                subnet.properties["addressPrefixes"] = nil
            }
            guard subnet.properties["addressPrefix"] == nil || subnet.properties["addressPrefixes"] == nil else {
                throw .invalidContent("properties", "has both 'addressPrefix' and 'addressPrefixes'")
            }
            let prefixes = try subnet.checkedAddressPrefixes
            for prefix in prefixes {
                guard prefix.length <= 29 else {
                    throw Problem(
                        "NetcfgInvalidSubnet",
                        shown: "Subnet '\(subnet.name)': \(prefix) is smaller than /29."
                    )
                }
                guard network.addressSpace.contains(where: { $0.contains(prefix) }) else {
                    throw Problem(
                        "NetcfgInvalidSubnet",
                        shown:
                            "Subnet '\(subnet.name)' is not valid in virtual network '\(network.name)': \(prefix) is "
                            + "outside its address space."
                    )
                }
                for other in plan.children(of: network.path, type: subnetType) where other.path != subnet.path {
                    guard !other.addressPrefixes.contains(where: { $0.overlaps(prefix) }) else {
                        throw Problem(
                            "NetcfgSubnetRangesOverlap",
                            shown:
                                "Subnet '\(subnet.name)' is not valid because its IP address range overlaps with that "
                                + "of an existing subnet '\(other.name)' in virtual network '\(network.name)'."
                        )
                    }
                }
            }
            if let previous, Set(previous.addressPrefixes) != Set(prefixes) {
                try ResourceKind.checkStillHolds(subnet, prefixes, plan)
            }
        }
        kind.show = { document, subnet, snapshot, _ in
            let users = snapshot.referrers(of: subnet.path).compactMap { snapshot[key: $0] }
            let configurations = users.flatMap { $0.configurationNames(in: subnet.path) }.map {
                ["id": .string($0)] as JSONValue
            }
            if !configurations.isEmpty { document["properties"]?["ipConfigurations"] = .array(configurations) }
        }
        return kind
    }()

    private static func checkStillHolds(_ subnet: Resource, _ prefixes: [AddressPrefix], _ plan: Plan) throws(Problem) {
        let users = plan.referrers(of: subnet.path)
        let isBastion = users.contains { $0.path.isOf(type: ResourceKind.bastionHost.type) }
        let addresses = users.flatMap(\.ipConfigurations).filter { $0.subnet == subnet.path }.compactMap(\.address)
        let allHeld = addresses.allSatisfy { address in prefixes.contains { $0.contains(address) } }
        guard allHeld, !isBastion else {
            throw Problem(
                "InUsePrefixCannotBeDeleted",
                shown: "The address range of subnet '\(subnet.name)' is in use and cannot be changed."
            )
        }
    }

    // No routes of one's own, and only a security group that lets through what a bastion host needs. Source: Azure Bastion FAQ.
    private static func checkBastionSubnet(_ subnet: Resource, _ plan: Plan) throws(Problem) {
        guard subnet.name == "AzureBastionSubnet" else { return }
        guard subnet.properties["routeTable"] == nil else {
            throw Problem(
                "RouteTableCannotBeAttachedForAzureBastionSubnet",
                shown: "A route table cannot be attached to AzureBastionSubnet: user-defined routes are not supported."
            )
        }
        guard let group = subnet.securityGroup.flatMap({ plan[$0] }) else { return }
        let rules = plan.children(of: group.path, type: ResourceKind.securityRuleType)
        try self.checkForBastion(group, rules.compactMap { SecurityRule($0) })
    }
}

extension Resource {
    // A subnet may have thousands of users, so their configurations are not read any further than to see where they stand.
    fileprivate func configurationNames(in subnet: ResourcePath) -> [String] {
        let spelled = subnet.description
        let list =
            self.path.isOf(type: ResourceKind.bastionHost.type) ? "bastionHostIpConfigurations" : "ipConfigurations"
        return (self.properties["ipConfigurations"]?.array ?? []).compactMap { element in
            guard let id = element["properties"]?["subnet"]?["id"]?.string, let name = element["name"]?.string,
                id == spelled || id.lowercased() == subnet.key
            else { return nil }
            return "\(self.path)/\(list)/\(name)"
        }
    }

    /// The ranges of a virtual network.
    var addressSpace: [AddressPrefix] {
        (self.properties["addressSpace"]?["addressPrefixes"]?.array ?? [])
            .compactMap { $0.string.flatMap { AddressPrefix($0) } }
    }

    fileprivate var checkedAddressSpace: [AddressPrefix] {
        get throws(Problem) {
            try Self.prefixes(self.properties["addressSpace"]?["addressPrefixes"]?.array ?? [], of: self)
        }
    }

    /// The ranges of a subnet.
    var addressPrefixes: [AddressPrefix] {
        self.sentPrefixes.compactMap { $0.string.flatMap { AddressPrefix($0) } }
    }

    fileprivate var checkedAddressPrefixes: [AddressPrefix] {
        get throws(Problem) { try Self.prefixes(self.sentPrefixes, of: self) }
    }

    private var sentPrefixes: [JSONValue] {
        self.properties["addressPrefix"].map { [$0] } ?? self.properties["addressPrefixes"]?.array ?? []
    }

    private static func prefixes(_ values: [JSONValue], of resource: Resource) throws(Problem) -> [AddressPrefix] {
        guard !values.isEmpty else {
            throw Problem("InvalidAddressPrefix", shown: "'\(resource.name)' needs at least one address prefix.")
        }
        var prefixes: [AddressPrefix] = []
        for value in values {
            let text = value.string ?? ""
            guard let prefix = AddressPrefix(text) else {
                throw Problem(
                    "InvalidCIDRNotation",
                    shown:
                        "The address prefix '\(PrintableText.of(text))' of '\(resource.name)' is not an IPv4 range such "
                        + "as 10.0.0.0/16."
                )
            }
            prefixes.append(prefix)
        }
        return prefixes
    }
}
