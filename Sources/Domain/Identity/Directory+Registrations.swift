import Storage
public import Vocabulary

extension Directory {
    /// The registered application with this object id.
    public func registration(_ id: GUID) async throws -> AppRegistration? {
        try await self.database.read { try Self.registration(id, in: $0) }
    }

    /// The registered application with this application id.
    public func registration(appID: GUID) async throws -> AppRegistration? {
        try await self.database.read { try Self.registration(appID: appID, in: $0) }
    }

    private static func registration(appID: GUID, in reader: any Reader) throws -> AppRegistration? {
        try reader.row("SELECT * FROM identity_registration WHERE app_id = \(appID)").map {
            try AppRegistration(row: $0)
        }
    }

    /// Registered applications by display name. Throws `Request_UnsupportedQuery` for a property that they do not have.
    public func registrations(_ query: DirectoryQuery) async throws -> Page<AppRegistration> {
        let statement = try Self.registrationStatement(query, after: try Cursor(query.after))
        let rows = try await self.database.read { try $0.rows(statement) }
        return try Page(rows: rows, query: query) { try AppRegistration(row: $0) }
    }

    static func registrationStatement(_ query: DirectoryQuery, after cursor: Cursor) throws(Problem) -> Statement {
        let low = query.condition?.low ?? ""
        let high = query.condition?.high ?? ""
        let condition: Statement? =
            switch query.condition?.property {
            case nil: nil
            case .id: "id >= \(low) AND id <= \(high)"
            case .displayName: "display_key >= \(low) AND display_key <= \(high)"
            case .appID: "app_id >= \(low) AND app_id <= \(high)"
            case .identifierURI:
                """
                id IN (
                    SELECT owner FROM identity_registration_uri WHERE name_key >= \(low) AND name_key <= \(high)
                )
                """
            case .some(let other): throw .unsupported(other, "applications")
            }
        return query.statement("SELECT * FROM identity_registration", where: condition, after: cursor)
    }

    static func registration(_ id: GUID, in reader: any Reader) throws -> AppRegistration? {
        try reader.row("SELECT * FROM identity_registration WHERE id = \(id)").map { try AppRegistration(row: $0) }
    }

    /// Registers an application, changes one, or does nothing. Whoever registers one becomes its owner.
    ///
    /// Throws `Request_ResourceNotFound` for an id that nothing has, `Problem` for names that cannot be or are taken.
    @discardableResult
    public func put(
        registration draft: AppRegistrationDraft,
        by author: Author = .system
    ) async throws -> PutOutcome<AppRegistration> {
        guard Name.isDisplayable(draft.displayName) else {
            throw Problem.badRequest("The application's name needs 1 to 256 printable characters.")
        }
        let uris = draft.identifierURIs.map { Self.unique($0) }
        guard (uris ?? []).allSatisfy(Self.isIdentifierURI), (uris ?? []).count <= Self.mostURIs else {
            throw Problem.badRequest("Identifier URIs are absolute, of at most 255 ASCII characters: api://my-program.")
        }
        let fresh = (id: GUID(from: self.random), appID: GUID(from: self.random))
        return try await self.commit { transaction in
            let old =
                if let id = draft.id {
                    try Self.registration(id, in: transaction)
                } else {
                    try draft.appID.flatMap { try Self.registration(appID: $0, in: transaction) }
                }
            if let id = draft.id, old == nil { throw Problem.notFound(id.description) }
            let new = AppRegistration(
                id: old?.id ?? fresh.id,
                appID: old?.appID ?? draft.appID ?? fresh.appID,
                displayName: draft.displayName,
                identifierURIs: uris ?? old?.identifierURIs ?? [],
                createdAt: old?.createdAt ?? self.clock.now
            )
            var changed: [String] = []
            if old?.displayName != new.displayName { changed.append("displayName") }
            if (old?.identifierURIs ?? []) != new.identifierURIs { changed.append("identifierUris") }
            guard !changed.isEmpty else { return Effect(PutOutcome(value: new, isNew: false, changed: [])) }
            try Self.store(new, in: transaction)
            if old == nil, let owner = author.id {
                try transaction.run("INSERT INTO identity_owner (object_id, owner_id) VALUES (\(new.id), \(owner))")
            }
            let event = self.event(
                old == nil ? "registration.create" : "registration.update",
                new.id.description,
                by: author,
                details: [
                    "displayName": new.displayName, "appId": new.appID.description,
                    "changed": changed.joined(separator: ", "),
                ]
            )
            return Effect(PutOutcome(value: new, isNew: old == nil, changed: changed), events: [event])
        }
    }

