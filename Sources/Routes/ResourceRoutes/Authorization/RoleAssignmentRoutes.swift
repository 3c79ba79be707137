import AccessControl
import HTTPTypes
import Identity
import Resources
import Vocabulary

extension AuthorizationRoutes {
    // MARK: Reading

    func listAssignments(_ call: AuthorizationCall) async throws(Problem) -> ARMResponse {
        var filter = RoleAssignmentFilter()
        var asked: Set<GUID> = []
        for term in try AuthorizationFilter(call.request.filter).terms {
            switch term {
            case .function("atscope", nil): filter.reach = .atAndAbove
            case .function("atexactscope", nil): filter.reach = .exactly
            case .equals("principalid", let text):
                let id = try Self.identifier(text)
                asked.insert(id)
                filter.narrow(to: [id])
            case .function("assignedto", let text?):
                let id = try Self.identifier(text)
                asked.insert(id)
                let groups = try await Problem.hiding { try await self.directory.groups(of: id) }
                filter.narrow(to: groups.union([id]))
            case .equals("roledefinitionid", let text): filter.roleDefinition = try Self.roleIdentifier(text)
            case .function(let name, _), .equals(let name, _):
                throw .invalidFilter("'\(name)' is not supported")
            }
        }
        // Everybody may see what they have themselves.
        if asked != [call.subject.id] {
            try self.access.require(.readRoles, at: call.scope, for: call.subject)
        }
        let (found, next) = try self.page(of: self.access.assignments(at: call.scope, filter), call)
        let gone = try await self.gone(found)
        return .list(
            found.map { Self.document(of: $0, seenFrom: call.scope, isGone: gone.contains($0.principal)) },
            next: next
        )
    }

    /// The assignments of a page, and the address of the next one.
    private func page(of all: [RoleAssignment], _ call: AuthorizationCall) throws(Problem) -> (
        [RoleAssignment], String?
    ) {
        var rest = all[...]
        let token = SkipToken(call.request)
        if let text = call.request.options["$skiptoken"] {
            let parts = try token.read(text).split(separator: ":" as Character)
            guard parts.count == 2, let time = Int64(parts[0]), let name = GUID(String(parts[1])) else {
                throw Problem("InvalidSkipToken", shown: "The $skiptoken is not one that this service gave out.")
            }
            let last = (Instant(milliseconds: time), name)
            rest = rest.drop { ($0.createdOn, $0.name) <= last }
        }
        guard !self.conventions.origin.isEmpty, rest.count > Self.longestPage,
            let last = rest.prefix(Self.longestPage).last
        else { return (Array(rest), nil) }
        var query = call.request.options
        query["$skiptoken"] = token.write(after: "\(last.createdOn.milliseconds):\(last.name)")
        let next = AbsoluteAddress.write(self.conventions.origin, call.request.path, query)
        return (Array(rest.prefix(Self.longestPage)), next)
    }

    /// Most assignments of a page.
    static let longestPage = 1000

    // Principals that the directory does not have any more. Those that it never had, such as groups of other tenants, are
    // as the client said.
    private func gone(_ assignments: [RoleAssignment]) async throws(Problem) -> Set<GUID> {
        let own = Set(assignments.lazy.filter { $0.principalType.isOfDirectory }.map(\.principal))
        let known = try await Problem.hiding { try await self.directory.principals(own.sorted()) }
        return own.subtracting(known.map(\.id))
    }

    func readAssignment(_ name: String, _ call: AuthorizationCall) async throws(Problem) -> ARMResponse {
        try self.access.require(.readRoles, at: call.scope, for: call.subject)
        guard
            let name = GUID(name), let found = self.access.assignment(name), found.scope == call.scope
        else {
            throw Problem(
                "RoleAssignmentNotFound",
                shown: "The role assignment '\(PrintableText.of(name))' is not found."
            )
        }
        let isGone = try await !self.gone([found]).isEmpty
        return .ok(Self.document(of: found, seenFrom: call.scope, isGone: isGone))
    }

