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
        let principal = resource.written("principalId")?.string.flatMap { GUID($0) }
        try self.requireAssigning(role, to: principal, .servicePrincipal, at: scope, for: subject)
    }

    // Who may give some roles but not this one passes: `assign` says what is missing.
    private func requireAssigning(
        _ role: GUID,
        to principal: GUID?,
        _ type: PrincipalType,
        at scope: ResourcePath,
        for subject: Subject
    ) throws(Problem) {
        let attributes = RequestAttributes(roleDefinition: role, principal: principal, principalType: type)
        guard !self.accessControl.decide(.assignRole, at: scope, for: subject, attributes: attributes).isAllowed else {
            return
        }
        try self.resources.require(.assignRole, at: scope, for: subject)
    }

    /// Gives the role that a resource of a template says. Returns the document of the assignment, and whether it is new.
    func assign(_ resource: PlannedResource, _ body: JSONValue, by author: ChangeAuthor) async throws(Problem)
        -> (JSONValue, created: Bool)
    {
        let written = try WrittenAssignment(body, of: resource)
        let known: PrincipalType?
        do {
            known = try await self.hooks.principalType(written.principal)
        } catch {
            throw Problem("InternalServerError", shown: "The directory could not be asked.", logged: "\(error)")
        }
        let scope = written.scope
        if let subject = author.subject {
            // Without rights here nobody learns which identities and scopes exist.
            let type = known ?? written.principalType ?? .user
            try self.requireAssigning(written.role, to: written.principal, type, at: scope, for: subject)
        }
        guard let type = known ?? written.principalType else {
            throw Problem(
                "PrincipalNotFound",
                shown:
                    "Principal \(written.principal.description.filter { $0 != "-" }) does not exist in the directory."
            )
        }
        if author.subject != nil { try self.resources.checkLocks(.write, at: scope) }
        guard scope == .root || self.resources.resource(scope) != nil else {
            throw Problem("ResourceNotFound", shown: "The scope '\(scope)' was not found.")
        }
        let draft = RoleAssignmentDraft(
            name: written.name,
            scope: scope,
            roleDefinition: written.role,
            principal: written.principal,
            principalType: type,
            description: written.properties.member("description")?.string,
            condition: written.properties.member("condition")?.string.flatMap { $0.isEmpty ? nil : $0 }
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
                "roleDefinitionId": written.properties.member("roleDefinitionId") ?? .null,
            ],
        ]
        return (document, created)
    }
}

/// A role assignment as a template writes it.
private struct WrittenAssignment {
    let name: GUID
    let role: GUID
    let principal: GUID
    /// What the template says that the principal is.
    let principalType: PrincipalType?
    let scope: ResourcePath
    let properties: JSONValue

    init(_ body: JSONValue, of resource: PlannedResource) throws(Problem) {
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
        self.name = name
        self.role = role
        self.principal = principal
        self.principalType = properties.member("principalType")?.string.flatMap { PrincipalType(named: $0) }
        // The oldest api-versions say the scope in the body; it may be above the resource group.
        self.scope = properties.member("scope")?.string.flatMap { ResourcePath($0) } ?? resource.path.scope
        self.properties = properties
    }
}
