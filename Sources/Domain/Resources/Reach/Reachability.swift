public import AccessControl
import Fabric
public import Vocabulary

/// Where a bastion host finds a target.
public struct Reach: Sendable, Hashable {
    /// What to dial.
    public let endpoint: Endpoint
    /// The interface with that address; nil for an address that belongs to no declared machine.
    public let networkInterface: ResourcePath?
    /// The virtual network in which it lies.
    public let network: ResourcePath
    /// Whether that is a neighbour of the bastion host's own network.
    public let isPeered: Bool
    /// The machine with that address, if one is declared: also for connections by address.
    public let machine: ResourcePath?
}

/// How a session comes to a bastion host. Source: Azure Bastion, SKU comparison.
public enum ConnectionWay: String, Sendable, Hashable {
    /// The browser.
    case portal
    /// `az network bastion ssh|tunnel|rdp`, `sally`, a plain tunnel.
    case nativeClient
}

extension Resources {
    /// Whether a bastion host reaches a port of a target, and where that is. Asks for nobody's rights: `judgeConnection` does.
    ///
    /// - Parameters:
    ///   - target: a virtual machine, or `…/providers/Microsoft.Network/bh-hostConnect/{address}` for a connection by address.
    ///   - isOpen: whether the connection exists already: then it matters that the two still are where they were, not whether a new one
    ///     would be let through. Switches, editions and security groups are about new connections.
    public func reach(
        _ target: ResourcePath,
        port: Int,
        from bastion: ResourcePath,
        by way: ConnectionWay = .nativeClient,
        isOpen: Bool = false
    ) -> Verdict<Reach> {
        let snapshot = self.current
        guard let host = snapshot[bastion], host.path.isOf(type: ResourceKind.bastionHost.type),
            host.provisioningState == "Succeeded"
        else {
            return .refused(
                Refusal("BastionHostNotFound", reason: "There is no working bastion host '\(bastion.name)'.")
            )
        }
        if !isOpen, let refusal = Self.gate(host, port: port, way) { return .refused(refusal) }
        let networks = snapshot.networks(reachedFrom: host)
        guard let own = networks.first else {
            return .refused(
                Refusal(
                    "BastionNetworkNotFound",
                    reason: "The bastion host '\(host.name)' stands in no virtual network."
                )
            )
        }
        switch Self.place(target, for: host, networks, snapshot, isOpen: isOpen) {
        case .refused(let refusal): return .refused(refusal)
        case .allowed(let place):
            return self.way(from: host, in: own, to: place, port: port, snapshot, isOpen: isOpen)
        }
    }

    /// The way from a bastion host to a place, if this server has one and the security groups let it through.
    func way(
        from host: Resource,
        in own: Resource,
        to place: Place,
        port: Int,
        _ snapshot: Snapshot,
        isOpen: Bool
    ) -> Verdict<Reach> {
        // Asked once: a network that comes or goes meanwhile must not turn a connection inside it into one of the box's own.
        let isMade = self.isMade(place.network)
        if let refusal = self.refusal(of: place, isMade: isMade) { return .refused(refusal) }
        if !isOpen,
            let refusal = snapshot.filterRefusal(
                from: host,
                to: place.address,
                port: port,
                in: place.network,
                place.interface.flatMap { snapshot[$0] }
            )
        {
            return .refused(refusal)
        }
        return .allowed(
            Reach(
                endpoint: Endpoint(
                    address: place.address.description,
                    port: port,
                    network: isMade ? place.network : nil
                ),
                networkInterface: place.interface,
                network: place.network,
                isPeered: place.network != own.path,
                machine: place.machine
            )
        )
    }

    /// The interfaces of a machine, the primary one first.
    public func networkInterfaces(of machine: ResourcePath) -> [Resource] {
        let snapshot = self.current
        return (snapshot[machine]?.interfaces ?? []).compactMap { snapshot[$0] }
    }

    /// The private addresses of a machine, the primary one first.
    public func addresses(of machine: ResourcePath) -> [String] {
        self.networkInterfaces(of: machine).flatMap { $0.ipConfigurations.compactMap { $0.address?.description } }
    }

