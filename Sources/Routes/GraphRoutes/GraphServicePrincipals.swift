import HTTPTypes
import Identity
import Vocabulary

extension GraphRoutes {
    func servicePrincipals(_ request: GraphRequest, _ reader: GraphReader) async throws(Problem) -> JSONValue {
        try await reader.requireAll()
        let filter = try GraphFilter.conditions(request.filter)
        let query = DirectoryQuery(filter.first, limit: request.limit, after: request.after)
        let page = try await Problem.hiding { try await self.directory.servicePrincipals(query) }
        let credentials = try await Problem.hiding {
            try await self.directory.credentials(of: page.values.map(\.id))
        }
        let shapes = page.values.map { GraphDocument.shape(of: $0, credentials: credentials[$0.id] ?? []) }
        return try self.list("servicePrincipals", filter.rest(shapes), next: page.next, request)
    }

    /// One service principal: `servicePrincipals/{id}` or `servicePrincipals(appId='…')`, its groups, its credentials.
    func servicePrincipal(
        _ name: String,
        _ rest: [String],
        _ request: GraphRequest,
        _ reader: GraphReader
    ) async throws(Problem) -> JSONValue {
        let appID = name.lowercased().hasPrefix("appid=") ? GUID(name.dropFirst("appid=".count)) : nil
        try await reader.require(GUID(name) == reader.subject.id)
        let found = try await Problem.hiding {
            if let appID { return try await self.directory.servicePrincipal(appID: appID) }
            guard let id = GUID(name) else { return ServicePrincipal?.none }
            return try await self.directory.servicePrincipal(id)
        }
        guard let found else { throw .unknownObject(name) }
        switch (request.method, rest.first?.lowercased(), rest.count) {
        case (.get, nil, _):
            let credentials = try await Problem.hiding { try await self.directory.credentials(of: found.id) }
            return try GraphDocument.shape(of: found, credentials: credentials).document(request.select)
        case (.get, "memberof", 1):
            return try await self.groups(containing: found.id, directly: true, request)
        case (.get, "owners", 1):
            // What owners may do hangs on the application's registration.
            return try self.list([Principal](), request)
        case (.post, "getmembergroups", 1):
            return try await self.memberGroups(of: found.id, request, among: false)
        case (.post, "addpassword", 1):
            try await self.requireCredentials(of: found.id, appID: found.appID, reader)
            return try await self.addPassword(to: found.id, request, reader)
        case (.post, "removepassword", 1):
            try await self.requireCredentials(of: found.id, appID: found.appID, reader)
            try await self.removePassword(from: found.id, request, reader)
        case (.patch, nil, _):
            try await self.change(found, request, reader)
        case (.delete, nil, _):
            try await reader.requireApplicationAdministration()
            try await reader.requirePower(over: found.id)
            guard found.kind == .application else {
                throw .badRequest("A managed identity belongs to its resource and is removed with it.")
            }
            _ = try await Problem.hiding { try await self.directory.delete(found.id, by: reader.author) }
        default:
            throw .unknownSegment(request)
        }
        return .null
    }

    /// Makes the service principal of a registered application. Source: Microsoft Graph, "Create servicePrincipal".
    func createServicePrincipal(_ request: GraphRequest, _ reader: GraphReader) async throws(Problem) -> JSONValue {
        try await reader.requireApplicationAdministration()
        let body = try GraphBody(request.body, ["accountEnabled", "appId"])
        let text = try body.requiredText("appId")
        let registration = try await Problem.hiding { () -> AppRegistration? in
            guard let appID = GUID(text) else { return nil }
            return try await self.directory.registration(appID: appID)
        }
        guard let registration else {
            throw .badRequest(
                "The appId '\(PrintableText.of(text, limit: 64))' of the service principal does not reference a valid "
                    + "application object."
            )
        }
        let draft = ServicePrincipalDraft(
            id: GUID(from: self.random),
            appID: registration.appID,
            displayName: registration.displayName,
            names: registration.identifierURIs,
            accountEnabled: try body.flag("accountEnabled")
        )
        let made = try await Problem.hiding {
            try await self.directory.put(servicePrincipal: draft, by: reader.author)
        }
        let shape = GraphDocument.shape(of: made.value, credentials: [])
        return try self.document(of: shape, "servicePrincipals", request)
    }

    private func change(_ old: ServicePrincipal, _ request: GraphRequest, _ reader: GraphReader) async throws(Problem) {
        let body = try GraphBody(request.body, ["accountEnabled", "keyCredentials"])
        if body.names == ["keyCredentials"] {
            try await self.requireCredentials(of: old.id, appID: old.appID, reader)
        } else {
            try await reader.requireApplicationAdministration()
            try await reader.requirePower(over: old.id)
        }
        let keys = try GraphKeys(body)
        if let isEnabled = try body.flag("accountEnabled") {
            _ = try await Problem.hiding {
                try await self.directory.setEnabled(old.id, isEnabled, by: reader.author)
            }
        }
        try await self.write(keys, of: old.id, reader)
    }
}
