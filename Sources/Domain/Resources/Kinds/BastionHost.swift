public import Vocabulary

/// The editions of a bastion host, in the order in which they can be upgraded. Source: Azure Bastion, SKU comparison.
public enum BastionSKU: String, Sendable, CaseIterable, Comparable {
    case developer = "Developer"
    case basic = "Basic"
    case standard = "Standard"
    case premium = "Premium"

    public static func < (left: BastionSKU, right: BastionSKU) -> Bool {
        left.rank < right.rank
    }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

extension ResourceKind {
    /// What needs an edition: the member, the lowest edition that has it, and what to call it.
    private static let bastionFeatures: [(member: String, least: BastionSKU, name: String)] = [
        ("enableTunneling", .standard, "Native client support"),
        ("enableIpConnect", .standard, "IP-based connection"),
        ("enableShareableLink", .standard, "Shareable links"),
        ("enableFileCopy", .standard, "File copy"),
        ("disableCopyPaste", .standard, "Disabling copy and paste"),
        ("enableSessionRecording", .premium, "Session recording"),
        ("sessionRecordingConfiguration", .premium, "Session recording"),
        ("enablePrivateOnlyBastion", .premium, "Private-only deployment"),
    ]

    /// Bastion hosts: the gate through which sessions reach the machines of a network and of its neighbours.
    ///
    /// Source: Azure bastion hosts REST, 2024-01-01; placement rules of Azure Bastion's configuration settings.
    static let bastionHost: ResourceKind = {
        let flags =
            bastionFeatures.filter { $0.member.hasPrefix("enable") || $0.member.hasPrefix("disable") }
            .map { ($0.member, Member(.flag, initial: false)) } + [
                ("enableKerberos", Member(.flag, initial: false))
            ]
        let others: [String: Member] = [
            "ipConfigurations": Member(
                .named([
                    "subnet": Member(.reference(ReferenceRule(ResourceKind.subnetType, action: "join")), .required),
                    "publicIPAddress": Member(
                        .reference(ReferenceRule("Microsoft.Network/publicIPAddresses", action: "join"))
                    ),
                    "privateIPAllocationMethod": Member(.word(["Dynamic", "Static"]), initial: "Dynamic"),
                    "provisioningState": Member(.anything, .readOnly),
                ])
            ),
            "virtualNetwork": Member(
                .reference(ReferenceRule("Microsoft.Network/virtualNetworks", action: "join", range: .resourceGroup))
            ),
            "networkAcls": Member(
                .object(["ipRules": Member(.list(.object(["addressPrefix": Member(.text(18))])))])
            ),
            "scaleUnits": Member(.number(2...50), initial: 2),
            "sessionRecordingConfiguration": Member(.object(["blobContainerUri": Member(.text(1024))])),
            "dnsName": Member(.text(253), .readOnly),
        ]
        var kind = ResourceKind(
            "Microsoft.Network/bastionHosts",
            properties: others.merging(flags) { first, _ in first },
            sku: ["name": Member(.word(BastionSKU.allCases.map(\.rawValue)), initial: "Standard")]
        )
        kind.claims = { host in
            host.bastionNetwork.map { network in
                [
                    Claim(key: "bastion:\(network.key)") { holder in
                        Problem(
                            "BastionHostAlreadyExistsInVirtualNetwork",
                            shown: "The virtual network '\(network.name)' has a bastion host already: \(holder)."
                        )
                    }
                ]
            } ?? []
        }
        kind.complete = { host, previous, plan throws(Problem) in
            host.properties["dnsName"] = nil
            try ResourceKind.checkEdition(of: host, previous)
            if host.bastionSKU == .developer {
                try ResourceKind.checkDeveloper(host)
            } else {
                try ResourceKind.checkPlacement(of: host, previous, plan)
            }
        }
        kind.show = { document, host, _, settings in
            document["properties"]?["dnsName"] = .string(settings.dataPlaneHost(host.path))
        }
        return kind
    }()

    private static func checkEdition(of host: Resource, _ previous: Resource?) throws(Problem) {
        let sku = host.bastionSKU
        if let old = previous?.bastionSKU, sku < old {
            throw Problem(
                "BastionHostSkuDowngradeNotSupported",
                shown: "The SKU of '\(host.name)' can be upgraded only: it is \(old.rawValue) and cannot become "
                    + "\(sku.rawValue). Delete the bastion host and create it again."
            )
        }
        for feature in self.bastionFeatures where sku < feature.least {
            guard let value = host.properties[feature.member], value.bool != false else { continue }
            throw Problem(
                sku == .developer ? "FeatureNotSupportedForDeveloperBastionSku" : "FeatureNotSupportedForBastionSku",
                shown: "\(feature.name) (\(feature.member)) needs the \(feature.least.rawValue) SKU or higher; "
                    + "'\(host.name)' is \(sku.rawValue)."
            )
        }
        guard sku >= .standard || host.properties["scaleUnits"]?.integer == 2 else {
            throw Problem(
                "FeatureNotSupportedForBastionSku",
                shown: "The \(sku.rawValue) SKU has two instances; scaling needs the Standard SKU or higher."
            )
        }
        let isPrivate = host.properties["enablePrivateOnlyBastion"]
        guard previous == nil || previous?.properties["enablePrivateOnlyBastion"] == isPrivate else {
            throw Problem(
                "PropertyChangeNotAllowed",
                shown: "Changing property 'enablePrivateOnlyBastion' is not allowed: it is chosen at creation."
            )
        }
    }

