import AccessControl
import Vocabulary

extension AuthorizationRoutes {
    func listDefinitions(_ call: AuthorizationCall) throws(Problem) -> ARMResponse {
        try self.access.require(.read(RoleDefinition.type), at: call.scope, for: call.subject)
        var andBelow = false
        var roleName: String?
        var isCustom: Bool?
        for term in try AuthorizationFilter(call.request.filter).terms {
            switch term {
            case .function("atscopeandbelow", nil): andBelow = true
            case .function("atscope", nil): andBelow = false
            case .equals("rolename", let text): roleName = Self.fullName(of: text.lowercased())
            case .equals("type", let text):
                switch text.lowercased() {
                case "customrole": isCustom = true
                case "builtinrole": isCustom = false
                default: throw .invalidFilter("knows no type '\(PrintableText.of(text, limit: 64))'")
                }
            case .function(let name, _), .equals(let name, _):
                throw .invalidFilter("'\(name)' is not supported")
            }
        }
        let found = self.access.definitions(at: call.scope, andBelow: andBelow).filter { definition in
            (roleName == nil || definition.roleName.lowercased() == roleName)
                && (isCustom == nil || definition.isCustom == isCustom)
        }
        return .list(found.map { Self.document(of: $0, seenFrom: call.scope) })
    }

    func readDefinition(_ name: String, _ call: AuthorizationCall) throws(Problem) -> ARMResponse {
        // The built-in ones are the same everywhere and known to everybody; clients read them without a scope.
        if call.scope != .root {
            try self.access.require(.read(RoleDefinition.type), at: call.scope, for: call.subject)
        }
        guard
            let found = GUID(name).flatMap({ self.access.definition($0) }),
            !found.isCustom
                || found.assignableScopes.contains(where: {
                    self.access.covers($0, call.scope) || self.access.covers(call.scope, $0)
                })
        else { throw Self.noDefinition(name) }
        if call.scope == .root, found.isCustom {
            try self.access.require(.read(RoleDefinition.type), at: call.scope, for: call.subject)
        }
        return .ok(Self.document(of: found, seenFrom: call.scope))
    }

    func putDefinition(_ name: String, _ call: AuthorizationCall) async throws(Problem) -> ARMResponse {
        guard let name = GUID(name) else {
            throw Problem(
                "InvalidRoleDefinitionId",
                shown: "The role definition ID '\(PrintableText.of(name))' is not valid: it must be a GUID."
            )
        }
        // Older clients put the members beside each other instead of into `properties`.
        guard
            let properties = call.request.properties ?? call.request.body,
            let roleName = properties.member("roleName")?.string,
            let scopes = properties.member("assignableScopes")?.array
        else {
            throw Problem(
                "InvalidRoleDefinition",
                shown: "The request needs properties.roleName, properties.permissions and properties.assignableScopes."
            )
        }
        var draft = RoleDefinitionDraft(
            name: name,
            roleName: roleName,
            description: properties.member("description")?.string ?? "",
            permissions: [],
            assignableScopes: []
        )
        for permission in properties.member("permissions")?.array ?? [] {
            draft.permissions.append(try Self.permission(permission))
        }
        for scope in scopes {
            guard let path = scope.string.flatMap({ ResourcePath($0) }) else {
                throw Problem("InvalidRoleDefinition", shown: "An assignable scope cannot be read.")
            }
            draft.assignableScopes.append(path)
        }
        // Without rights there nobody learns which scopes exist: `put` refuses them.
        let mayWrite = draft.assignableScopes.allSatisfy {
            self.access.decide(.write(RoleDefinition.type), at: $0, for: call.subject).isAllowed
        }
        if mayWrite, let missing = draft.assignableScopes.first(where: { !self.exists($0) }) {
            throw Problem("ResourceNotFound", shown: "The assignable scope '\(missing)' was not found.")
        }
        let (made, _) = try await self.access.put(
            definition: draft,
            by: call.subject,
            correlation: call.correlation,
            source: call.source
        )
        // 201 for changes too: clients take nothing else here.
        return .put(Self.document(of: made, seenFrom: call.scope), created: true)
    }

    func deleteDefinition(_ name: String, _ call: AuthorizationCall) async throws(Problem) -> ARMResponse {
        try self.access.require(.delete(RoleDefinition.type), at: call.scope, for: call.subject)
        guard let name = GUID(name) else { return .noContent }
        let gone = try await self.access.removeDefinition(
            name,
            by: call.subject,
            correlation: call.correlation,
            source: call.source
        )
        return gone.map { .ok(Self.document(of: $0, seenFrom: call.scope)) } ?? .noContent
    }

    /// What the caller may do at the scope, as the permissions of the roles held there.
    func listPermissions(_ call: AuthorizationCall) -> ARMResponse {
        let held = self.access.assignments(
            at: call.scope,
            RoleAssignmentFilter(reach: .atAndAbove, principals: call.subject.groups.union([call.subject.id]))
        )
        let permissions = held.compactMap { self.access.definition($0.roleDefinition) }.flatMap(\.permissions)
        return .list(permissions.map(Self.document))
    }

    // The short name under which documentation and people know one role.
    private static func fullName(of name: String) -> String {
        name == "rbac administrator" ? "role based access control administrator" : name
    }

    static func permission(_ document: JSONValue) throws(Problem) -> Permission {
        func patterns(_ name: String) throws(Problem) -> [String] {
            guard let member = document.member(name), !member.isNull else { return [] }
            let texts = member.array?.compactMap(\.string)
            guard let texts, texts.count == member.array?.count, texts.count <= 2000 else {
                throw Problem("InvalidRoleDefinition", shown: "'\(name)' is a list of at most 2,000 actions.")
            }
            return texts
        }
        return Permission(
            actions: try patterns("actions"),
            notActions: try patterns("notActions"),
            dataActions: try patterns("dataActions"),
            notDataActions: try patterns("notDataActions"),
            condition: document.member("condition")?.string
        )
    }

    private static func noDefinition(_ name: String) -> Problem {
        Problem(
            "RoleDefinitionDoesNotExist",
            shown: "The specified role definition with ID '\(PrintableText.of(name))' does not exist."
        )
    }
}
