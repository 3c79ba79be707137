import Hummingbird
import HTTPTypes
import Identity
import Vocabulary

extension GraphRoutes {
    func users(_ request: GraphRequest, _ reader: GraphReader) async throws(Problem) -> JSONValue {
        try await reader.requireAll()
        let filter = try GraphFilter.conditions(request.filter)
        let query = DirectoryQuery(filter.first, limit: request.limit, after: request.after)
        let page = try await Problem.hiding { try await self.directory.users(query) }
        let shapes = filter.rest(page.values.map { GraphDocument.shape(of: $0) })
        return try self.list("users", shapes, next: page.next, request)
    }

    /// One user and what belongs to them: `users/{id or name}`, `…/memberOf`, `…/transitiveMemberOf`,
    /// `…/getMemberGroups`.
    func person(
        _ name: String,
        _ rest: [String],
        _ request: GraphRequest,
        _ reader: GraphReader
    ) async throws(Problem) -> JSONValue {
        let isSelf = reader.isSelf(name)
        try await reader.require(isSelf)
        let user = try await Problem.hiding { try await self.directory.user(named: name) }
        guard let user else {
            // Programs have no person behind them: Graph answers their `/me` with 400.
            throw isSelf
                ? .badRequest("/me request is only valid with delegated authentication flow.") : .unknownObject(name)
        }
        switch (request.method, rest.first?.lowercased(), rest.count) {
        case (.get, nil, _):
            return try self.document(of: GraphDocument.shape(of: user), "users", request)
        case (.get, "memberof", 1):
            return try await self.groups(containing: user.id, directly: true, request)
        case (.get, "transitivememberof", 1):
            return try await self.groups(containing: user.id, directly: false, request)
        case (.post, "getmembergroups", 1):
            return try await self.memberGroups(of: user.id, request, among: false)
        case (.patch, nil, _):
            try await self.change(user, request, reader)
            return .null
        case (.delete, nil, _):
            try await self.delete(user, reader)
            return .null
        case (.get, "ownedobjects", 1):
            return try await self.ownedObjects(of: user.id, request)
        case (.post, "revokesigninsessions", 1):
            if !isSelf { try await reader.requireUserAdministration() }
            try await Problem.hiding {
                try await self.directory.revokeSessions(user.id, by: reader.author)
            }
            return ["@odata.context": .string("\(self.base)/v1.0/$metadata#Edm.Boolean"), "value": true]
        default:
            throw .unknownSegment(request)
        }
    }

    /// The applications that somebody owns.
    private func ownedObjects(of id: GUID, _ request: GraphRequest) async throws(Problem) -> JSONValue {
        let owned = try await Problem.hiding { try await self.directory.registrations(ownedBy: id) }
        var shapes: [GraphDocument.Shape] = []
        for registration in owned {
            shapes.append(try await self.shape(of: registration))
        }
        return try self.list("directoryObjects", shapes, next: nil, request, typed: true)
    }

    func groups(
        containing id: GUID,
        directly: Bool,
        _ request: GraphRequest
    ) async throws(Problem) -> JSONValue {
        let groups = try await Problem.hiding {
            directly
                ? try await self.directory.directGroups(of: id).map(Principal.group)
                : try await self.directory.principals(Array(try await self.directory.groups(of: id)))
        }
        return try self.list(groups, request)
    }
}
