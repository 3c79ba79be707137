public import AccessControl
public import Vocabulary

/// The rights with which somebody may connect through a bastion host.
public struct ConnectionRights: Sendable {
    /// Reading the bastion host.
    public let bastion: Decision.Allowed
    /// Reading the machine; nil for an address that belongs to no declared machine.
    public let machine: Decision.Allowed?
    /// Every right that was asked for, in order.
    public let all: [Decision.Allowed]

    /// What a grant is made from: the right on the machine, or that on the bastion host for a bare address.
    public var grounds: Decision.Allowed { self.machine ?? self.bastion }
}

extension Resources {
    /// Whether somebody may connect to a target through a bastion host: Reader on the machine, on its interface, on the bastion host, and
    /// on the machine's network when that is a peered one. The refusal names every one that is missing.
    ///
    /// Rights come first: somebody without them is refused in the same words whether or not the things exist. Whether the bastion host
    /// reaches the target at all is `reach`. Source: Azure Bastion, required roles.
    public func judgeConnection(
        _ subject: Subject,
        through bastion: ResourcePath,
        to target: ResourcePath
    ) -> Verdict<ConnectionRights> {
        let snapshot = self.current
        let host = snapshot[bastion]
        let networks = host.map { snapshot.networks(reachedFrom: $0) } ?? []
        var machine: ResourcePath? = target
        var interface: Resource?
        if let text = target.hostConnectAddress {
            // An address of a declared machine asks for the rights on that machine: the address must not be a way around them.
            let address = IPv4Address(text)
            interface =
                networks.lazy.compactMap { network in
                    address.flatMap { snapshot.interface(at: $0, in: network.path) }
                }.first
            machine = interface.flatMap { snapshot.machine(of: $0.path)?.path }
        } else {
            let interfaces = (snapshot[target]?.interfaces ?? []).compactMap { snapshot[$0] }
            interface =
                networks.lazy.compactMap { network in
                    interfaces.first { $0.ipConfigurations.contains { $0.network == network.path } }
                }.first ?? interfaces.first
        }
        var lines: [(type: String, path: ResourcePath)] = []
        if let machine {
            guard let type = machine.type, ResourceKind.isMachine(type) else {
                return .refused(Refusal("TargetNotValid", reason: "'\(machine)' is not a virtual machine."))
            }
            lines.append((type, machine))
        }
        lines.append((ResourceKind.bastionHost.type, bastion))
        if let interface { lines.append((ResourceKind.networkInterface.type, interface.path)) }
        if let network = interface?.ipConfigurations.first?.network, network != networks.first?.path {
            lines.append((ResourceKind.virtualNetwork.type, network))
        }
        var all: [Decision.Allowed] = []
        var missing: [(type: String, path: ResourcePath)] = []
        for line in lines {
            switch self.accessControl.decide(.read(line.type), at: line.path, for: subject) {
            case .allowed(let allowed): all.append(allowed)
            case .refused: missing.append(line)
            }
            // What lies behind something that may not be seen is not named.
            let hides = [ResourceKind.virtualMachine.type, ResourceKind.networkInterface.type]
            if let last = missing.last, hides.contains(last.type) { break }
        }
        guard missing.isEmpty, let ofBastion = all.first(where: { $0.path == bastion }) else {
            return .refused(Self.refusal(missing, subject))
        }
        return .allowed(ConnectionRights(bastion: ofBastion, machine: all.first { $0.path == machine }, all: all))
    }

    // What is missing comes first: OpenSSH shows little more than the first hundred characters.
    private static func refusal(_ missing: [(type: String, path: ResourcePath)], _ subject: Subject) -> Refusal {
        let names = [
            ResourceKind.virtualMachine.type: "virtual machine", ResourceKind.bastionHost.type: "bastion host",
            ResourceKind.networkInterface.type: "network interface",
            ResourceKind.virtualNetwork.type: "peered virtual network",
        ]
        let places = missing.map { "\(names[$0.type] ?? $0.type) '\($0.path.name)'" }
        let actions = missing.map { "\($0.type)/read on \($0.path)" }
        let commands = missing.map {
            "az role assignment create --assignee \(subject.id) --role Reader --scope \($0.path)"
        }
        return Refusal(
            "RoleMissing",
            reason: "Reader is missing on the \(places.joined(separator: ", ")) for "
                + "\(PrintableText.of(subject.name)) (\(actions.joined(separator: ", "))).",
            remedy: "Ask an administrator: \(commands.joined(separator: " and "))"
        )
    }
}