    /// How many assignments a subscription has and may have: the warning before the limit.
    func readUsage(_ call: AuthorizationCall) throws(Problem) -> ARMResponse {
        try self.access.require(.readRoles, at: call.scope, for: call.subject)
        guard let subscription = call.scope.subscription else {
            throw Problem("InvalidScope", shown: "Role assignments are counted by subscription.")
        }
        let limit = self.access.policy.perSubscription
        let count = self.access.assignmentCount(in: subscription)
        return .ok([
            "roleAssignmentsLimit": .integer(Int64(limit)),
            "roleAssignmentsCurrentCount": .integer(Int64(count)),
            "roleAssignmentsRemainingCount": .integer(Int64(max(0, limit - count))),
        ])
    }

    // MARK: Changing

    func putAssignment(_ name: String, _ call: AuthorizationCall) async throws(Problem) -> ARMResponse {
        guard let name = GUID(name) else {
            throw Problem(
                "InvalidRoleAssignmentId",
                shown:
                    "The role assignment ID '\(PrintableText.of(name))' is not valid. The role assignment ID must be a GUID."
            )
        }
        let properties = call.request.properties
        guard
            let role = properties?.member("roleDefinitionId")?.string,
            let principal = properties?.member("principalId")?.string
        else {
            throw Problem(
                "InvalidCreateRoleAssignmentRequest",
                shown: "The request needs properties.roleDefinitionId and properties.principalId."
            )
        }
        let id = try Self.identifier(principal)
        let claim = try Self.principalType(named: properties?.member("principalType")?.string)
        let known = try await self.principalType(of: id)
        let draft = RoleAssignmentDraft(
            name: name,
            scope: call.scope,
            roleDefinition: try Self.roleIdentifier(role),
            principal: id,
            principalType: known ?? claim ?? .user,
            description: properties?.member("description")?.string,
            condition: try Self.condition(in: properties),
            delegatedIdentity: properties?.member("delegatedManagedIdentityResourceId")?.string
        )
        // Without rights here nobody learns which identities and scopes exist: `assign` refuses them.
        if self.mayAssign(draft, call.subject) {
            try Self.check(id, known, claim)
            try self.surroundings.checkLocks(.write, call.scope)
            guard self.exists(call.scope) else {
                throw Problem("ResourceNotFound", shown: "The scope '\(call.scope)' was not found.")
            }
        }
        let (made, created) = try await self.access.assign(
            draft,
            by: call.subject,
            correlation: call.correlation,
            source: call.source
        )
        var answer = ARMResponse.put(Self.document(of: made, seenFrom: call.scope), created: created)
        if created, let warning = self.access.warning(at: call.scope) {
            // RFC 7234 section 5.5.7: 299 is a warning that stays, about anything.
            answer.headers[.warning] = "299 - \"\(warning)\""
        }
        return answer
    }

    /// Whether there is such a scope, management groups included.
    func exists(_ scope: ResourcePath) -> Bool {
        scope.managementGroup.map { self.access.managementGroup($0) != nil } ?? self.surroundings.exists(scope)
    }

    /// `POST …/elevateAccess`: an administrator of the directory takes charge of all scopes.
    func elevate(_ call: AuthorizationCall) async throws(Problem) -> ARMResponse {
        guard try await self.isDirectoryAdministrator(call.subject) else {
            throw Problem(
                "AuthorizationFailed",
                shown:
                    "The client '\(call.subject.name)' with object id '\(call.subject.id)' is no Global Administrator "
                    + "of the directory, and only those may elevate their access."
            )
        }
        _ = try await self.access.elevate(call.subject, correlation: call.correlation, source: call.source)
        return ARMResponse(status: .ok)
    }

    func isDirectoryAdministrator(_ subject: Subject) async throws(Problem) -> Bool {
        try await Problem.hiding { try await self.directory.directoryRoles(of: subject.id) }
            .contains(.globalAdministrator)
    }

