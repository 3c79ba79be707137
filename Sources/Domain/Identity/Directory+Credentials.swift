import Passwords
import Storage
public import Vocabulary

extension Directory {
    /// The certificates (DER) that a service principal may sign assertions with now; none for one that does not exist or is disabled.
    public func certificates(ofApp appID: GUID) async throws -> [[UInt8]] {
        let now = self.clock.now
        return try await self.database.read { reader in
            guard let owner = try Self.servicePrincipal(appID: appID, in: reader), owner.accountEnabled else {
                return []
            }
            return try Self.certificates(
                of: try Self.credentialOwners(appID: appID, in: reader),
                at: now,
                in: reader
            )
        }
    }

    /// The secrets and certificates of a service principal or application, without the secret parts, oldest first.
    public func credentials(of id: GUID) async throws -> [Credential] {
        try await self.credentials(of: [id])[id] ?? []
    }

    /// The same of many, by whose they are.
    public func credentials(of ids: [GUID]) async throws -> [GUID: [Credential]] {
        try await self.database.read { reader in
            let rows = try reader.rows(
                """
                SELECT id, owner, kind, display_name, created_at, expires_at FROM identity_credential
                WHERE owner IN (\(list: ids))
                ORDER BY created_at, id
                """
            )
            return try Dictionary(grouping: rows) { try $0.guid("owner") }
                .mapValues { try $0.map { try Credential(row: $0) } }
        }
    }

    /// Makes a further secret for a service principal or application; this is the only time that it can be seen.
    ///
    /// Throws `Request_ResourceNotFound` when there is no such thing, `Request_BadRequest` when it has too many.
    public func addSecret(
        to id: GUID,
        displayName: String = "",
        expiresAt: Instant? = nil,
        by author: Author = .system
    ) async throws -> (credential: Credential, secret: Secret<String>) {
        // Command lines would read a secret that begins with a hyphen as an option.
        let text = "s" + self.random.token(bytes: 32)
        let hash = try await self.passwords.hash(Secret(Array(text.utf8)))
        let credential = try await self.add(
            Credential(
                id: GUID(from: self.random),
                kind: .secret,
                displayName: PrintableText.of(displayName),
                createdAt: self.clock.now,
                expiresAt: expiresAt
            ),
            to: id,
            hash: hash,
            certificate: nil,
            by: author
        )
        return (credential, Secret(text))
    }

    /// Adds a certificate (DER) to a service principal or application. Throws as `addSecret`.
    @discardableResult
    public func addCertificate(
        _ certificate: [UInt8],
        to id: GUID,
        displayName: String = "",
        expiresAt: Instant? = nil,
        by author: Author = .system
    ) async throws -> Credential {
        try await self.add(
            Credential(
                id: GUID(from: self.random),
                kind: .certificate,
                displayName: PrintableText.of(displayName),
                createdAt: self.clock.now,
                expiresAt: expiresAt
            ),
            to: id,
            hash: nil,
            certificate: certificate,
            by: author
        )
    }

    /// Takes a secret or certificate away from a service principal or application; returns false when it does not have it. Its tokens are revoked.
    @discardableResult
    public func removeCredential(
        _ credential: GUID,
        from id: GUID,
        by author: Author = .system
    ) async throws -> Bool {
        try await self.commit { transaction in
            let count = try transaction.run(
                "DELETE FROM identity_credential WHERE id = \(credential) AND owner = \(id)"
            )
            guard count > 0 else { return Effect(false) }
            let appID = try Self.holder(id, in: transaction)
            try transaction.run(
                """
                UPDATE identity_service_principal SET tokens_valid_from = CASE
                    WHEN tokens_valid_from + 1000 > \(self.clock.now.afterThisSecond) THEN tokens_valid_from + 1000
                    ELSE \(self.clock.now.afterThisSecond)
                END
                WHERE app_id = \(appID)
                """
            )
            return Effect(
                true,
                changes: try Self.servicePrincipal(appID: appID, in: transaction).map { [.servicePrincipal($0.id)] }
                    ?? [],
                events: [
                    self.event(
                        "credential.remove",
                        id.description,
                        by: author,
                        details: ["keyId": credential.description]
                    )
                ]
            )
        }
    }

