import AccessControl
import Resources
import TemplateLanguage
import Vocabulary

extension PlannedResource {
    /// Whether it gives somebody a role.
    var isRoleAssignment: Bool { self.path.isOf(type: RoleAssignment.type) }
}

extension ResourcePath {
    /// What stands before the last `/providers/`: where an extension resource applies.
    var scope: ResourcePath {
        guard let place = self.segments.lastIndex(where: { $0.lowercased() == "providers" }) else { return self }
        return ResourcePath("/" + self.segments[..<place].joined(separator: "/")) ?? .root
    }
}

extension Deployments {
    /// Judges, before anything is made, whether the author may give the role that a resource of a template says. To whom is often known
    /// only later, and a right that depends on it is then judged again.
    func permitAssignment(_ resource: PlannedResource, for subject: Subject) throws(Problem) {
        let scope = resource.written("scope")?.string.flatMap { ResourcePath($0) } ?? resource.path.scope
        let role = resource.written("roleDefinitionId")?.string.flatMap {
            GUID($0.split(separator: "/" as Character).last ?? "")
        }
        guard let role else { return }
        let attributes = RequestAttributes(
            roleDefinition: role,
            principal: resource.written("principalId")?.string.flatMap { GUID($0) },
            principalType: .servicePrincipal
        )
        guard !self.accessControl.decide(.assignRole, at: scope, for: subject, attributes: attributes).isAllowed else {
            return
        }
        try self.resources.require(.assignRole, at: scope, for: subject)
    }

    /// Gives the role that a resource of a template says. Returns the document of the assignment, and whether it is new.
    func assign(_ resource: PlannedResource, _ body: JSONValue, by author: ChangeAuthor) async throws(Problem)
        -> (JSONValue, created: Bool)
    {
        let properties = body.member("properties") ?? [:]
        guard
            let name = GUID(resource.path.name),
            let role = properties.member("roleDefinitionId")?.string.flatMap({
                GUID($0.split(separator: "/" as Character).last ?? "")
            }),
            let principal = properties.member("principalId")?.string.flatMap({ GUID($0) })
        else {
            throw Problem(
                "InvalidCreateRoleAssignmentRequest",
                shown:
                    "A role assignment is called by a GUID and needs properties.roleDefinitionId and properties.principalId."
            )
        }
        // The oldest api-versions say the scope in the body; it may be above the resource group.
        let said = properties.member("scope")?.string.flatMap { ResourcePath($0) }
        let known: PrincipalType?
        do {
            known = try await self.hooks.principalType(principal)
        } catch {
            throw Problem("InternalServerError", shown: "The directory could not be asked.", logged: "\(error)")
        }
        let scope = said ?? resource.path.scope
        let claim = properties.member("principalType")?.string.flatMap { PrincipalType(named: $0) }
        if let subject = author.subject {
            // Without rights here nobody learns which identities and scopes exist.
            try self.resources.requireAssigning(
                role,
                to: principal,
                known ?? claim,
                at: scope,
                subject,
                self.accessControl
            )
        }
        guard let type = known ?? claim else {
            throw Problem(
                "PrincipalNotFound",
                shown: "Principal \(principal.description.filter { $0 != "-" }) does not exist in the directory."
            )
        }
        if author.subject != nil { try self.resources.checkLocks(.write, at: scope) }
        guard scope == .root || self.resources.resource(scope) != nil else {
            throw Problem("ResourceNotFound", shown: "The scope '\(scope)' was not found.")
        }
        let draft = RoleAssignmentDraft(
            name: name,
            scope: scope,
            roleDefinition: role,
            principal: principal,
            principalType: type,
            description: properties.member("description")?.string,
            condition: properties.member("condition")?.string.flatMap { $0.isEmpty ? nil : $0 }
        )
        let (made, created) = try await self.accessControl.assign(
            draft,
            by: author.subject,
            correlation: author.correlation,
            source: author.source
        )
        let document: JSONValue = [
            "id": .string(made.id), "name": .string(made.name.description), "type": .string(RoleAssignment.type),
            "properties": [
                "scope": .string(made.scope.description), "principalId": .string(made.principal.description),
                "principalType": .string(made.principalType.rawValue),
                "roleDefinitionId": properties.member("roleDefinitionId") ?? .null,
            ],
        ]
        return (document, created)
    }
}

extension Resources {
    fileprivate func requireAssigning(
        _ role: GUID,
        to principal: GUID,
        _ type: PrincipalType?,
        at scope: ResourcePath,
        _ subject: Subject,
        _ accessControl: AccessControl
    ) throws(Problem) {
        let attributes = RequestAttributes(roleDefinition: role, principal: principal, principalType: type ?? .user)
        guard accessControl.decide(.assignRole, at: scope, for: subject, attributes: attributes).isAllowed else {
            try self.require(.assignRole, at: scope, for: subject)
            // Allowed in general, but not this one: `assign` says so.
            return
        }
    }
}
