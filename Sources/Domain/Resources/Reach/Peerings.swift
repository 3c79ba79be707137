import Vocabulary

extension Snapshot {
    /// The networks that a bastion host reaches: its own first, then those peered with it directly and in both directions.
    ///
    /// Peering is not transitive. Source: Azure Bastion and virtual network peering.
    func networks(reachedFrom host: Resource) -> [Resource] {
        guard let own = host.bastionNetwork.flatMap({ self[$0] }) else { return [] }
        guard host.bastionSKU > .developer else { return [own] }
        return [own] + self.neighbours(of: own)
    }

    /// The networks that are peered with a network, in both directions and open.
    func neighbours(of own: Resource) -> [Resource] {
        let type = ResourceKind.virtualNetworkPeering.type
        return self.list(type: type, below: own.path).compactMap { half -> Resource? in
            guard half.letsTrafficThrough, let remote = half.remoteNetwork else { return nil }
            let back = self.list(type: type, below: remote).first { $0.remoteNetwork == own.path }
            return back?.letsTrafficThrough == true ? self[remote] : nil
        }
    }
}

extension Resource {
    fileprivate var letsTrafficThrough: Bool {
        self.peeringState == "Connected" && self.properties["allowVirtualNetworkAccess"]?.bool != false
    }
}