    /// Removes a registered application with its credentials, its service principal, and its redirect URIs. Returns
    /// what it was, nil when there is nothing with this id.
    @discardableResult
    public func deleteRegistration(_ id: GUID, by author: Author = .system) async throws -> AppRegistration? {
        try await self.commit { transaction in
            guard let old = try Self.registration(id, in: transaction) else { return Effect(nil) }
            let principal = try Self.servicePrincipal(appID: old.appID, in: transaction)
            if let principal {
                try Self.checkSpared(principal.id, by: author, "deleted", in: transaction)
                try Self.erase(principal.id, in: transaction)
            }
            try transaction.run("DELETE FROM identity_registration WHERE id = \(id)")
            try transaction.run("DELETE FROM identity_registration_uri WHERE owner = \(id)")
            try transaction.run("DELETE FROM identity_credential WHERE owner = \(id)")
            try transaction.run("DELETE FROM identity_owner WHERE object_id = \(id)")
            try transaction.run("DELETE FROM identity_application WHERE app_id = \(old.appID)")
            let details = ["displayName": old.displayName, "appId": old.appID.description]
            var events = [self.event("registration.delete", id.description, by: author, details: details)]
            if let principal {
                events.append(
                    self.event("servicePrincipal.delete", principal.id.description, by: author, details: details)
                )
            }
            return Effect(old, changes: principal.map { [.servicePrincipal($0.id)] } ?? [], events: events)
        }
    }

    private static let mostURIs = 50

    private static func unique(_ names: [String]) -> [String] {
        var known: Set<String> = []
        return names.filter { known.insert($0.lowercased()).inserted }
    }

    // The names end up among those by which roles are assigned: nothing that could pass for an id or a user name.
    private static func isIdentifierURI(_ text: String) -> Bool {
        guard text.utf8.count <= 255, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return false }
        guard let colon = text.firstIndex(of: ":"), !text.contains(where: { "@#*\\\"'<>".contains($0) }) else {
            return false
        }
        let rest = text[colon...].dropFirst()
        return switch text[..<colon].lowercased() {
        case "urn": !rest.isEmpty
        case "api", "https", "http": rest.hasPrefix("//") && rest.count > 2
        default: false
        }
    }

    private static func store(_ registration: AppRegistration, in transaction: any Transaction) throws {
        let id = registration.id
        let own = try Self.servicePrincipal(appID: registration.appID, in: transaction)?.id
        for uri in registration.identifierURIs {
            let key = uri.lowercased()
            let holder = try transaction.row("SELECT owner FROM identity_registration_uri WHERE name_key = \(key)")
            let principal = try transaction.row(
                "SELECT owner FROM identity_service_principal_name WHERE name_key = \(key)"
            )
            guard
                try holder?.guid("owner") ?? id == id, try principal?.guid("owner") == own || principal == nil
            else { throw Problem.taken("identifierUris") }
        }
        try transaction.run(
            """
            INSERT INTO identity_registration (id, app_id, display_name, display_key, uris, created_at)
            VALUES (
                \(id), \(registration.appID), \(registration.displayName), \(Name.key(registration.displayName)),
                \(JSONValue.array(registration.identifierURIs.map { .string($0) })), \(registration.createdAt)
            )
            ON CONFLICT (id) DO UPDATE SET
                display_name = excluded.display_name, display_key = excluded.display_key, uris = excluded.uris
            """
        )
        try transaction.run("DELETE FROM identity_registration_uri WHERE owner = \(id)")
        for uri in registration.identifierURIs {
            try transaction.run(
                "INSERT INTO identity_registration_uri (name_key, owner) VALUES (\(uri.lowercased()), \(id))"
            )
        }
    }
}

extension AppRegistration {
    init(row: Row) throws {
        self.init(
            id: try row.guid("id"),
            appID: try row.guid("app_id"),
            displayName: try row.text("display_name"),
            identifierURIs: try row.json("uris").array?.compactMap(\.string) ?? [],
            createdAt: try row.instant("created_at")
        )
    }
}
