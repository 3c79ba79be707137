import Fabric
import Vocabulary

extension Snapshot {
    /// Why security groups keep a bastion host from a port of an address; nil when they let it through.
    func filterRefusal(
        from host: Resource,
        to address: IPv4Address,
        port: Int,
        in network: ResourcePath,
        _ interface: Resource?
    ) -> Refusal? {
        let subnets = self.list(type: ResourceKind.subnetType, below: network)
        guard let subnet = subnets.first(where: { $0.addressPrefixes.contains { $0.contains(address) } }) else {
            return nil
        }
        let place = host.ipConfigurations.first?.subnet.flatMap { self[$0] }
        let sources = place?.addressPrefixes ?? [.platform]
        for filter in self.inboundFilters(on: address, in: subnet, interface) {
            guard let rule = filter.denial(of: port, from: sources) else { continue }
            let group = filter.group
            let from = sources.map(\.description).joined(separator: ", ")
            let holder = filter.attachedTo.isOf(type: ResourceKind.subnetType) ? "subnet" : "interface"
            return Refusal(
                "NetworkSecurityGroupDenies",
                reason: "The rule '\(rule)' of the network security group '\(group.name)' on the \(holder) "
                    + "'\(filter.attachedTo.name)' denies TCP port \(port) from the bastion host '\(host.name)' (\(from)).",
                remedy: "Allow it: az network nsg rule create -g \(group.resourceGroup ?? "") --nsg-name \(group.name) "
                    + "-n AllowBastion --priority 100 --source-address-prefixes \(from) --destination-port-ranges \(port)."
            )
        }
        return nil
    }
}

extension AddressFilter {
    /// The name of the rule that denies a TCP port to somebody who may come from any address of these ranges; nil when it is allowed.
    fileprivate func denial(of port: Int, from sources: [AddressPrefix]) -> String? {
        for rule in self.rules where rule.transport == .any || rule.transport == .tcp {
            guard rule.ports.contains(where: { $0.contains(port) }) else { continue }
            if rule.isAllowed {
                // An allowance of a part only would work by luck.
                if sources.allSatisfy({ source in rule.sources.contains { $0.contains(source) } }) { return nil }
            } else if sources.contains(where: { source in rule.sources.contains { $0.overlaps(source) } }) {
                return rule.name
            }
        }
        return "DenyAllInBound"
    }
}
