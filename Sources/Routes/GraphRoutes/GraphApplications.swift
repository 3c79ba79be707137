import HTTPTypes
import Identity
import Vocabulary

extension GraphRoutes {
    /// Registered applications. Source: Microsoft Graph, "List applications".
    func applications(_ request: GraphRequest, _ reader: GraphReader) async throws(Problem) -> JSONValue {
        try await reader.requireAll()
        let filter = try GraphFilter.conditions(request.filter)
        let query = DirectoryQuery(filter.first, limit: request.limit, after: request.after)
        let page = try await Problem.hiding { try await self.directory.registrations(query) }
        var shapes: [GraphDocument.Shape] = []
        for registration in page.values {
            shapes.append(try await self.shape(of: registration))
        }
        return try self.list("applications", filter.rest(shapes), next: page.next, request)
    }

    /// One registered application, by object id or as `applications(appId='…')`: shown, changed, removed, its
    /// credentials and its owners.
    func application(
        _ name: String,
        _ rest: [String],
        _ request: GraphRequest,
        _ reader: GraphReader
    ) async throws(Problem) -> JSONValue {
        try await reader.requireAll()
        let found = try await self.registration(name)
        switch (request.method, rest.first?.lowercased(), rest.last?.lowercased(), rest.count) {
        case (.get, nil, _, _):
            return try self.document(of: try await self.shape(of: found), "applications", request)
        case (.patch, nil, _, _):
            try await self.change(found, request, reader)
        case (.delete, nil, _, _):
            try await reader.requireApplicationAdministration()
            try await self.requirePower(overApp: found.appID, reader)
            _ = try await Problem.hiding { try await self.directory.deleteRegistration(found.id, by: reader.author) }
        case (.post, "addpassword", _, 1):
            try await self.requireCredentials(of: found.id, appID: found.appID, reader)
            return try await self.addPassword(to: found.id, request, reader)
        case (.post, "removepassword", _, 1):
            try await self.requireCredentials(of: found.id, appID: found.appID, reader)
            try await self.removePassword(from: found.id, request, reader)
        case (.get, "owners", _, 1):
            let owners = try await Problem.hiding { try await self.directory.owners(of: found.id) }
            return try self.list(owners, request)
        case (.post, "owners", "$ref", 2):
            try await reader.requireApplicationAdministration()
            try await self.requirePower(overApp: found.appID, reader)
            let owner = try Self.reference(request)
            let isNew = try await Problem.hiding {
                try await self.directory.add(owner: owner, to: found.id, by: reader.author)
            }
            guard isNew else { throw Self.alreadyThere("owners") }
        case (.delete, "owners", "$ref", 3):
            try await reader.requireApplicationAdministration()
            let wasThere = try await Problem.hiding {
                guard let owner = GUID(rest[1]) else { return false }
                return try await self.directory.remove(owner: owner, from: found.id, by: reader.author)
            }
            guard wasThere else { throw .unknownObject(rest[1]) }
        default:
            throw .unknownSegment(request)
        }
        return .null
    }

    private func registration(_ name: String) async throws(Problem) -> AppRegistration {
        let found = try await Problem.hiding { () -> AppRegistration? in
            if name.lowercased().hasPrefix("appid=") {
                guard let appID = GUID(name.dropFirst("appid=".count)) else { return nil }
                return try await self.directory.registration(appID: appID)
            }
            guard let id = GUID(name) else { return nil }
            return try await self.directory.registration(id)
        }
        guard let found else { throw .unknownObject(name) }
        return found
    }

    func shape(of registration: AppRegistration) async throws(Problem) -> GraphDocument.Shape {
        try await Problem.hiding {
            GraphDocument.shape(
                of: registration,
                client: try await self.directory.application(registration.appID),
                credentials: try await self.directory.credentials(of: registration.id)
            )
        }
    }

    private static let properties: Set<String> = [
        "displayName", "identifierUris", "isFallbackPublicClient", "keyCredentials", "publicClient", "signInAudience",
        "web",
    ]

