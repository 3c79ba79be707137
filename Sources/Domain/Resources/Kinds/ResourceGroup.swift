import Vocabulary

extension ResourceKind {
    /// Subscriptions: declared by the operator, everything lies in one. Source: Azure subscriptions REST, 2022-12-01.
    static let subscription: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Resources/subscriptions",
            properties: ["displayName": Member(.text(128), .required), "managementGroup": Member(.text(90))]
        )
        kind.isTracked = false
        kind.isDeclaredOnly = true
        kind.show = { document, resource, _, settings in
            let id = resource.path.name
            document = [
                "id": .string("/subscriptions/\(id)"), "subscriptionId": .string(id),
                "tenantId": .string(settings.tenantID.description),
                "displayName": resource.properties["displayName"] ?? .string(id), "state": "Enabled",
                "authorizationSource": "RoleBased", "managedByTenants": [],
                "subscriptionPolicies": [
                    "locationPlacementId": "Public_2014-09-01", "quotaId": "Internal_2014-09-01",
                    "spendingLimit": "Off",
                ],
            ]
            if !resource.tags.isEmpty { document["tags"] = .object(resource.tags.mapValues { .string($0) }) }
        }
        return kind
    }()

    /// Resource groups: what is made and removed together. Source: Azure resource groups REST, 2024-11-01.
    static let resourceGroup: ResourceKind = {
        var kind = ResourceKind("Microsoft.Resources/resourceGroups", properties: [:])
        kind.actionType = "Microsoft.Resources/subscriptions/resourceGroups"
        kind.names = .resourceGroup
        kind.show = { document, _, _, _ in document["etag"] = nil }
        return kind
    }()
}
