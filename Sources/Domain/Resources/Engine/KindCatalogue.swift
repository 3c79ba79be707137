import Vocabulary

/// The kinds that this installation knows.
struct KindCatalogue: Sendable {
    private let kinds: [String: ResourceKind]

    /// All of them.
    static let standard = KindCatalogue([
        .subscription, .resourceGroup, .virtualNetwork, .subnet, .virtualNetworkPeering, .networkInterface,
        .publicIPAddress, .bastionHost, .virtualMachine, .virtualMachineExtension,
        .managementLock, .networkSecurityGroup, .securityRule, .applicationSecurityGroup, .routeTable, .route,
        .natGateway, .loadBalancer, .inboundNATRule,
        .disk, .availabilitySet, .userAssignedIdentity, .scaleSet, .scaleSetInstance, .scaleSetInterface,
        .scaleSetExtension, .arcMachine, .arcExtension, .managedRunCommand, .scaleSetRunCommand,
        .sshPublicKey, .customImage,
    ])

    init(_ kinds: [ResourceKind]) {
        self.kinds = Dictionary(kinds.map { ($0.type.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The kind of a path.
    func kind(at path: ResourcePath) -> ResourceKind? {
        path.type.flatMap { self.kinds[$0.lowercased()] }
    }

    /// The kind of a type, in any letter case.
    subscript(type type: String) -> ResourceKind? { self.kinds[type.lowercased()] }

    /// Every kind, by type.
    var all: [ResourceKind] { self.kinds.values.sorted { $0.type < $1.type } }
}
