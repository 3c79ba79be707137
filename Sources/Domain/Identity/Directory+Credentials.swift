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
            return try Self.certificates(of: owner.id, at: now, in: reader)
        }
    }

    /// A service principal's secrets and certificates, without the secret parts, oldest first.
    public func credentials(of id: GUID) async throws -> [Credential] {
        try await self.database.read { reader in
            try reader.rows(
                """
                SELECT id, kind, display_name, created_at, expires_at FROM identity_credential
                WHERE owner = \(id)
                ORDER BY created_at, id
                """
            ).map { try Credential(row: $0) }
        }
    }

    /// Makes a further secret for a service principal; this is the only time that it can be seen.
    ///
    /// Throws `Request_ResourceNotFound` when there is no such service principal.
    public func addSecret(
        to id: GUID,
        displayName: String = "",
        expiresAt: Instant? = nil,
        by author: Author = .system
    ) async throws -> (credential: Credential, secret: Secret<String>) {
        let text = self.random.token(bytes: 32)
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

    /// Adds a certificate (DER) to a service principal. Throws `Request_ResourceNotFound` when there is no such service principal.
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

    /// Takes a secret or certificate away from a service principal; returns false when it does not have it. Its tokens are revoked.
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
            try transaction.run(
                """
                UPDATE identity_service_principal SET tokens_valid_from = CASE
                    WHEN tokens_valid_from + 1000 > \(self.clock.now.afterThisSecond) THEN tokens_valid_from + 1000
                    ELSE \(self.clock.now.afterThisSecond)
                END
                WHERE id = \(id)
                """
            )
            return Effect(
                true,
                changes: [.servicePrincipal(id)],
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
            guard
                let holder = try transaction.row("SELECT kind FROM identity_service_principal WHERE id = \(owner)"),
                try holder.text("kind") == ServicePrincipal.Kind.application.rawValue
            else { throw Problem.notFound(owner.description) }
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
                changes: [.servicePrincipal(owner)],
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

    /// Certificates that work at a time, or all of them.
    static func certificates(of id: GUID, at now: Instant?, in reader: any Reader) throws -> [[UInt8]] {
        try reader.rows(
            """
            SELECT certificate FROM identity_credential
            WHERE owner = \(id) AND kind = 'certificate' AND (expires_at IS NULL OR expires_at > \(now?.milliseconds ?? .min))
            ORDER BY created_at, id
            """
        ).map { try $0.blob("certificate") }
    }

    /// Hashes of secrets that work at a time, or of all.
    static func secretHashes(of id: GUID, at now: Instant?, in reader: any Reader) throws -> [String] {
        try reader.rows(
            """
            SELECT hash FROM identity_credential
            WHERE owner = \(id) AND kind = 'secret' AND (expires_at IS NULL OR expires_at > \(now?.milliseconds ?? .min))
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
