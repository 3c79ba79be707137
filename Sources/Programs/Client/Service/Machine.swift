public import Vocabulary

/// A machine as the command line knows it.
public struct Machine: Sendable {
    /// Its resource path.
    public let path: ResourcePath
    /// `Linux` or `Windows`, when known.
    public let osType: String?
    /// Its network interfaces.
    public let networkInterfaces: [ResourcePath]

    /// Describes a machine.
    public init(path: ResourcePath, osType: String? = nil, networkInterfaces: [ResourcePath] = []) {
        self.path = path
        self.osType = osType
        self.networkInterfaces = networkInterfaces
    }

    /// The name its host certificate carries: `vm.group.subscription`, lower case.
    public var alias: String {
        [self.path.name, self.path.resourceGroup ?? "", self.path.subscription?.description ?? ""]
            .map { $0.lowercased() }.joined(separator: ".")
    }
}

/// Finds machines and the bastion hosts that reach them.
public struct MachineFinder: Sendable {
    private let resources: ResourceManager
    private let subscription: GUID

    /// Looks in one subscription.
    public init(_ resources: ResourceManager, subscription: GUID) {
        self.resources = resources
        self.subscription = subscription
    }

    /// The machine of that name.
    public func machine(name: String, group: String) async throws -> Machine {
        guard !name.contains("/"), !group.contains("/"),
            let path = ResourcePath(
                "/subscriptions/\(self.subscription)/resourceGroups/\(group)/providers/Microsoft.Compute/virtualMachines/\(name)"
            )
        else {
            throw Problem(
                "InvalidName",
                shown: "'\(PrintableText.of(name))' or '\(PrintableText.of(group))' is not a name."
            )
        }
        return try await self.machine(path)
    }

    /// The machine at a path.
    public func machine(_ path: ResourcePath) async throws -> Machine {
        let json = try await self.resources.send("GET", Self.escaped(path))
        let properties = json["properties"]
        return Machine(
            path: (json["id"]?.string).flatMap { ResourcePath($0) } ?? path,
            osType: properties?["storageProfile"]?["osDisk"]?["osType"]?.string,
            networkInterfaces: (properties?["networkProfile"]?["networkInterfaces"]?.array ?? [])
                .compactMap { $0["id"]?.string.flatMap { ResourcePath($0) } }
        )
    }

    /// The bastion host to use for a machine: the one that was named, else the best of those that lead to it.
    ///
    /// - Parameters:
    ///   - name: what the person asked for in so many words; it is used, or it is an error.
    ///   - preferred: what the environment says; it counts among those that lead to the machine.
    public func bastion(for machine: Machine, named name: String?, preferring preferred: String? = nil) async throws
        -> BastionChoice
    {
        let all = try await self.resources.list(
            "/subscriptions/\(self.subscription)/providers/Microsoft.Network/bastionHosts"
        )
        .compactMap(Bastion.init)
        let candidates = name.map { name in all.filter { $0.path.name.lowercased() == name.lowercased() } } ?? all
        if candidates.isEmpty, let name {
            throw Problem(
                "BastionNotFound",
                shown: "There is no bastion host '\(PrintableText.of(name))' that you may see."
            )
        }
        // A single one needs no look at networks: the server says why when it does not lead there.
        var networks: [ResourcePath] = []
        var peered: [ResourcePath] = []
        if candidates.count > 1 {
            networks = (try? await self.networks(of: machine)) ?? []
            if !candidates.contains(where: { $0.network.map(networks.contains) ?? false }) {
                peered = await self.networks(peeredWith: networks)
            }
        }
        guard
            let choice = BastionChoice(
                from: candidates,
                preferring: name == nil ? preferred : nil,
                for: machine.path.name,
                networks: networks,
                peered: peered
            )
        else {
            throw Problem(
                "BastionNotFound",
                shown: "You may see no bastion host in this subscription: ask for the role Reader on one."
            )
        }
        return choice
    }

    private func networks(of machine: Machine) async throws -> [ResourcePath] {
        var networks: [ResourcePath] = []
        for interface in machine.networkInterfaces {
            let json = try await self.resources.send("GET", Self.escaped(interface))
            for configuration in json["properties"]?["ipConfigurations"]?.array ?? [] {
                let subnet = configuration["properties"]?["subnet"]?["id"]?.string.flatMap { ResourcePath($0) }
                if let network = subnet?.parent { networks.append(network) }
            }
        }
        return networks
    }

    // Those that the person may read; for the others the server knows better.
    private func networks(peeredWith networks: [ResourcePath]) async -> [ResourcePath] {
        var peered: [ResourcePath] = []
        for network in networks {
            let json = try? await self.resources.send("GET", Self.escaped(network))
            for peering in json?["properties"]?["virtualNetworkPeerings"]?.array ?? [] {
                let properties = peering["properties"]
                guard properties?["peeringState"]?.string ?? "Connected" == "Connected" else { continue }
                let remote = properties?["remoteVirtualNetwork"]?["id"]?.string
                if let path = remote.flatMap({ ResourcePath($0) }) { peered.append(path) }
            }
        }
        return peered
    }

    /// A path as it goes into a URL.
    public static func escaped(_ path: ResourcePath) -> String {
        "/" + path.segments.map(PercentEncoding.encode).joined(separator: "/")
    }
}
