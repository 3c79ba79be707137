import Hummingbird
import HTTPTypes
import Identity
import Vocabulary

extension GraphRoutes {
    func users(_ request: GraphRequest, _ reader: GraphReader) async throws(Problem) -> JSONValue {
        try await reader.requireAll()
        let query = try Self.query(request)
        let page = try await Problem.hiding { try await self.directory.users(query) }
        return try self.list("users", page.values.map { GraphDocument.shape(of: $0) }, next: page.next, request)
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
            var document = try GraphDocument.shape(of: user).document(request.select)
            document["@odata.context"] = .string("\(self.base)/v1.0/$metadata#users/$entity")
            return document
        case (.get, "memberof", 1):
            return try await self.groups(containing: user.id, directly: true, request)
        case (.get, "transitivememberof", 1):
            return try await self.groups(containing: user.id, directly: false, request)
        case (.post, "getmembergroups", 1):
            let groups = try await Problem.hiding { try await self.directory.groups(of: user.id) }
            return ["value": .array(groups.sorted().map { .string($0.description) })]
        case (.patch, nil, _):
            try await self.change(user, request, reader)
            return .null
        case (.post, "revokesigninsessions", 1):
            if !isSelf { try await reader.requireAdministration() }
            try await Problem.hiding {
                try await self.directory.revokeSessions(user.id, by: Author(reader.subject))
            }
            return ["@odata.context": .string("\(self.base)/v1.0/$metadata#Edm.Boolean"), "value": true]
        default:
            throw .unknownSegment(request)
        }
    }

    /// Switches an account off or on; nothing else of a user can be changed here. Source: Microsoft Graph, update user.
    private func change(_ user: User, _ request: GraphRequest, _ reader: GraphReader) async throws(Problem) {
        try await reader.requireAdministration()
        let members = request.body?.object ?? [:]
        guard members.keys.allSatisfy({ $0 == "accountEnabled" }), let isEnabled = members["accountEnabled"]?.bool
        else {
            throw .badRequest(
                "Only 'accountEnabled' can be changed here; use 'sallyport apply' on the server for the rest."
            )
        }
        _ = try await Problem.hiding {
            try await self.directory.setEnabled(
                user.id,
                isEnabled,
                by: Author(reader.subject)
            )
        }
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
