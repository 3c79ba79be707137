public import Vocabulary

extension Resources {
    /// How many free addresses are named beside the one that was asked for. Source: Azure virtual networks REST.
    private static let mostNamed = 5

    /// Whether an address of a network could be given to an interface now, and which others could.
    ///
    /// Those of the subnet in which it lies; without such a subnet, those of the first one.
    public func availability(of address: IPv4Address, in network: Resource) -> (isFree: Bool, others: [IPv4Address]) {
        let snapshot = self.current
        let subnets = snapshot.list(type: ResourceKind.subnetType, below: network.path)
            .sorted { ($0.createdAt, $0.path.key) < ($1.createdAt, $1.path.key) }
        func isFree(_ address: IPv4Address) -> Bool {
            snapshot.holder(of: Snapshot.claim(on: address, in: network.path)) == nil
        }
        let around = subnets.first { subnet in
            subnet.addressPrefixes.contains { (prefix: AddressPrefix) in prefix.contains(address) }
        }
        let ranges = (around?.addressPrefixes ?? []).compactMap(\.usable)
        let isUsable = ranges.contains { $0.contains(address.number) }
        var others: [IPv4Address] = []
        for range in ((around ?? subnets.first)?.addressPrefixes ?? []).compactMap(\.usable) {
            for number in range.prefix(1 << 17) {
                guard others.count < Self.mostNamed else { break }
                let candidate = IPv4Address(number: number)
                if candidate != address, isFree(candidate) { others.append(candidate) }
            }
        }
        return (isUsable && isFree(address), others)
    }
}
