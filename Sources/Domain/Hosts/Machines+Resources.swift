public import Resources
import Vocabulary

extension Machines {
    /// Looks machines up among the resources: virtual machines, and machines outside the cloud (Azure Arc).
    public init(_ resources: Resources) {
        self.init { path in
            guard let resource = resources.resource(path), Self.types.contains(resource.type.lowercased()) else {
                return nil
            }
            let computerName = resource.properties["osProfile"]?["computerName"]?.string
            let links = Self.addresses(of: resource, in: resources)
            return Machine(
                path: resource.path,
                identity: Self.identity(of: resource, in: resources),
                names: computerName.map { [$0] } ?? [],
                addresses: links.map(\.privateAddress),
                compute: InstanceMetadata.compute(resource),
                assigned: AssignedIdentity.all(of: resource),
                publicAddresses: links.reduce(into: [:]) { $0[$1.privateAddress] = $1.publicAddress }
            )
        }
    }

    private static let types: Set<String> = [
        "microsoft.compute/virtualmachines", "microsoft.compute/virtualmachinescalesets/virtualmachines",
        "microsoft.hybridcompute/machines",
    ]

    // The machines of a scale set share the identity of the set.
    private static func identity(of machine: Resource, in resources: Resources) -> GUID? {
        let isInstance = machine.type.lowercased() == "microsoft.compute/virtualmachinescalesets/virtualmachines"
        let holder = isInstance ? machine.path.parent.flatMap { resources.resource($0) } : machine
        return holder?.hasSystemIdentity == true ? holder?.identityPrincipal : nil
    }

    private static func addresses(
        of machine: Resource,
        in resources: Resources
    ) -> [(privateAddress: String, publicAddress: String?)] {
        let interfaces = machine.properties["networkProfile"]?["networkInterfaces"]?.array ?? []
        return interfaces.compactMap { $0["id"]?.string.flatMap { ResourcePath($0) } }
            .compactMap { resources.resource($0) }
            .flatMap { $0.properties["ipConfigurations"]?.array ?? [] }
            .compactMap { configuration in
                guard let address = configuration["properties"]?["privateIPAddress"]?.string else { return nil }
                let linked = configuration["properties"]?["publicIPAddress"]?["id"]?.string
                let resource = linked.flatMap { ResourcePath($0) }.flatMap { resources.resource($0) }
                return (address, resource?.properties["ipAddress"]?.string)
            }
    }
}

extension Hosts {
    /// Hears of every resource that is changed or removed.
    public func follow(_ resources: Resources) {
        resources.changes.subscribe { [weak self] path in self?.machineChanged(path) }
    }
}
