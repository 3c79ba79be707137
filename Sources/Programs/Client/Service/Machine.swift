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

    /// The bastion host to use for a machine: the one in its own network, else one in a network peered with it.
    public func bastion(for machine: Machine, named name: String?) async throws -> Bastion {
        let all = try await self.resources.list(
            "/subscriptions/\(self.subscription)/providers/Microsoft.Network/bastionHosts"
        )
        .compactMap(Bastion.init)
        if let name {
            guard let match = all.first(where: { $0.path.name.lowercased() == name.lowercased() }) else {
                throw Problem(
                    "BastionNotFound",
                    shown: "There is no bastion host '\(PrintableText.of(name))' that you may see."
                )
            }
            return match
        }
        guard !all.isEmpty else {
            throw Problem(
                "BastionNotFound",
                shown: "You may see no bastion host in this subscription: ask for the role Reader on one."
            )
        }
        if all.count == 1 { return all[0] }
        let networks = try await self.networks(of: machine)
        return all.first { bastion in bastion.network.map { networks.contains($0) } ?? false } ?? all[0]
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

    /// A path as it goes into a URL.
    public static func escaped(_ path: ResourcePath) -> String {
        "/" + path.segments.map(PercentEncoding.encode).joined(separator: "/")
    }
}

/// A bastion host as the command line knows it.
public struct Bastion: Sendable {
    /// Its resource path.
    public let path: ResourcePath
    /// Where its data plane answers: host or host:port.
    public let dnsName: String
    /// The network it stands in.
    public let network: ResourcePath?

    /// Reads the resource's JSON; nil without an id or a name that is nothing but a host and a port.
    public init?(_ json: JSONValue) {
        guard let path = json["id"]?.string.flatMap({ ResourcePath($0) }),
            let dnsName = json["properties"]?["dnsName"]?.string,
            let address = try? WebAddress("https://" + dnsName), address.target == "/", !dnsName.hasSuffix("/")
        else { return nil }
        self.path = path
        self.dnsName = dnsName
        let subnet = json["properties"]?["ipConfigurations"]?.array?.first?["properties"]?["subnet"]?["id"]?.string
        self.network = subnet.flatMap { ResourcePath($0) }?.parent
    }
}
