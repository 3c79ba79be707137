import Fabric
import Vocabulary

/// A rule of a security group as it applies to one address: its tags and groups are ranges by now.
struct AddressRule: Sendable {
    let name: String
    let group: ResourcePath
    let isAllowed: Bool
    let transport: TrafficRule.Transport
    let sources: [AddressPrefix]
    let ports: [ClosedRange<Int>]
}

/// The rules that one security group lays on an address, with where the group is attached.
struct AddressFilter: Sendable {
    let group: ResourcePath
    /// The subnet or the interface.
    let attachedTo: ResourcePath
    let rules: [AddressRule]
}

extension Snapshot {
    /// What may come in to an interface, in order; the first that fits decides, and what none fits is dropped.
    ///
    /// The subnet's group and the interface's own must both allow. Without any group only the virtual network and those peered with it
    /// come in. Source: Azure "How network security groups filter network traffic".
    func inboundRules(of interface: Resource) -> [TrafficRule] {
        guard let place = interface.ipConfigurations.first, let address = place.address, let path = place.subnet,
            let subnet = self[path]
        else { return [] }
        let filters = self.inboundFilters(on: address, in: subnet, interface)
        guard let first = filters.first else {
            let near = path.parent.flatMap { self[$0] }.map { self.ranges(around: $0) } ?? []
            return near.isEmpty ? [] : [TrafficRule(isAllowed: true, transport: .any, sources: near.map(\.description))]
        }
        let rules = filters.dropFirst().reduce(first.rules) { Self.both($0, $1.rules) }
        return rules.flatMap(\.trafficRules)
    }

    /// The filters that traffic to an address passes, in order: that of its subnet, then that of its interface.
    func inboundFilters(on address: IPv4Address, in subnet: Resource, _ interface: Resource?) -> [AddressFilter] {
        guard let network = subnet.path.parent.flatMap({ self[$0] }) else { return [] }
        let near = self.ranges(around: network)
        return [subnet, interface].compactMap { holder in
            guard let holder, let path = holder.securityGroup, let group = self[path] else { return nil }
            let own = self.list(type: ResourceKind.securityRuleType, below: group.path)
                .compactMap { SecurityRule($0) }
                .filter(\.isInbound)
                .sorted { $0.priority < $1.priority }
            let all = own + SecurityRule.defaults(of: group.path).filter(\.isInbound)
            return AddressFilter(
                group: group.path,
                attachedTo: holder.path,
                rules: all.compactMap { self.applied($0, to: address, near) }
            )
        }
    }

    /// The addresses that the tag VirtualNetwork means in a network: its own and those of networks that are peered with it.
    func ranges(around network: Resource) -> [AddressPrefix] {
        ([network] + self.neighbours(of: network)).flatMap(\.addressSpace)
    }

    // A rule that cannot be carried out exactly errs towards the closed door: it allows nothing, and denies more.
    private func applied(_ rule: SecurityRule, to address: IPv4Address, _ near: [AddressPrefix]) -> AddressRule? {
        guard let transport = rule.transport, !(rule.isAllowed && rule.wantsSourcePorts) else { return nil }
        guard rule.destinations.contains(where: { self.ranges(of: $0, near).contains { $0.contains(address) } }) else {
            return nil
        }
        let sources = rule.sources.flatMap { self.ranges(of: $0, near) }
        guard !sources.isEmpty, !rule.ports.isEmpty else { return nil }
        return AddressRule(
            name: rule.name,
            group: rule.group,
            isAllowed: rule.isAllowed,
            transport: transport,
            sources: sources.contains(.everything) ? [.everything] : sources,
            ports: rule.ports
        )
    }

    private func ranges(of place: SecurityRule.Place, _ near: [AddressPrefix]) -> [AddressPrefix] {
        switch place {
        case .any: return [.everything]
        case .prefix(let prefix): return [prefix]
        case .tag("VirtualNetwork"): return near
        case .tag("Internet"):
            return near.reduce([.everything]) { rest, prefix in rest.flatMap { $0.without(prefix) } }
        case .tag("AzureLoadBalancer"): return [.platform]
        // Services that do not exist here send nothing.
        case .tag, .foreign: return []
        case .group(let path):
            return self.referrers(of: path).compactMap { self[key: $0] }
                .flatMap { $0.addresses(in: path) }
                .map { AddressPrefix($0, length: 32) }
        }
    }

    // Each list ends with a rule that fits everything, so pairs in the order of both lists decide as the two do one after the other.
    private static func both(_ first: [AddressRule], _ second: [AddressRule]) -> [AddressRule] {
        first.flatMap { one -> [AddressRule] in
            one.isAllowed ? second.compactMap { one.met(by: $0) } : [one]
        }
    }
}

extension AddressPrefix {
    /// The address from which Azure's own infrastructure speaks to machines: load balancers, and the shared hosts of the Developer SKU.
    static let platform = AddressPrefix(IPv4Address(number: 0xa83f_8110), length: 32)
}

extension AddressRule {
    /// What fits both rules, allowed when both allow it; nil when nothing does.
    fileprivate func met(by other: AddressRule) -> AddressRule? {
        guard self.transport == other.transport || self.transport == .any || other.transport == .any else { return nil }
        let sources = self.sources.flatMap { one in other.sources.compactMap { one.intersection($0) } }
        let ports = self.ports.flatMap { one in
            other.ports.filter { $0.overlaps(one) }.map { $0.clamped(to: one) }
        }
        guard !sources.isEmpty, !ports.isEmpty else { return nil }
        return AddressRule(
            name: other.name,
            group: other.group,
            isAllowed: self.isAllowed && other.isAllowed,
            transport: self.transport == .any ? other.transport : self.transport,
            sources: sources,
            ports: ports
        )
    }

    /// The rule in the form that a fabric carries out; two when it names ports without a transport.
    fileprivate var trafficRules: [TrafficRule] {
        let sources = self.sources.contains(.everything) ? [] : self.sources.map(\.description)
        guard !self.ports.contains(SecurityRule.everyPort), self.transport != .icmp else {
            return [TrafficRule(isAllowed: self.isAllowed, transport: self.transport, sources: sources)]
        }
        let transports: [TrafficRule.Transport] = self.transport == .any ? [.tcp, .udp] : [self.transport]
        return transports.map {
            TrafficRule(isAllowed: self.isAllowed, transport: $0, sources: sources, ports: self.ports)
        }
    }
}

extension Resource {
    /// The security group that is attached to a subnet or to an interface.
    var securityGroup: ResourcePath? {
        self.properties["networkSecurityGroup"]?["id"]?.string.flatMap { ResourcePath($0) }
    }

    /// The addresses of an interface that are in an application security group.
    fileprivate func addresses(in group: ResourcePath) -> [IPv4Address] {
        (self.properties["ipConfigurations"]?.array ?? []).compactMap { element in
            let groups = element["properties"]?["applicationSecurityGroups"]?.array ?? []
            guard groups.contains(where: { $0["id"]?.string.flatMap { ResourcePath($0) } == group }) else { return nil }
            return IPConfiguration(element)?.address
        }
    }
}
