import Vocabulary

extension ResourceKind {
    /// Network interfaces: a machine's places in virtual networks, with the addresses that tunnels dial.
    ///
    /// Source: Azure network interfaces REST.
    static let networkInterface: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Network/networkInterfaces",
            properties: [
                "ipConfigurations": Member(
                    .named([
                        "privateIPAddress": Member(.text(15)),
                        "privateIPAddressVersion": Member(.word(["IPv4"]), initial: "IPv4"),
                        "privateIPAllocationMethod": Member(.word(["Dynamic", "Static"]), initial: "Dynamic"),
                        "primary": Member(.flag),
                        "subnet": Member(
                            .reference(ReferenceRule(ResourceKind.subnetType, action: "join")),
                            .required
                        ),
                        "publicIPAddress": Member(
                            .reference(
                                ReferenceRule(
                                    "Microsoft.Network/publicIPAddresses",
                                    action: "join",
                                    keepsProperties: true
                                )
                            )
                        ),
                        "applicationSecurityGroups": Member(
                            .list(
                                .reference(
                                    ReferenceRule(
                                        "Microsoft.Network/applicationSecurityGroups",
                                        action: "joinIpConfiguration"
                                    )
                                )
                            )
                        ),
                        "provisioningState": Member(.anything, .readOnly),
                    ]),
                    .required
                ),
                "networkSecurityGroup": Member(
                    .reference(ReferenceRule("Microsoft.Network/networkSecurityGroups", action: "join"))
                ),
                "dnsSettings": Member(
                    .object([
                        "dnsServers": Member(.list(.text(45)), initial: []),
                        "appliedDnsServers": Member(.anything, .readOnly),
                        "internalDnsNameLabel": Member(.text(63)),
                        "internalDomainNameSuffix": Member(.anything, .readOnly),
                    ]),
                    initial: ["dnsServers": []]
                ),
                "enableAcceleratedNetworking": Member(.flag, initial: false),
                "enableIPForwarding": Member(.flag, initial: false),
                "virtualMachine": Member(.anything, .readOnly),
                "macAddress": Member(.text(17), .readOnly),
                "primary": Member(.flag, .readOnly),
                "resourceGuid": Member(.text(36), .readOnly),
            ]
        )
        kind.inUseCode = "NicInUse"
        kind.claims = { interface in
            interface.ipConfigurations.flatMap { configuration -> [Claim] in
                var claims: [Claim] = []
                if let address = configuration.address, let network = configuration.network {
                    claims.append(
                        Claim(key: Snapshot.claim(on: address, in: network)) { holder in
                            Problem(
                                "PrivateIPAddressInUse",
                                shown: "The private address \(address) is in use already in '\(network.name)'.",
                                logged: holder
                            )
                        }
                    )
                }
                if let address = configuration.publicAddress { claims.append(.use(of: address)) }
                return claims
            }
        }
        kind.complete = { interface, previous, plan throws(Problem) in
            try ResourceKind.completeConfigurations(of: &interface, previous, plan)
            try plan.settlePublicAddresses(of: interface, previous)
            if interface.properties["resourceGuid"] == nil {
                interface.properties["resourceGuid"] = .string(GUID(from: plan.random).description)
            }
        }
        kind.mayRemove = { interface, plan throws(Problem) in
            plan.releasePublicAddresses(of: interface, keeping: [])
        }
        kind.show = { document, interface, snapshot, _ in
            let machine = snapshot.machine(of: interface.path)
            document["properties"]?["virtualMachine"] = machine.map { ["id": .string($0.path.description)] }
            document["properties"]?["primary"] = machine.map { .bool($0.interfaces.first == interface.path) }
            // Of machines that were made elsewhere nobody here knows it.
            let address = machine?.making.flatMap { _ in interface.ipConfigurations.first?.address }
            document["properties"]?["macAddress"] = address.map {
                .string($0.hardwareAddress(between: "-").uppercased())
            }
        }
        return kind
    }()

    private static func completeConfigurations(of interface: inout Resource, _ previous: Resource?, _ plan: Plan)
        throws(Problem)
    {
        var list = interface.properties["ipConfigurations"]?.array ?? []
        guard !list.isEmpty, list.count <= 64 else {
            throw .invalidContent("properties.ipConfigurations", "needs 1 to 64 elements")
        }
        guard list.count(where: { $0["properties"]?["primary"]?.bool == true }) <= 1 else {
            throw .invalidContent("properties.ipConfigurations", "has more than one primary element")
        }
        if !list.contains(where: { $0["properties"]?["primary"]?.bool == true }) {
            list[0]["properties"]?["primary"] = true
        }
        let old = Dictionary(
            (previous?.ipConfigurations ?? []).map { ($0.name, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        var network: ResourcePath?
        var taken: Set<IPv4Address> = []
        for (index, element) in list.enumerated() {
            guard let configuration = IPConfiguration(element), let path = configuration.subnet, let subnet = plan[path]
            else { continue }
            guard network == nil || network == configuration.network else {
                throw Problem(
                    "SubnetsNotInSameVnet",
                    shown: "The subnets of '\(interface.name)' are not all in the same virtual network."
                )
            }
            network = configuration.network
            guard subnet.name.lowercased() != "azurebastionsubnet" else {
                throw Problem(
                    "NonBastionResourceInAzureBastionSubnet",
                    shown: "AzureBastionSubnet is for bastion hosts alone; put '\(interface.name)' into another subnet."
                )
            }
            let isStatic = element["properties"]?["privateIPAllocationMethod"]?.string == "Static"
            let address: IPv4Address
            if isStatic {
                let text = element["properties"]?["privateIPAddress"]?.string ?? ""
                guard let wanted = IPv4Address(text), subnet.mayHold(wanted) else {
                    throw Problem(
                        "PrivateIPAddressNotInSubnet",
                        shown:
                            "Private static IP address '\(PrintableText.of(text))' does not belong to the usable range of "
                            + "subnet '\(subnet.name)' (\(subnet.addressPrefixes.map(\.description).joined(separator: ", ")); "
                            + "the first four and the last address are reserved)."
                    )
                }
                address = wanted
            } else if let kept = old[configuration.name], kept.subnet == path, let held = kept.address,
                subnet.mayHold(held)
            {
                address = held
            } else {
                address = try plan.freeAddress(in: subnet, otherThan: taken, for: interface.path)
            }
            guard taken.insert(address).inserted else {
                throw Problem("PrivateIPAddressInUse", shown: "'\(interface.name)' has the address \(address) twice.")
            }
            list[index]["properties"]?["privateIPAddress"] = .string(address.description)
        }
        interface.properties["ipConfigurations"] = .array(list)
    }
}

/// One place of an interface in a subnet.
struct IPConfiguration: Sendable, Hashable {
    let name: String
    let subnet: ResourcePath?
    let publicAddress: ResourcePath?
    let address: IPv4Address?
    let isPrimary: Bool

    init?(_ element: JSONValue) {
        guard let name = element["name"]?.string, let properties = element["properties"] else { return nil }
        self.name = name
        self.subnet = properties["subnet"]?["id"]?.string.flatMap { ResourcePath($0) }
        self.publicAddress = properties["publicIPAddress"]?["id"]?.string.flatMap { ResourcePath($0) }
        self.address = properties["privateIPAddress"]?.string.flatMap { IPv4Address($0) }
        self.isPrimary = properties["primary"]?.bool == true
    }

    /// The network that the subnet lies in.
    var network: ResourcePath? { self.subnet?.parent }
}

extension Resource {
    /// The places of an interface or of a bastion host, the primary one first.
    var ipConfigurations: [IPConfiguration] {
        let all = (self.properties["ipConfigurations"]?.array ?? []).compactMap { IPConfiguration($0) }
        return all.filter(\.isPrimary) + all.filter { !$0.isPrimary }
    }

    /// Whether a subnet may give this address to an interface.
    fileprivate func mayHold(_ address: IPv4Address) -> Bool {
        self.addressPrefixes.contains { $0.usable?.contains(address.number) == true }
    }
}

extension ResourceKind.Claim {
    /// The use of something that serves one user only: an interface, a public address.
    static func use(of path: ResourcePath) -> ResourceKind.Claim {
        ResourceKind.Claim(key: "use:\(path.key)") { holder in
            Problem("ResourceInUse", shown: "\(path) is already used by \(holder).")
        }
    }
}

extension Snapshot {
    /// What an interface claims with an address.
    static func claim(on address: IPv4Address, in network: ResourcePath) -> String {
        "address:\(network.key):\(address)"
    }

    /// The interface that has an address in a network.
    func interface(at address: IPv4Address, in network: ResourcePath) -> Resource? {
        self.holder(of: Self.claim(on: address, in: network)).flatMap { self[key: $0] }
    }

    /// The machine that an interface belongs to.
    func machine(of interface: ResourcePath) -> Resource? {
        self.referrers(of: interface).compactMap { self[key: $0] }
            .first { $0.isMachine }
    }
}

extension Plan {
    fileprivate func freeAddress(in subnet: Resource, otherThan taken: Set<IPv4Address>, for interface: ResourcePath)
        throws(Problem) -> IPv4Address
    {
        guard let network = subnet.path.parent else { throw .resourceNotFound(subnet.path) }
        for prefix in subnet.addressPrefixes {
            guard let usable = prefix.usable else { continue }
            for number in usable.prefix(1 << 17) {
                let address = IPv4Address(number: number)
                if taken.contains(address) { continue }
                if self.holder(of: Snapshot.claim(on: address, in: network), otherThan: interface) == nil {
                    return address
                }
            }
        }
        throw Problem(
            "SubnetIsFull",
            shown: "Subnet '\(subnet.name)' does not have enough capacity for another address."
        )
    }
}
