public import Vocabulary

/// Which bastion hosts there are for a target.
extension Resources {
    /// The bastion hosts that reach a port of a target, those in the target's own network first.
    public func bastions(reaching target: ResourcePath, port: Int, by way: ConnectionWay = .nativeClient) -> [Resource]
    {
        let hosts = self.bastions(near: target).compactMap { host -> (Resource, Bool)? in
            guard case .allowed(let reach) = self.reach(target, port: port, from: host.path, by: way) else {
                return nil
            }
            return (host, reach.isPeered)
        }
        return hosts.filter { !$0.1 }.map(\.0) + hosts.filter(\.1).map(\.0)
    }

    /// The bastion hosts that could reach a target by where they stand: in a network of the machine or in one that is peered
    /// with that, in the order of their paths; for a connection by address those of the resource group in the target.
    ///
    /// Found by what refers to those networks, however many bastion hosts there are.
    public func bastions(near target: ResourcePath) -> [Resource] {
        let snapshot = self.current
        if target.hostConnectAddress != nil {
            guard let subscription = target.subscription, let group = target.resourceGroup,
                let scope = ResourcePath("/subscriptions/\(subscription)/resourceGroups/\(group)")
            else { return [] }
            return snapshot.list(type: ResourceKind.bastionHost.type, below: scope)
        }
        let interfaces = (snapshot[target]?.interfaces ?? []).compactMap { snapshot[$0] }
        let own = Set(interfaces.flatMap { $0.ipConfigurations.compactMap(\.network) }).compactMap { snapshot[$0] }
        let networks = Set((own + own.flatMap { snapshot.neighbours(of: $0) }).map(\.path))
        // Hosts have an address in a subnet of this name; those of the Developer SKU refer to the network itself.
        let keys = networks.flatMap { network in
            [network, network.appending("subnets", "AzureBastionSubnet")].flatMap { snapshot.referrers(of: $0) }
        }
        return Set(keys).sorted().compactMap { snapshot[key: $0] }
            .filter { $0.path.isOf(type: ResourceKind.bastionHost.type) }
    }

    /// The bastion hosts whose data plane answers at a name, in any letter case.
    public func bastions(dnsName: String) -> [Resource] {
        let wanted = dnsName.lowercased()
        return self.list(type: ResourceKind.bastionHost.type, below: .root)
            .filter { self.settings.dataPlaneHost($0.path).lowercased() == wanted }
    }
}
