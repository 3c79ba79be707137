import Storage
public import Vocabulary

extension Directory {
    /// The identity of a resource, made when it has none.
    @discardableResult
    public func putManagedIdentity(
        for resource: ResourcePath,
        by author: Author = .system
    ) async throws -> ServicePrincipal {
        let fresh = ServicePrincipalPlan.Fresh(self.random)
        return try await self.commit { transaction in
            if let present = try Self.managedIdentity(for: resource, in: transaction) { return Effect(present) }
            let now = self.clock.now
            let principal = try ServicePrincipalPlan.store(
                ServicePrincipal(
                    id: fresh.id,
                    appID: fresh.appID,
                    displayName: resource.name,
                    names: [fresh.appID.description],
                    kind: .managedIdentity,
                    accountEnabled: true,
                    resource: resource,
                    tokensValidFrom: Instant(seconds: now.seconds),
                    unixID: 0,
                    createdAt: now
                ),
                isNew: true,
                in: transaction
            )
            return Effect(
                principal,
                changes: [.servicePrincipal(principal.id)],
                events: [
                    self.event(
                        "managedIdentity.create",
                        principal.id.description,
                        by: author,
                        details: ["resource": resource.description]
                    )
                ]
            )
        }
    }

    /// Takes a resource's identity away, and with it everything that the identity could do; returns false when it had none.
    @discardableResult
    public func removeManagedIdentity(for resource: ResourcePath, by author: Author = .system) async throws -> Bool {
        guard let present = try await self.managedIdentity(for: resource) else { return false }
        return try await self.delete(present.id, by: author) != nil
    }

    /// The identity of a resource, if it has one.
    public func managedIdentity(for resource: ResourcePath) async throws -> ServicePrincipal? {
        try await self.database.read { try Self.managedIdentity(for: resource, in: $0) }
    }

    private static func managedIdentity(for resource: ResourcePath, in reader: any Reader) throws -> ServicePrincipal? {
        try reader.row("SELECT * FROM identity_service_principal WHERE resource_key = \(resource)")
            .map { try ServicePrincipal(row: $0) }
    }
}
