import Vocabulary

extension ResourceKind {
    /// Availability sets: kept for those who ask for one; everything here stands on the same machine. Source: Azure availability sets REST.
    static let availabilitySet: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Compute/availabilitySets",
            properties: [
                "platformFaultDomainCount": Member(.number(1...3), initial: 2),
                "platformUpdateDomainCount": Member(.number(1...20), initial: 5),
                "virtualMachines": Member(.anything, .readOnly),
            ],
            sku: ["name": Member(.word(["Classic", "Aligned"]), initial: "Classic")]
        )
        kind.inUseCode = "OperationNotAllowed"
        kind.patching = .everything
        kind.show = { document, set, snapshot, _ in
            let members = snapshot.referrers(of: set.path).compactMap { snapshot[key: $0] }
            document["properties"]?["virtualMachines"] = .array(members.map { ["id": .string($0.path.description)] })
        }
        return kind
    }()
}
