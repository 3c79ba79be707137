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
            return Machine(
                path: resource.path,
                identity: resource.hasSystemIdentity ? resource.identityPrincipal : nil,
                names: computerName.map { [$0] } ?? [],
                addresses: Self.addresses(of: resource, in: resources),
                compute: Self.compute(resource)
            )
        }
    }

    private static let types: Set<String> = [
        "microsoft.compute/virtualmachines", "microsoft.hybridcompute/machines",
    ]

    private static func addresses(of machine: Resource, in resources: Resources) -> [String] {
        let interfaces = machine.properties["networkProfile"]?["networkInterfaces"]?.array ?? []
        return interfaces.compactMap { $0["id"]?.string.flatMap { ResourcePath($0) } }
            .compactMap { resources.resource($0) }
            .flatMap { $0.properties["ipConfigurations"]?.array ?? [] }
            .compactMap { $0["properties"]?["privateIPAddress"]?.string }
    }

    private static func compute(_ machine: Resource) -> JSONValue {
        let path = machine.path
        let tags = machine.tags.sorted { $0.key < $1.key }
        return [
            "azEnvironment": "AzurePublicCloud",
            "location": .string(machine.location ?? ""),
            "name": .string(machine.name),
            "osType": .string(machine.properties["storageProfile"]?["osDisk"]?["osType"]?.string ?? "Linux"),
            "provider": .string(String(machine.type.prefix { $0 != "/" })),
            "resourceGroupName": .string(path.resourceGroup ?? ""),
            "resourceId": .string(path.description),
            "subscriptionId": .string(path.subscription?.description ?? ""),
            "tags": .string(tags.map { "\($0.key):\($0.value)" }.joined(separator: ";")),
            "tagsList": .array(tags.map { ["name": .string($0.key), "value": .string($0.value)] }),
            "vmId": .string(machine.properties["vmId"]?.string ?? ""),
            "vmSize": .string(machine.properties["hardwareProfile"]?["vmSize"]?.string ?? ""),
        ]
    }
}

extension Hosts {
    /// Hears of every resource that is changed or removed.
    public func follow(_ resources: Resources) {
        resources.changes.subscribe { [weak self] path in self?.machineChanged(path) }
    }
}
