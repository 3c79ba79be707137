import Storage
import Vocabulary

/// What has to be written so that a service principal is as wanted.
struct ServicePrincipalPlan {
    /// Identifiers for what turns out to be new.
    struct Fresh: Sendable {
        let id: GUID
        let appID: GUID
        let secretID: GUID
        let certificateID: GUID

        init(_ random: RandomSource) {
            self.id = GUID(from: random)
            self.appID = GUID(from: random)
            self.secretID = GUID(from: random)
            self.certificateID = GUID(from: random)
        }
    }

    private let old: ServicePrincipal?
    private let fresh: Fresh
    private let now: Instant
    private let new: ServicePrincipal

    init(_ draft: ServicePrincipalDraft, fresh: Fresh, now: Instant, in reader: any Reader) throws {
        let old = try Self.old(draft, in: reader)
        let appID = old?.appID ?? draft.appID ?? fresh.appID
        guard draft.appID == nil || draft.appID == appID else {
            throw Problem.badRequest("The appId of a service principal cannot change.")
        }
        guard old?.kind != .managedIdentity else {
            throw Problem.badRequest("A managed identity belongs to its resource and is changed there.")
        }
        let isEnabled = draft.accountEnabled ?? old?.accountEnabled ?? true
        let isShut = old?.accountEnabled == true && !isEnabled
        self.old = old
        self.fresh = fresh
        self.now = now
        self.new = ServicePrincipal(
            id: old?.id ?? draft.id ?? fresh.id,
            appID: appID,
            displayName: draft.displayName,
            names: try Self.names(draft.names ?? old?.names ?? [], appID: appID),
            kind: .application,
            accountEnabled: isEnabled,
            resource: nil,
            tokensValidFrom: isShut
                ? now.revoking(after: old?.tokensValidFrom) : old?.tokensValidFrom ?? Instant(seconds: now.seconds),
            unixID: old?.unixID ?? 0,
            createdAt: old?.createdAt ?? now
        )
    }

    static func old(_ draft: ServicePrincipalDraft, in reader: any Reader) throws -> ServicePrincipal? {
        if let id = draft.id {
            let row = try reader.row("SELECT * FROM identity_service_principal WHERE id = \(id)")
            return try row.map { try ServicePrincipal(row: $0) }
        }
        if let appID = draft.appID { return try Directory.servicePrincipal(appID: appID, in: reader) }
        let same = try reader.rows(
            """
            SELECT * FROM identity_service_principal
            WHERE display_key = \(Name.key(draft.displayName)) AND kind = 'application'
            LIMIT 2
            """
        )
        guard same.count <= 1 else {
            throw Problem.badRequest(
                "Several service principals are named “\(draft.displayName)”: say which one by its appId."
            )
        }
        return try same.first.map { try ServicePrincipal(row: $0) }
    }

    private static func names(_ names: [String], appID: GUID) throws(Problem) -> [String] {
        var known: Set<String> = [appID.description]
        var result = [appID.description]
        for name in names where known.insert(name.lowercased()).inserted {
            // A GUID among the names could pass for somebody else's application id.
            guard GUID(name) == nil else { throw .badRequest("Only the appId itself can be a GUID among the names.") }
            result.append(name)
        }
        return result
    }

    func write(
        hash: String?,
        certificate: [UInt8]?,
        in transaction: any Transaction
    ) throws -> PutOutcome<ServicePrincipal> {
        var changed: [String] = []
        if self.old?.displayName != self.new.displayName { changed.append("displayName") }
        if self.old?.names != self.new.names { changed.append("servicePrincipalNames") }
        if self.old?.accountEnabled != self.new.accountEnabled { changed.append("accountEnabled") }
        let stored = changed.isEmpty ? self.new : try Self.store(self.new, isNew: self.old == nil, in: transaction)
        let owners = try Directory.credentialOwners(appID: stored.appID, in: transaction)
        if let hash {
            try transaction.run("DELETE FROM identity_credential WHERE owner IN (\(list: owners)) AND kind = 'secret'")
            try Self.add(self.fresh.secretID, hash: hash, to: stored.id, at: self.now, in: transaction)
            changed.append("passwordCredentials")
        }
        if let certificate {
            let present = try Directory.certificates(of: owners, at: nil, in: transaction)
            if present != [certificate] {
                try transaction.run(
                    "DELETE FROM identity_credential WHERE owner IN (\(list: owners)) AND kind = 'certificate'"
                )
                try Self.add(
                    self.fresh.certificateID,
                    certificate: certificate,
                    to: stored.id,
                    at: self.now,
                    in: transaction
                )
                changed.append("keyCredentials")
            }
        }
        return PutOutcome(value: stored, isNew: self.old == nil, changed: changed)
    }

