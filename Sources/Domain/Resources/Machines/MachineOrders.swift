import Fabric
import Vocabulary

extension Snapshot {
    /// A virtual network as the fabric shall make it.
    func order(for network: Resource) -> NetworkOrder {
        let subnets = self.list(type: ResourceKind.subnetType, below: network.path)
        return NetworkOrder(
            path: network.path,
            subnets: subnets.compactMap { subnet in
                subnet.addressPrefixes.first.map { NetworkOrder.Subnet(name: subnet.name, prefix: $0.description) }
            }
        )
    }

    /// The places of a machine on its networks, with what may come in, the primary one first.
    func places(of machine: Resource) -> [MachineOrder.Interface] {
        machine.interfaces.compactMap { self[$0] }.flatMap { interface -> [MachineOrder.Interface] in
            let inbound = self.inboundRules(of: interface)
            return interface.ipConfigurations.compactMap { configuration in
                guard let subnet = configuration.subnet, let network = subnet.parent,
                    let address = configuration.address
                else { return nil }
                let outside = configuration.publicAddress.flatMap { self[$0] }
                return MachineOrder.Interface(
                    network: self[network]?.path ?? network,
                    subnet: self[subnet]?.name ?? subnet.name,
                    address: address.description,
                    publicAddress: outside?.properties["ipAddress"]?.string,
                    inbound: inbound
                )
            }
        }
    }

    /// The virtual networks that a machine stands in.
    func networks(of machine: Resource) -> [Resource] {
        let paths = Set(
            machine.interfaces.compactMap { self[$0] }.flatMap { $0.ipConfigurations.compactMap(\.network) }
        )
        return paths.sorted { $0.key < $1.key }.compactMap { self[$0] }
    }

    /// A machine as the fabric shall make it; without what only the request to make it carries.
    func order(for machine: Resource, _ making: Making) -> MachineOrder {
        let profile = machine.properties["osProfile"]
        let keys = profile?["linuxConfiguration"]?["ssh"]?["publicKeys"]?.array ?? []
        let size = machine.machineSize
        return MachineOrder(
            path: machine.path,
            image: making.image,
            hostName: profile?["computerName"]?.string ?? machine.name,
            interfaces: self.places(of: machine),
            administrator: profile?["adminUsername"]?.string.map { name in
                MachineOrder.Administrator(name: name, publicKeys: keys.compactMap { $0["keyData"]?.string })
            },
            memory: size.memory,
            processors: size.processors
        )
    }
}

extension MachineOrder {
    /// The same with what only the request carried.
    func with(_ secrets: MachineSecrets?) -> MachineOrder {
        guard let secrets else { return self }
        var order = self
        if let administrator = self.administrator {
            order.administrator = Administrator(
                name: administrator.name,
                publicKeys: administrator.publicKeys,
                password: secrets.password
            )
        }
        order.customData = secrets.customData?.withValue { $0 } ?? []
        return order
    }
}

extension Resource {
    /// Whether this is a machine that networks lead to: a virtual machine or an instance of a scale set.
    public var isMachine: Bool { ResourceKind.isMachine(self.type) }

    /// The image that a machine was asked to start from.
    var imageReference: ImageReference? {
        let reference = self.properties["storageProfile"]?["imageReference"]
        guard let publisher = reference?["publisher"]?.string, let offer = reference?["offer"]?.string,
            let sku = reference?["sku"]?.string
        else { return nil }
        return ImageReference(
            publisher: publisher,
            offer: offer,
            sku: sku,
            version: reference?["version"]?.string ?? "latest"
        )
    }

    /// How large a machine is.
    var machineSize: MachineSize {
        MachineSize(named: self.properties["hardwareProfile"]?["vmSize"]?.string ?? self.sku?["name"]?.string)
            ?? .initial
    }
}

extension ImageReference {
    /// `publisher:offer:sku:version`, as people write it.
    var urn: String { "\(self.publisher):\(self.offer):\(self.sku):\(self.version)" }
}

extension ResourceKind {
    /// Whether resources of a type are machines that networks lead to.
    static func isMachine(_ type: String) -> Bool {
        [ResourceKind.virtualMachine.type, ResourceKind.scaleSetInstanceType].contains {
            $0.lowercased() == type.lowercased()
        }
    }
}