    private func add(
        _ credential: Credential,
        to owner: GUID,
        hash: String?,
        certificate: [UInt8]?,
        by author: Author
    ) async throws -> Credential {
        try await self.commit { transaction in
            let appID = try Self.holder(owner, in: transaction)
            let owners = try Self.credentialOwners(appID: appID, in: transaction)
            try self.checkRoom(for: credential.kind, of: owners, in: transaction)
            try ServicePrincipalPlan.add(
                credential.id,
                hash: hash,
                certificate: certificate,
                displayName: credential.displayName,
                to: owner,
                at: credential.createdAt,
                expiresAt: credential.expiresAt,
                in: transaction
            )
            return Effect(
                credential,
                changes: try Self.servicePrincipal(appID: appID, in: transaction).map { [.servicePrincipal($0.id)] }
                    ?? [],
                events: [
                    self.event(
                        "credential.add",
                        owner.description,
                        by: author,
                        details: ["keyId": credential.id.description, "kind": credential.kind.rawValue]
                    )
                ]
            )
        }
    }

    /// The application id that credentials of this owner are for. Throws `Request_ResourceNotFound`.
    private static func holder(_ owner: GUID, in reader: any Reader) throws -> GUID {
        let row = try reader.row(
            """
            SELECT app_id FROM identity_service_principal
            WHERE id = \(owner) AND kind = \(ServicePrincipal.Kind.application.rawValue)
            UNION ALL
            SELECT app_id FROM identity_registration WHERE id = \(owner)
            """
        )
        guard let row else { throw Problem.notFound(owner.description) }
        return try row.guid("app_id")
    }

    /// Whose credentials open the door for an application: its service principal's, and its registration's.
    static func credentialOwners(appID: GUID, in reader: any Reader) throws -> [GUID] {
        try reader.rows(
            """
            SELECT id FROM identity_service_principal WHERE app_id = \(appID)
            UNION ALL
            SELECT id FROM identity_registration WHERE app_id = \(appID)
            """
        ).map { try $0.guid("id") }
    }

    /// As many working secrets as a sign-in is willing to try, and as many credentials at all.
    static let most = (secrets: 5, credentials: 30)

    private func checkRoom(for kind: Credential.Kind, of owners: [GUID], in reader: any Reader) throws {
        let count = try reader.row(
            "SELECT COUNT(*) AS credentials FROM identity_credential WHERE owner IN (\(list: owners))"
        )?.integer("credentials")
        let secrets = try Self.secretHashes(of: owners, at: self.clock.now, in: reader).count
        guard count ?? 0 < Self.most.credentials, kind != .secret || secrets < Self.most.secrets else {
            throw Problem.badRequest(
                "An application has at most \(Self.most.secrets) secrets that work, and \(Self.most.credentials) "
                    + "credentials at all: remove one first."
            )
        }
    }

    /// Certificates that work at a time, or all of them.
    static func certificates(of owners: [GUID], at now: Instant?, in reader: any Reader) throws -> [[UInt8]] {
        try reader.rows(
            """
            SELECT certificate FROM identity_credential
            WHERE owner IN (\(list: owners)) AND kind = 'certificate' AND (expires_at IS NULL OR expires_at > \(now?.milliseconds ?? .min))
            ORDER BY created_at, id
            """
        ).map { try $0.blob("certificate") }
    }

    /// Hashes of secrets that work at a time, or of all.
    static func secretHashes(of owners: [GUID], at now: Instant?, in reader: any Reader) throws -> [String] {
        try reader.rows(
            """
            SELECT hash FROM identity_credential
            WHERE owner IN (\(list: owners)) AND kind = 'secret' AND (expires_at IS NULL OR expires_at > \(now?.milliseconds ?? .min))
            ORDER BY created_at DESC, id
            """
        ).map { try $0.text("hash") }
    }
}

extension Credential {
    init(row: Row) throws {
        self.init(
            id: try row.guid("id"),
            kind: try row.text("kind") == Kind.secret.rawValue ? .secret : .certificate,
            displayName: try row.text("display_name"),
            createdAt: try row.instant("created_at"),
            expiresAt: try row.optionalInstant("expires_at")
        )
    }
}