    /// What somebody must be able to read to reach a machine: its interfaces, their networks, the bastion hosts that reach it.
    public func surroundings(of machine: ResourcePath) -> [ResourcePath] {
        let interfaces = self.networkInterfaces(of: machine)
        let networks = Set(interfaces.flatMap { $0.ipConfigurations.compactMap(\.network) }).sorted { $0.key < $1.key }
        let hosts = self.bastions(reaching: machine, port: 22, by: .portal)
        return interfaces.map(\.path) + networks + hosts.map(\.path)
    }

    // Whether the fabric made a network; one that the operator declared is never the fabric's.
    private func isMade(_ network: ResourcePath) -> Bool {
        !self.settings.isDeclared(network) && self.hooks.fabric.has(network: network)
    }

    // MARK: Checks

    /// An address in a network, with what is declared there.
    struct Place {
        let address: IPv4Address
        let interface: ResourcePath?
        let network: ResourcePath
        let machine: ResourcePath?
    }

    // Editions and switches. Source: Azure Bastion, SKU comparison.
    private static func gate(_ host: Resource, port: Int, _ way: ConnectionWay) -> Refusal? {
        guard (1...65_535).contains(port) else {
            return Refusal(
                "PortNotValid",
                reason: "\(port) is not a TCP port.",
                remedy: "Choose a port from 1 to 65535."
            )
        }
        let sku = host.bastionSKU
        if way == .nativeClient {
            guard sku >= .standard else {
                return Refusal(
                    "NativeClientNotSupported",
                    reason:
                        "Native client connections need the Standard SKU or higher; '\(host.name)' is \(sku.rawValue).",
                    remedy: "Connect in the browser, or upgrade the bastion host and set enableTunneling."
                )
            }
            guard host.properties["enableTunneling"]?.bool == true else {
                return Refusal(
                    "TunnelingDisabled",
                    reason: "Native client support is off on '\(host.name)'.",
                    remedy: "Turn it on: az network bastion update -n \(host.name) --enable-tunneling true."
                )
            }
        }
        guard port == 22 || port == 3389 || sku >= .standard else {
            return Refusal(
                "CustomPortNotSupported",
                reason:
                    "Port \(port) needs the Standard SKU or higher; '\(host.name)' is \(sku.rawValue) and reaches 22 "
                    + "and 3389 only.",
                remedy: "Use port 22 or 3389, or upgrade the bastion host."
            )
        }
        return nil
    }

    // Whether this server gets to a place at all, and may. An address in a network that the fabric made cannot be the server's, whatever the
    // server's is called.
    private func refusal(of place: Place, isMade: Bool) -> Refusal? {
        if case .refused(let refusal) = self.settings.addressPolicy.judge(place.address.description) { return refusal }
        guard isMade || self.settings.isWired(place.network, place.address.description) else {
            return Refusal(
                "NetworkNotWired",
                reason: "This server has no way to \(place.address) in the virtual network '\(place.network.name)'.",
                remedy: "The operator declares the networks that it reaches, with 'sallyport apply'."
            )
        }
        return nil
    }

    // MARK: Places

    private static func place(
        _ target: ResourcePath,
        for host: Resource,
        _ networks: [Resource],
        _ snapshot: Snapshot,
        isOpen: Bool
    ) -> Verdict<Place> {
        guard let address = target.hostConnectAddress else { return self.place(target, host, networks, snapshot) }
        // The path of such a connection lies in the bastion host's own group; another group's would be judged by other rights.
        guard
            target.subscription == host.path.subscription,
            target.resourceGroup?.lowercased() == host.path.resourceGroup?.lowercased()
        else {
            return .refused(
                Refusal(
                    "TargetNotValid",
                    reason: "'\(target)' does not belong to the resource group of '\(host.name)'.",
                    remedy: "Name the resource group of the bastion host in the target."
                )
            )
        }
        if !isOpen, let refusal = self.addressRefusal(of: host) { return .refused(refusal) }
        return self.place(address, host, networks, snapshot)
    }

