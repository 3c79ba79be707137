import Vocabulary

extension ResourceKind {
    /// Public addresses: names for an address that the operator routes to a machine; none is allocated. Source: Azure public IP REST.
    static let publicIPAddress: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Network/publicIPAddresses",
            properties: [
                "publicIPAllocationMethod": Member(.word(["Dynamic", "Static"]), initial: "Dynamic"),
                "publicIPAddressVersion": Member(.word(["IPv4"]), initial: "IPv4"),
                "idleTimeoutInMinutes": Member(.number(4...30), initial: 4),
                "dnsSettings": Member(
                    .object(["domainNameLabel": Member(.text(63)), "fqdn": Member(.text(253), .readOnly)])
                ),
                "ipAddress": Member(.text(15), .readOnly),
                "ipConfiguration": Member(.anything, .readOnly),
                "resourceGuid": Member(.text(36), .readOnly),
            ],
            sku: [
                "name": Member(.word(["Basic", "Standard"]), initial: "Basic"),
                "tier": Member(.word(["Regional", "Global"]), initial: "Regional"),
            ]
        )
        kind.inUseCode = "PublicIPAddressCannotBeDeleted"
        kind.complete = { address, previous, plan throws(Problem) in
            let isStandard = address.sku?["name"] == "Standard"
            guard !isStandard || address.properties["publicIPAllocationMethod"] == "Static" else {
                throw Problem(
                    "StandardSkuPublicIPAddressAllocationMethodNotSupported",
                    shown: "Standard sku publicIp \(address.path) must have AllocationMethod set to Static."
                )
            }
            if let given = address.properties["ipAddress"]?.string, IPv4Address(given) == nil {
                throw .invalidContent("properties.ipAddress", "is not an IPv4 address")
            }
            if let previous, previous.sku?["name"] == "Standard", !isStandard {
                throw Problem("PropertyChangeNotAllowed", shown: "The SKU of '\(address.name)' cannot be lowered.")
            }
            if address.properties["resourceGuid"] == nil {
                address.properties["resourceGuid"] = .string(GUID(from: plan.random).description)
            }
        }
        kind.show = { document, address, snapshot, _ in
            for user in snapshot.referrers(of: address.path).sorted().compactMap({ snapshot[key: $0] }) {
                guard let used = user.ipConfigurations.first(where: { $0.publicAddress == address.path }) else {
                    continue
                }
                let list =
                    user.path.isOf(type: ResourceKind.bastionHost.type)
                    ? "bastionHostIpConfigurations" : "ipConfigurations"
                document["properties"]?["ipConfiguration"] = ["id": .string("\(user.path)/\(list)/\(used.name)")]
            }
        }
        return kind
    }()
}
