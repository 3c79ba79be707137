import Passwords
import Storage
public import Vocabulary

extension Directory {
    /// The service principal with this object id.
    public func servicePrincipal(_ id: GUID) async throws -> ServicePrincipal? {
        try await self.database.read { reader in
            try reader.row("SELECT * FROM identity_service_principal WHERE id = \(id)").map {
                try ServicePrincipal(row: $0)
            }
        }
    }

    /// The service principal of an application.
    public func servicePrincipal(appID: GUID) async throws -> ServicePrincipal? {
        try await self.database.read { try Self.servicePrincipal(appID: appID, in: $0) }
    }

    /// The service principal with this name among its names (the application id is one), with this object id, or, if only one has it, with this
    /// display name.
    public func servicePrincipal(named name: String) async throws -> ServicePrincipal? {
        try await self.database.read { try Self.servicePrincipal(named: name, in: $0) }
    }

    /// Service principals by display name. Throws `Request_UnsupportedQuery` for a property that they do not have.
    public func servicePrincipals(_ query: DirectoryQuery) async throws -> Page<ServicePrincipal> {
        let statement = try Self.servicePrincipalStatement(query, after: try Cursor(query.after))
        let rows = try await self.database.read { try $0.rows(statement) }
        return try Page(rows: rows, query: query) { try ServicePrincipal(row: $0) }
    }

    static func servicePrincipalStatement(_ query: DirectoryQuery, after cursor: Cursor) throws(Problem) -> Statement {
        let low = query.condition?.low ?? ""
        let high = query.condition?.high ?? ""
        let condition: Statement? =
            switch query.condition?.property {
            case nil: nil
            case .id: "id >= \(low) AND id <= \(high)"
            case .displayName: "display_key >= \(low) AND display_key <= \(high)"
            case .appID: "app_id >= \(low) AND app_id <= \(high)"
            case .servicePrincipalName:
                """
                id IN (
                    SELECT owner FROM identity_service_principal_name WHERE name_key >= \(low) AND name_key <= \(high)
                )
                """
            case .some(let other): throw .unsupported(other, "service principals")
            }
        return query.statement("SELECT * FROM identity_service_principal", where: condition, after: cursor)
    }

    static func servicePrincipal(appID: GUID, in reader: any Reader) throws -> ServicePrincipal? {
        try reader.row("SELECT * FROM identity_service_principal WHERE app_id = \(appID)")
            .map { try ServicePrincipal(row: $0) }
    }

    static func servicePrincipal(named name: String, in reader: any Reader) throws -> ServicePrincipal? {
        let key = name.lowercased()
        let byName = try reader.row(
            """
            SELECT identity_service_principal.* FROM identity_service_principal_name
            JOIN identity_service_principal ON identity_service_principal.id = identity_service_principal_name.owner
            WHERE identity_service_principal_name.name_key = \(key)
            """
        )
        if let byName { return try ServicePrincipal(row: byName) }
        if let id = GUID(name) {
            return try reader.row("SELECT * FROM identity_service_principal WHERE id = \(id)")
                .map { try ServicePrincipal(row: $0) }
        }
        let same = try reader.rows(
            "SELECT * FROM identity_service_principal WHERE display_key = \(Name.key(name)) LIMIT 2"
        )
        // Names to show are anybody's choice: one that two have names neither.
        return same.count == 1 ? try same.first.map { try ServicePrincipal(row: $0) } : nil
    }

    /// Brings a service principal into the wanted state: adds it, changes what differs, or does nothing.
    ///
    /// Found by object id, else by application id, else by display name among applications. `secret` and `certificate` (DER) are each what it is
    /// to have: other secrets, or other certificates, then stop working. Throws `Problem` for what cannot be.
    @discardableResult
    public func put(
        servicePrincipal draft: ServicePrincipalDraft,
        secret: Secret<[UInt8]>? = nil,
        certificate: [UInt8]? = nil,
        dryRun: Bool = false,
        by author: Author = .system
    ) async throws -> PutOutcome<ServicePrincipal> {
        guard Name.isDisplayable(draft.displayName), (draft.names ?? []).allSatisfy(Name.isDisplayable) else {
            throw Problem.badRequest("Names need 1 to 256 printable characters.")
        }
        let hash = try await self.newHash(secret, for: draft)
        let spare = ServicePrincipalPlan.Fresh(self.random)
        return try await self.commit(dryRun: dryRun) { transaction in
            let plan = try ServicePrincipalPlan(draft, fresh: spare, now: self.clock.now, in: transaction)
            let outcome = try plan.write(hash: hash, certificate: certificate, in: transaction)
            guard outcome.isChange else { return Effect(outcome) }
            return Effect(
                outcome,
                changes: [.servicePrincipal(outcome.value.id)],
                events: [
                    self.event(
                        outcome.isNew ? "servicePrincipal.create" : "servicePrincipal.update",
                        outcome.value.id.description,
                        by: author,
                        details: [
                            "displayName": draft.displayName, "appId": outcome.value.appID.description,
                            "changed": outcome.changed.joined(separator: ", "),
                        ]
                    )
                ]
            )
        }
    }

    /// The hash of a secret to store, or nil when there is none or it is the only present one.
    private func newHash(_ secret: Secret<[UInt8]>?, for draft: ServicePrincipalDraft) async throws -> String? {
        guard let secret else { return nil }
        guard secret.withValue({ $0.count >= 16 && $0.count <= 1024 }) else {
            throw Problem.badRequest("A secret needs 16 to 1024 characters.")
        }
        let present = try await self.database.read { reader in
            guard let old = try ServicePrincipalPlan.old(draft, in: reader) else { return [String]() }
            let owners = try Self.credentialOwners(appID: old.appID, in: reader)
            return try Self.secretHashes(of: owners, at: nil, in: reader)
        }
        if present.count == 1, try await self.passwords.verify(secret, against: present[0]) { return nil }
        return try await self.passwords.hash(secret)
    }
}