    /// Writes the row and its names; gives a new one its number.
    static func store(
        _ principal: ServicePrincipal,
        isNew: Bool,
        in transaction: any Transaction
    ) throws -> ServicePrincipal {
        let id = principal.id
        let number =
            isNew ? try Directory.register(id, kind: "servicePrincipal", in: transaction) : principal.unixID
        if let holder = try Directory.servicePrincipal(appID: principal.appID, in: transaction), holder.id != id {
            throw Problem.taken("appId")
        }
        for name in principal.names {
            let holder = try transaction.row(
                "SELECT owner FROM identity_service_principal_name WHERE name_key = \(name.lowercased())"
            )
            guard try holder?.guid("owner") ?? id == id else { throw Problem.taken("servicePrincipalNames") }
        }
        try transaction.run(
            """
            INSERT INTO identity_service_principal (
                id, app_id, display_name, display_key, kind, is_enabled, resource, resource_key, tokens_valid_from, unix_id,
                names, created_at
            )
            VALUES (
                \(id), \(principal.appID), \(principal.displayName), \(Name.key(principal.displayName)),
                \(principal.kind.rawValue), \(principal.accountEnabled), \(principal.resource?.description),
                \(principal.resource), \(principal.tokensValidFrom), \(number),
                \(JSONValue.array(principal.names.map { .string($0) })), \(principal.createdAt)
            )
            ON CONFLICT (id) DO UPDATE SET
                display_name = excluded.display_name, display_key = excluded.display_key, is_enabled = excluded.is_enabled,
                tokens_valid_from = excluded.tokens_valid_from, names = excluded.names
            """
        )
        try transaction.run("DELETE FROM identity_service_principal_name WHERE owner = \(id)")
        for name in principal.names {
            try transaction.run(
                "INSERT INTO identity_service_principal_name (name_key, owner) VALUES (\(name.lowercased()), \(id))"
            )
        }
        guard let row = try transaction.row("SELECT * FROM identity_service_principal WHERE id = \(id)") else {
            throw Problem.notFound(id.description)
        }
        return try ServicePrincipal(row: row)
    }

    static func add(
        _ id: GUID,
        hash: String? = nil,
        certificate: [UInt8]? = nil,
        displayName: String = "",
        to owner: GUID,
        at now: Instant,
        expiresAt: Instant? = nil,
        in transaction: any Transaction
    ) throws {
        try transaction.run(
            """
            INSERT INTO identity_credential (id, owner, kind, display_name, hash, certificate, created_at, expires_at)
            VALUES (
                \(id), \(owner), \(certificate == nil ? "secret" : "certificate"), \(displayName), \(hash), \(certificate),
                \(now), \(expiresAt?.milliseconds)
            )
            """
        )
    }
}

extension ServicePrincipal {
    init(row: Row) throws {
        guard let kind = Kind(rawValue: try row.text("kind")) else {
            throw StorageError(.unexpectedValue, "column kind")
        }
        self.init(
            id: try row.guid("id"),
            appID: try row.guid("app_id"),
            displayName: try row.text("display_name"),
            names: try row.json("names").array?.compactMap(\.string) ?? [],
            kind: kind,
            accountEnabled: try row.bool("is_enabled"),
            resource: try row.optionalText("resource").flatMap { ResourcePath($0) },
            tokensValidFrom: try row.instant("tokens_valid_from"),
            unixID: try row.integer("unix_id"),
            createdAt: try row.instant("created_at")
        )
    }
}