    func deleteAssignment(_ name: String, _ call: AuthorizationCall) async throws(Problem) -> ARMResponse {
        guard let name = GUID(name) else {
            try self.access.require(.removeRole, at: call.scope, for: call.subject)
            return .noContent
        }
        // Whoever may not read roles here is refused below, without learning of the lock.
        if self.access.decide(.readRoles, at: call.scope, for: call.subject).isAllowed {
            try self.surroundings.checkLocks(.delete, call.scope)
        }
        let gone = try await self.access.remove(
            name,
            at: call.scope,
            by: call.subject,
            correlation: call.correlation,
            source: call.source
        )
        return gone.map { .ok(Self.document(of: $0, seenFrom: call.scope)) } ?? .noContent
    }

    // MARK: What requests hold

    private func mayAssign(_ draft: RoleAssignmentDraft, _ subject: Subject) -> Bool {
        let attributes = RequestAttributes(
            roleDefinition: draft.roleDefinition,
            principal: draft.principal,
            principalType: draft.principalType
        )
        return self.access.decide(.assignRole, at: draft.scope, for: subject, attributes: attributes).isAllowed
    }

    func principalType(of id: GUID) async throws(Problem) -> PrincipalType? {
        switch try await Problem.hiding({ try await self.directory.principal(id) }) {
        case .user: .user
        case .group: .group
        case .servicePrincipal: .servicePrincipal
        case nil: nil
        }
    }

    private static func principalType(named claim: String?) throws(Problem) -> PrincipalType? {
        guard let claim else { return nil }
        guard let type = PrincipalType(named: claim) else {
            throw Problem(
                "InvalidPrincipalType",
                shown: "'\(PrintableText.of(claim))' is not a principal type: write User, Group or ServicePrincipal."
            )
        }
        return type
    }

    // The directory's own answer counts where it has one; otherwise the client's word, so that an identity can be named
    // before it is there.
    private static func check(_ id: GUID, _ known: PrincipalType?, _ claim: PrincipalType?) throws(Problem) {
        guard known != nil || claim != nil else {
            throw Problem(
                "PrincipalNotFound",
                shown:
                    "Principal \(id.description.filter { $0 != "-" }) does not exist in the directory. Check that you have "
                    + "the correct principal ID."
            )
        }
        if let known, let claim, known != claim {
            throw Problem(
                "UnmatchedPrincipalType",
                shown: "The PrincipalId '\(id)' has type '\(known.rawValue)', which is different from the specified "
                    + "PrincipalType '\(claim.rawValue)'."
            )
        }
    }

    private static func condition(in properties: JSONValue?) throws(Problem) -> String? {
        guard let text = properties?.member("condition")?.string, !text.isEmpty else { return nil }
        let version = properties?.member("conditionVersion")?.string
        guard version == nil || version == AccessCondition.version else {
            throw Problem("InvalidCondition", shown: "The condition's version must be '\(AccessCondition.version)'.")
        }
        return text
    }

    static func identifier(_ text: String) throws(Problem) -> GUID {
        guard let id = GUID(text) else {
            throw Problem("InvalidPrincipalId", shown: "'\(PrintableText.of(text, limit: 64))' is not a GUID.")
        }
        return id
    }

    // `/subscriptions/{sub}/providers/Microsoft.Authorization/roleDefinitions/{guid}`, with any scope or none in front.
    static func roleIdentifier(_ text: String) throws(Problem) -> GUID {
        guard
            let provider = ResourcePath(text)?.provider,
            provider.namespace.lowercased() == "microsoft.authorization",
            provider.rest.count == 2, provider.rest[0].lowercased() == "roledefinitions",
            let id = GUID(provider.rest[1])
        else {
            throw Problem(
                "InvalidRoleDefinitionId",
                shown: "The role definition ID '\(PrintableText.of(text))' is not valid: it ends in "
                    + "/providers/\(RoleDefinition.type)/{GUID}."
            )
        }
        return id
    }
}

extension PrincipalType {
    fileprivate var isOfDirectory: Bool { self == .user || self == .group || self == .servicePrincipal }
}

extension RoleAssignmentFilter {
    // Two conditions on the principal must both hold.
    fileprivate mutating func narrow(to principals: Set<GUID>) {
        self.principals = self.principals?.intersection(principals) ?? principals
    }
}