    /// Registers an application. Source: Microsoft Graph, "Create application".
    func createApplication(_ request: GraphRequest, _ reader: GraphReader) async throws(Problem) -> JSONValue {
        try await reader.requireApplicationAdministration()
        let body = try GraphBody(request.body, Self.properties)
        let redirects = try Redirects(body)
        let keys = try GraphKeys(body)
        let draft = AppRegistrationDraft(
            displayName: try body.requiredText("displayName"),
            identifierURIs: try body.texts("identifierUris")
        )
        try redirects.check()
        let made = try await Problem.hiding { try await self.directory.put(registration: draft, by: reader.author) }
        try await self.write(redirects, of: made.value, reader)
        try await self.write(keys, of: made.value.id, reader)
        return try self.document(of: try await self.shape(of: made.value), "applications", request)
    }

    /// Changes an application; its service principal gets the new names too. Source: Microsoft Graph, "Update
    /// application".
    private func change(_ old: AppRegistration, _ request: GraphRequest, _ reader: GraphReader) async throws(Problem) {
        let body = try GraphBody(request.body, Self.properties)
        if body.names == ["keyCredentials"] {
            try await self.requireCredentials(of: old.id, appID: old.appID, reader)
        } else {
            try await reader.requireApplicationAdministration()
            try await self.requirePower(overApp: old.appID, reader)
        }
        let redirects = try Redirects(body)
        let keys = try GraphKeys(body)
        let draft = AppRegistrationDraft(
            id: old.id,
            displayName: try body.text("displayName") ?? old.displayName,
            identifierURIs: try body.texts("identifierUris")
        )
        try redirects.check()
        let new = try await Problem.hiding { try await self.directory.put(registration: draft, by: reader.author) }
        if new.isChange {
            try await Problem.hiding {
                guard let principal = try await self.directory.servicePrincipal(appID: old.appID) else { return }
                try await self.directory.put(
                    servicePrincipal: ServicePrincipalDraft(
                        id: principal.id,
                        displayName: new.value.displayName,
                        names: new.value.identifierURIs
                    ),
                    by: reader.author
                )
            }
        }
        try await self.write(redirects, of: new.value, reader)
        try await self.write(keys, of: old.id, reader)
    }

    /// Where answers to people's sign-ins may go; nil for what is not said.
    private struct Redirects {
        let uris: [String]?
        let isPublic: Bool?

        init(_ body: GraphBody) throws(Problem) {
            try body.require("signInAudience", "AzureADMyOrg")
            let web = try body.object("web", ["homePageUrl", "implicitGrantSettings", "redirectUris"])
            try web?.require("homePageUrl")
            let implicit = try web?.object(
                "implicitGrantSettings",
                ["enableAccessTokenIssuance", "enableIdTokenIssuance"]
            )
            try implicit?.require("enableAccessTokenIssuance", false)
            try implicit?.require("enableIdTokenIssuance", false)
            let ofWeb = try web?.texts("redirectUris")
            let ofPrograms = try body.object("publicClient", ["redirectUris"])?.texts("redirectUris")
            guard ofWeb?.isEmpty ?? true || ofPrograms?.isEmpty ?? true else {
                throw .badRequest("Redirect URIs are either 'web' or 'publicClient' ones.")
            }
            self.uris = ofPrograms?.isEmpty == false ? ofPrograms : ofWeb ?? ofPrograms
            let isFallback = try body.flag("isFallbackPublicClient")
            self.isPublic = isFallback ?? (self.uris.map { _ in ofPrograms?.isEmpty == false })
        }

        func check() throws(Problem) {
            guard (self.uris ?? []).count <= 256 else { throw .badRequest("There are too many redirect URIs.") }
        }
    }

    private func write(
        _ redirects: Redirects,
        of registration: AppRegistration,
        _ reader: GraphReader
    ) async throws(Problem) {
        guard redirects.uris != nil || redirects.isPublic != nil else { return }
        try await Problem.hiding {
            let old = try await self.directory.application(registration.appID)
            try await self.directory.put(
                application: ClientApplication(
                    appID: registration.appID,
                    displayName: registration.displayName,
                    redirectURIs: redirects.uris ?? old?.redirectURIs ?? [],
                    isPublic: redirects.isPublic ?? old?.isPublic ?? false
                ),
                by: reader.author
            )
        }
    }
}