    private static func checkDeveloper(_ host: Resource) throws(Problem) {
        guard host.ipConfigurations.isEmpty else {
            throw Problem(
                "FeatureNotSupportedForDeveloperBastionSku",
                shown: "The Developer SKU takes no ipConfigurations; name the network in properties.virtualNetwork."
            )
        }
        guard host.bastionNetwork != nil else {
            throw .invalidContent("properties.virtualNetwork", "is required for the Developer SKU")
        }
        for rule in host.properties["networkAcls"]?["ipRules"]?.array ?? [] {
            let text = rule["addressPrefix"]?.string ?? ""
            guard AddressPrefix(text) != nil || IPv4Address(text) != nil else {
                throw .invalidContent("properties.networkAcls.ipRules", "holds something else than IPv4 ranges")
            }
        }
    }

    private static func checkPlacement(of host: Resource, _ previous: Resource?, _ plan: Plan) throws(Problem) {
        let configurations = host.ipConfigurations
        guard configurations.count == 1, let place = configurations.first, let path = place.subnet,
            let subnet = plan[path], let network = path.parent.flatMap({ plan[$0] })
        else {
            throw .invalidContent("properties.ipConfigurations", "needs exactly one element with a subnet")
        }
        guard subnet.name == "AzureBastionSubnet" else {
            throw Problem(
                "InvalidSubnetForBastionHost",
                shown: "A bastion host is placed in a subnet named exactly 'AzureBastionSubnet', not '\(subnet.name)'."
            )
        }
        guard
            network.path.subscription == host.path.subscription,
            network.path.resourceGroup?.lowercased() == host.path.resourceGroup?.lowercased(),
            network.location == host.location
        else {
            throw Problem(
                "InvalidResourceReference",
                shown:
                    "The virtual network '\(network.path)' must be in the resource group and region of '\(host.name)'."
            )
        }
        let isOld = previous?.ipConfigurations.first?.subnet == path
        // Hosts in a /27 from before November 2021 keep working but cannot grow.
        let needed = isOld && host.properties["scaleUnits"]?.integer == 2 ? 27 : 26
        guard subnet.addressPrefixes.contains(where: { $0.length <= needed }) else {
            throw Problem(
                "BastionSubnetTooSmall",
                shown: "AzureBastionSubnet must be /26 or larger; it is "
                    + "\(subnet.addressPrefixes.map(\.description).joined(separator: ", "))."
            )
        }
        if let old = previous?.bastionNetwork, old != network.path {
            throw Problem(
                "PropertyChangeNotAllowed",
                shown: "A bastion host cannot move to another virtual network; delete it and create it again."
            )
        }
        try Self.checkPublicAddress(of: host, place, previous, plan)
    }

    private static func checkPublicAddress(
        of host: Resource,
        _ place: IPConfiguration,
        _ previous: Resource?,
        _ plan: Plan
    ) throws(Problem) {
        guard let path = place.publicAddress else {
            let hadNone = previous != nil && previous?.ipConfigurations.first?.publicAddress == nil
            // Declared hosts answer at the address of this installation and need no other.
            guard plan.author.isSystem || hadNone || host.properties["enablePrivateOnlyBastion"]?.bool == true else {
                throw .invalidContent("properties.ipConfigurations[0].properties.publicIPAddress", "is required")
            }
            return
        }
        guard let address = plan[path] else { return }
        guard address.sku?["name"] != "Basic", address.properties["publicIPAllocationMethod"] == "Static" else {
            throw Problem(
                "InvalidPublicIPAddressForBastionHost",
                shown: "The public IP address '\(address.name)' of a bastion host must have the Standard SKU and the "
                    + "allocation method Static."
            )
        }
    }
}

extension Resource {
    /// The edition of a bastion host.
    var bastionSKU: BastionSKU {
        self.sku?["name"]?.string.flatMap { BastionSKU(rawValue: $0) } ?? .standard
    }

    /// The network that a bastion host stands in.
    public var bastionNetwork: ResourcePath? {
        self.ipConfigurations.first?.network
            ?? self.properties["virtualNetwork"]?["id"]?.string.flatMap { ResourcePath($0) }
    }
}