    private static func place(
        _ machine: ResourcePath,
        _ host: Resource,
        _ networks: [Resource],
        _ snapshot: Snapshot
    ) -> Verdict<Place> {
        guard let found = snapshot[machine], found.isMachine else {
            return .refused(
                Refusal("ResourceNotFound", reason: "There is no virtual machine '\(machine.name)' at '\(machine)'.")
            )
        }
        if let refusal = found.powerRefusal ?? snapshot.modelRefusal(of: found) { return .refused(refusal) }
        let places = found.interfaces.compactMap { snapshot[$0] }.flatMap { interface in
            interface.ipConfigurations.compactMap { configuration -> Place? in
                guard let address = configuration.address, let network = configuration.network else { return nil }
                return Place(address: address, interface: interface.path, network: network, machine: found.path)
            }
        }
        for network in networks {
            if let place = places.first(where: { $0.network == network.path }) { return .allowed(place) }
        }
        let elsewhere = Set(places.map(\.network.name)).sorted().joined(separator: ", ")
        return .refused(
            Refusal(
                "NetworkNotReachable",
                reason: "'\(found.name)' is in the virtual network '\(elsewhere)', which is neither the network of the "
                    + "bastion host '\(host.name)' (\(networks.first?.name ?? "")) nor peered with it.",
                remedy: host.bastionSKU == .developer
                    ? "A Developer bastion host reaches its own network only: upgrade it, or use one in that network."
                    : "Peer the two networks in both directions, or use a bastion host in that network."
            )
        )
    }

    // Whether a bastion host offers connections by address.
    private static func addressRefusal(of host: Resource) -> Refusal? {
        guard host.bastionSKU >= .standard else {
            return Refusal(
                "IPConnectDisabled",
                reason: "IP-based connections need the Standard SKU or higher; '\(host.name)' is "
                    + "\(host.bastionSKU.rawValue).",
                remedy: "Upgrade the bastion host and set enableIpConnect."
            )
        }
        guard host.properties["enableIpConnect"]?.bool == true else {
            return Refusal(
                "IPConnectDisabled",
                reason: "IP-based connections are off on '\(host.name)'.",
                remedy: "Turn them on: az network bastion update -n \(host.name) --enable-ip-connect true."
            )
        }
        return nil
    }

    static func place(
        _ address: String,
        _ host: Resource,
        _ networks: [Resource],
        _ snapshot: Snapshot
    ) -> Verdict<Place> {
        guard let number = IPv4Address(address) else {
            return .refused(
                Refusal(
                    "AddressNotValid",
                    reason: "'\(PrintableText.of(address, limit: 64))' is not a private IPv4 address.",
                    remedy: "IP-based connections take an address such as 10.0.0.4, not a name."
                )
            )
        }
        for network in networks where network.addressSpace.contains(where: { $0.contains(number) }) {
            // The gateway of a subnet is where this server, or its router, answers itself.
            let subnet = snapshot.list(type: ResourceKind.subnetType, below: network.path)
                .flatMap(\.addressPrefixes).first { $0.contains(number) }
            if let subnet, subnet.usable?.contains(number.number) != true {
                return .refused(
                    Refusal(
                        "AddressReserved",
                        reason:
                            "\(number) is reserved: the first four addresses and the last one of a subnet belong to no machine.",
                        remedy: "Use the address of a machine."
                    )
                )
            }
            let interface = snapshot.interface(at: number, in: network.path)
            return .allowed(
                Place(
                    address: number,
                    interface: interface?.path,
                    network: network.path,
                    machine: interface.flatMap { snapshot.machine(of: $0.path)?.path }
                )
            )
        }
        let ranges = networks.flatMap(\.addressSpace).map(\.description).joined(separator: ", ")
        return .refused(
            Refusal(
                "AddressNotReachable",
                reason: "\(number) is outside the ranges that '\(host.name)' reaches (\(ranges)).",
                remedy: "Use an address in one of them, or peer the network that has the address."
            )
        )
    }
}

extension ResourcePath {
    /// The address in `…/providers/Microsoft.Network/bh-hostConnect/{address}`, the form that clients send for connections by address.
    public var hostConnectAddress: String? {
        self.isOf(type: "Microsoft.Network/bh-hostConnect") ? self.name : nil
    }
}
