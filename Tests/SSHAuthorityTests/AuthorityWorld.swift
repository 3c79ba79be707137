import AccessControl
import Audit
import Crypto
import Identity
import Keys
import Passwords
import SQLiteStorage
import SSHAuthority
import SSHWire
import Storage
import TestKit
import Testing
import Vocabulary

/// A certificate authority with a directory of four, in memory.
struct AuthorityWorld {
    let clock = TurnedClock()
    let database: SQLiteDatabase
    let audit: AuditLog
    let directory: Directory
    let access: AccessControl
    let keys: SSHCAKeys
    let authority: SSHAuthority
    let alice: User
    let erin: User
    let robot: ServicePrincipal

    init(keyType: SSHCAKeys.KeyType = .ed25519, policy: IssuancePolicy = IssuancePolicy()) async throws {
        let database = try await MemoryStore.make(
            AuditLog.migrations + SigningKeys.migrations + Directory.migrations + AccessControl.migrations
                + SSHAuthority.migrations
        )
        let audit = AuditLog(database: database)
        let random = RandomSource.system
        let tenant = try Tenant(id: GUID(from: random), displayName: "Contoso", domains: ["contoso.example"])
        self.directory = Directory(
            tenant: tenant,
            database: database,
            audit: audit,
            clock: self.clock.source,
            random: random,
            passwords: PasswordHasher()
        )
        try await self.directory.load()
        self.access = AccessControl(database: database, audit: audit, clock: self.clock.source, random: random)
        try await self.access.load()
        self.keys = SSHCAKeys(
            database: database,
            audit: audit,
            clock: self.clock.source,
            random: random,
            sealing: try SealingKey(bytes: [UInt8](repeating: 7, count: 32)),
            keyType: keyType
        )
        try await self.keys.load()
        self.authority = SSHAuthority(
            directory: self.directory,
            accessControl: self.access,
            keys: self.keys,
            database: database,
            audit: audit,
            clock: self.clock.source,
            random: random,
            policy: policy
        )
        try await self.authority.load()
        self.database = database
        self.audit = audit
        self.alice = try await self.directory.put(
            user: UserDraft(userPrincipalName: "Alice@contoso.example", displayName: "Alice")
        ).value
        self.erin = try await self.directory.put(
            user: UserDraft(userPrincipalName: "erin_fabrikam.example#EXT#@contoso.example", displayName: "Erin")
        ).value
        self.robot = try await self.directory.put(
            servicePrincipal: ServicePrincipalDraft(displayName: "ci-robot")
        ).value
    }

    static func key() -> SSHPublicKey { SSHSigner.ed25519(.init()).publicKey }

    func subject(_ id: GUID) async throws -> Subject {
        try #require(try await self.directory.subject(id))
    }

    func order(_ id: GUID, key: SSHPublicKey = key(), lifetime: Duration? = nil) async throws -> UserCertificateOrder {
        UserCertificateOrder(
            subject: try await self.subject(id),
            publicKey: key,
            lifetime: lifetime,
            source: "192.0.2.7",
            correlation: "c-1",
            device: "az on laptop"
        )
    }

    func issue(_ id: GUID, key: SSHPublicKey = key(), lifetime: Duration? = nil) async throws -> IssuedSSHCertificate {
        let order = try await self.order(id, key: key, lifetime: lifetime)
        guard case .allowed(let issued) = try await self.authority.issueUserCertificate(order) else {
            throw Problem("refused", shown: "")
        }
        return issued
    }

    /// The code of a refusal, or `allowed`.
    func code(_ order: UserCertificateOrder) async throws -> String {
        switch try await self.authority.issueUserCertificate(order) {
        case .allowed: "allowed"
        case .refused(let refusal): refusal.code
        }
    }

    func list() throws -> KeyRevocationList {
        try KeyRevocationList(bytes: self.authority.revocationList().bytes)
    }
}
