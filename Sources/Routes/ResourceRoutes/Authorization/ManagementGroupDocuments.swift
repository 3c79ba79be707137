import AccessControl
import Vocabulary

/// Management groups in the form that clients read.
extension ManagementGroupRoutes {
    private var tenant: JSONValue { .string(self.access.rootManagementGroup?.name ?? "") }

    func summary(of group: ManagementGroup) -> JSONValue {
        [
            "id": .string(group.path.description), "type": .string(ManagementGroup.type), "name": .string(group.name),
            "properties": ["tenantId": self.tenant, "displayName": .string(group.displayName)],
        ]
    }

    func document(of group: ManagementGroup) -> JSONValue {
        var document = self.summary(of: group)
        let parent = group.parent.flatMap { self.access.managementGroup($0) }
        document["properties"]?["details"] = [
            "version": .integer(Int64(group.version)),
            "updatedTime": .string(group.updatedOn.description),
            "updatedBy": group.updatedBy.map { .string($0.description) } ?? .null,
            "parent": parent.map { parent in
                [
                    "id": .string(parent.path.description), "name": .string(parent.name),
                    "displayName": .string(parent.displayName),
                ]
            } ?? .null,
        ]
        document["properties"]?["children"] = .null
        return document
    }

    func children(of group: ManagementGroup, recursively: Bool) -> [JSONValue] {
        let groups = self.access.managementGroups(in: group).map { child -> JSONValue in
            let below = recursively ? self.children(of: child, recursively: true) : []
            return [
                "id": .string(child.path.description), "type": .string(ManagementGroup.type),
                "name": .string(child.name), "displayName": .string(child.displayName),
                "children": below.isEmpty ? .null : .array(below),
            ]
        }
        let subscriptions = self.authorization.surroundings.subscriptions()
            .filter { self.access.managementGroup(of: $0.id) == group }
            .sorted { $0.id < $1.id }
            .map { subscription -> JSONValue in
                [
                    "id": .string("/subscriptions/\(subscription.id)"), "type": "/subscriptions",
                    "name": .string(subscription.id.description), "displayName": .string(subscription.name),
                    "children": .null,
                ]
            }
        return groups + subscriptions
    }

    func entity(
        _ id: String,
        _ type: String,
        _ name: String,
        _ displayName: String,
        above: [ManagementGroup]
    ) -> JSONValue {
        [
            "id": .string(id), "type": .string(type), "name": .string(name),
            "properties": [
                "tenantId": self.tenant, "displayName": .string(displayName),
                "parent": ["id": above.last.map { .string($0.path.description) } ?? .null],
                "parentNameChain": .texts(above.map(\.name)),
                "parentDisplayNameChain": .texts(above.map(\.displayName)),
            ],
        ]
    }

    static func membership(of subscription: (id: GUID, name: String), in group: ManagementGroup) -> JSONValue {
        [
            "id": .string("\(group.path)/subscriptions/\(subscription.id)"),
            "type": .string("\(ManagementGroup.type)/subscriptions"),
            "name": .string(subscription.id.description),
            "properties": [
                "displayName": .string(subscription.name), "state": "Active",
                "parent": ["id": .string(group.path.description)],
            ],
        ]
    }
}
