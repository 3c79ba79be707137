import AccessControl
import Vocabulary

/// Domain values in the form that clients of the Authorization API read.
extension AuthorizationRoutes {
    /// - Parameter isGone: Whether the directory has no such principal any more; clients show those as unknown.
    static func document(
        of assignment: RoleAssignment,
        seenFrom scope: ResourcePath,
        isGone: Bool = false
    ) -> JSONValue {
        // A role's id must read the same in assignments and in the list of roles: clients compare them as text.
        let viewpoint = scope.subscription == nil ? assignment.scope : scope
        let role = RoleDefinition.id(of: assignment.roleDefinition, seenFrom: viewpoint)
        return [
            "id": .string(assignment.id),
            "name": .string(assignment.name.description),
            "type": .string(RoleAssignment.type),
            "properties": [
                "roleDefinitionId": .string(role),
                "principalId": .string(assignment.principal.description),
                "principalType": .string(isGone ? "Unknown" : assignment.principalType.rawValue),
                "scope": .string(assignment.scope.description),
                "condition": assignment.condition.map(JSONValue.string) ?? .null,
                "conditionVersion": assignment.condition == nil ? .null : .string(AccessCondition.version),
                "description": assignment.description.map(JSONValue.string) ?? .null,
                "delegatedManagedIdentityResourceId": assignment.delegatedIdentity.map(JSONValue.string) ?? .null,
                "createdOn": .string(assignment.createdOn.fine),
                "updatedOn": .string(assignment.updatedOn.fine),
                "createdBy": assignment.createdBy.document,
                "updatedBy": assignment.updatedBy.document,
            ],
        ]
    }

    static func document(of definition: RoleDefinition, seenFrom scope: ResourcePath) -> JSONValue {
        [
            "id": .string(RoleDefinition.id(of: definition.name, seenFrom: scope)),
            "name": .string(definition.name.description),
            "type": .string(RoleDefinition.type),
            "properties": [
                "roleName": .string(definition.roleName),
                "type": .string(definition.isCustom ? "CustomRole" : "BuiltInRole"),
                "description": .string(definition.description),
                "assignableScopes": .array(definition.assignableScopes.map { .string($0.description) }),
                "permissions": .array(definition.permissions.map(Self.document)),
                "createdOn": .string(definition.createdOn.fine),
                "updatedOn": .string(definition.updatedOn.fine),
                "createdBy": definition.createdBy.document,
                "updatedBy": definition.updatedBy.document,
            ],
        ]
    }

    static func document(of permission: Permission) -> JSONValue {
        var document: JSONValue = [
            "actions": .texts(permission.actions),
            "notActions": .texts(permission.notActions),
            "dataActions": .texts(permission.dataActions),
            "notDataActions": .texts(permission.notDataActions),
        ]
        if let condition = permission.condition {
            document["condition"] = .string(condition)
            document["conditionVersion"] = .string(AccessCondition.version)
        }
        return document
    }

    static func document(of denial: DenyAssignment) -> JSONValue {
        let everyone: JSONValue = ["id": .string(GUID.zero.description), "type": "SystemDefined"]
        func principals(_ ids: Set<GUID>) -> [JSONValue] { ids.sorted().map { ["id": .string($0.description)] } }
        return [
            "id": .string(denial.id),
            "name": .string(denial.name.description),
            "type": .string(DenyAssignment.type),
            "properties": [
                "denyAssignmentName": .string(denial.denyName),
                "description": .string(denial.description),
                "scope": .string(denial.scope.description),
                "doNotApplyToChildScopes": .bool(denial.sparesChildren),
                "permissions": .array(denial.permissions.map(Self.document)),
                "principals": .array(denial.principals.isEmpty ? [everyone] : principals(denial.principals)),
                "excludePrincipals": .array(principals(denial.excludedPrincipals)),
                "isSystemProtected": .bool(denial.isSystemProtected),
            ],
        ]
    }
}

extension JSONValue {
    static func texts(_ values: [String]) -> JSONValue { .array(values.map(JSONValue.string)) }
}

extension GUID? {
    fileprivate var document: JSONValue { self.map { .string($0.description) } ?? .null }
}

extension Instant {
    /// With seven digits of a second, as this API writes times.
    fileprivate var fine: String { self.description.dropLast() + "0000Z" }
}
