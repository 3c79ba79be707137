import AccessControl
import Identity
import Vocabulary

extension AuthorizationRoutes {
    private static let mostActions = 200
    // How long a client may keep an answer; short, because a role that was taken away should be gone.
    private static let lifetime: Duration = .seconds(60)

    /// Whether an identity may do some things: what machines and services ask about their callers.
    ///
    /// Groups come from the directory; those in the request are not believed. Source: Azure remote policy decision
    /// point, `checkaccess`.
    func checkAccess(_ call: AuthorizationCall) async throws(Problem) -> ARMResponse {
        guard
            let body = call.request.body,
            let id = body.member("Subject")?.member("Attributes")?.member("ObjectId")?.string.flatMap({ GUID($0) }),
            let actions = body.member("Actions")?.array
        else {
            throw Problem("InvalidRequestContent", shown: "The request needs Subject.Attributes.ObjectId and Actions.")
        }
        guard actions.count <= Self.mostActions else {
            throw Problem("InvalidRequestContent", shown: "At most \(Self.mostActions) actions are checked at once.")
        }
        if id != call.subject.id {
            try self.access.require(.readRoles, at: call.scope, for: call.subject)
        }
        // The right to ask was checked at the scope in the address, so the resource must lie there.
        let path = body.member("Resource")?.member("Id")?.string.map { ResourcePath($0) } ?? call.scope
        guard let path, call.scope.contains(path) else {
            throw Problem("InvalidScope", shown: "Resource.Id must lie at or below '\(call.scope)'.")
        }
        let account = try await Problem.hiding { try await self.directory.account(id) }
        var decisions: [JSONValue] = []
        for action in actions {
            guard let name = action.member("Id")?.string, name.utf8.count <= 512 else {
                throw Problem("InvalidRequestContent", shown: "Each action needs an Id of at most 512 bytes.")
            }
            let asked = Action(name, isData: action.member("IsDataAction")?.bool ?? false)
            let decision = account.flatMap { account in
                account.isEnabled ? self.access.decide(asked, at: path, for: account.subject) : nil
            }
            decisions.append(Self.document(of: decision, asked, seenFrom: call.scope))
        }
        return .ok(.array(decisions))
    }

    private static func document(of decision: Decision?, _ action: Action, seenFrom scope: ResourcePath) -> JSONValue {
        var document: JSONValue = [
            "actionId": .string(action.name),
            "isDataAction": .bool(action.isData),
            "accessDecision": "NotAllowed",
            "roleAssignment": .null,
            "denyAssignment": .null,
            "timeToLiveInMs": .integer(Self.lifetime.milliseconds),
        ]
        switch decision {
        case .allowed(let allowed):
            document["accessDecision"] = "Allowed"
            let assignment = allowed.assignment
            document["roleAssignment"] = [
                "id": .string(assignment.id),
                "roleDefinitionId": .string(RoleDefinition.id(of: assignment.roleDefinition, seenFrom: scope)),
                "principalId": .string(assignment.principal.description),
                "principalType": .string(assignment.principalType.rawValue),
                "scope": .string(assignment.scope.description),
                "condition": assignment.condition.map(JSONValue.string) ?? .null,
                "conditionVersion": assignment.condition == nil ? .null : .string(AccessCondition.version),
                "canDelegate": false,
            ]
        case .refused(let refusal) where refusal.code == "DenyAssignment":
            document["accessDecision"] = "Denied"
        case .refused, nil:
            break
        }
        return document
    }
}
