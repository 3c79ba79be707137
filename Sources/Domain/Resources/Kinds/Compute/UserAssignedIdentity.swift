import Vocabulary

extension ResourceKind {
    /// Identities that exist beside the machines that use them. Source: Azure Managed Identity REST, user-assigned identities.
    static let userAssignedIdentity: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.ManagedIdentity/userAssignedIdentities",
            properties: [
                "tenantId": Member(.text(36), .readOnly),
                "principalId": Member(.text(36), .readOnly),
                "clientId": Member(.text(36), .readOnly),
                "isolationScope": Member(.word(["None", "Regional"])),
            ]
        )
        kind.names = NameRule(longest: 128, extra: "-_")
        kind.isIdentity = true
        kind.complete = { identity, previous, plan throws(Problem) in
            if previous == nil { plan.identities[identity.path.key] = .assign }
        }
        // They are there at once, and the models of Azure's SDKs know neither tag nor state.
        kind.show = { document, _, _, _ in
            document["etag"] = nil
            document["properties"]?["provisioningState"] = nil
        }
        return kind
    }()
}
