import Storage
public import Vocabulary

extension Directory {
    /// Who owns a registered application, and may renew its credentials.
    public func owners(of object: GUID) async throws -> [Principal] {
        try await self.database.read { reader in
            let ids = try reader.rows("SELECT owner_id FROM identity_owner WHERE object_id = \(object)")
            return try Self.principals(try ids.map { try $0.guid("owner_id") }, in: reader)
        }
    }

    /// The applications that somebody owns, by identifier.
    public func registrations(ownedBy owner: GUID) async throws -> [AppRegistration] {
        try await self.database.read { reader in
            try reader.rows(
                """
                SELECT identity_registration.* FROM identity_owner
                JOIN identity_registration ON identity_registration.id = identity_owner.object_id
                WHERE identity_owner.owner_id = \(owner)
                ORDER BY identity_registration.id
                """
            ).map { try AppRegistration(row: $0) }
        }
    }

    /// Adds an owner to an application, a user or a service principal; returns false when it was one already.
    ///
    /// Throws `Request_ResourceNotFound` for an application or an owner that does not exist.
    @discardableResult
    public func add(owner: GUID, to object: GUID, by author: Author = .system) async throws -> Bool {
        try await self.commit { transaction in
            guard try Self.registration(object, in: transaction) != nil else {
                throw Problem.notFound(object.description)
            }
            switch try Self.principal(owner, in: transaction) {
            case .user, .servicePrincipal: break
            case .group, nil: throw Problem.notFound(owner.description)
            }
            let count = try transaction.run(
                """
                INSERT INTO identity_owner (object_id, owner_id) VALUES (\(object), \(owner))
                ON CONFLICT (object_id, owner_id) DO NOTHING
                """
            )
            let details = ["owner": owner.description]
            let event = self.event("owner.add", object.description, by: author, details: details)
            return Effect(count > 0, events: count > 0 ? [event] : [])
        }
    }

    /// Takes an owner away from an application; returns false when it was none.
    @discardableResult
    public func remove(owner: GUID, from object: GUID, by author: Author = .system) async throws -> Bool {
        try await self.commit { transaction in
            let count = try transaction.run(
                "DELETE FROM identity_owner WHERE object_id = \(object) AND owner_id = \(owner)"
            )
            let details = ["owner": owner.description]
            let event = self.event("owner.remove", object.description, by: author, details: details)
            return Effect(count > 0, events: count > 0 ? [event] : [])
        }
    }
}
