import AccessControl
import Audit
import BastionRoutes
import Federation
import Hosts
import Identity
import Keys
import Passwords
import ResourceRoutes
import Resources
import SQLiteStorage
import SSHAuthority
import SSHWire
import Sessions
import Storage
import Vocabulary

/// Every service of the domain, put together: what the programs and the control socket work with. No network here.
struct House: Sendable {
    let configuration: ServerConfiguration
    let database: SQLiteDatabase
    let audit: AuditLog
    let directory: Directory
    let signingKeys: SigningKeys
    let authorityKeys: SSHCAKeys
    let accessControl: AccessControl
    let federation: Federation
    let authority: SSHAuthority
    let resources: Resources
    let networks: WiredNetworks
    let registry: HostRegistry
    let hosts: Hosts
    let sessions: Sessions
    let origin: ServiceOrigin

    /// The schema, oldest step first within each module.
    static let migrations =
        TenantRecord.migrations + Readiness.migrations + WiredNetworks.migrations + AuditLog.migrations
        + SigningKeys.migrations
        + Directory.migrations
        + AccessControl.migrations + Federation.migrations + SSHAuthority.migrations + Resources.migrations
        + HostRegistry.migrations

    /// Opens the store and builds everything on it, in the order in which the services need each other.
    ///
    /// `tenant` is used when the store has none yet; without one there either, throws `NoTenant`.
    init(
        _ configuration: ServerConfiguration,
        in data: borrowing DataDirectory,
        tenant newTenant: Tenant?,
        clock: TimeSource = .system,
        random: RandomSource = .system
    ) async throws {
        self.configuration = configuration
        self.database = try SQLiteDatabase(path: data.store)
        try await self.database.migrate(Self.migrations)
        let tenant = try await Self.tenant(in: self.database, new: newTenant)
        let sealing = try SealingKey.loadOrCreate(at: data.sealingKey)
        self.origin = try ServiceOrigin(base: configuration.publicURL)
        self.audit = AuditLog(database: self.database)

        self.signingKeys = SigningKeys(
            database: self.database,
            audit: self.audit,
            clock: clock,
            random: random,
            sealing: sealing
        )
        self.authorityKeys = SSHCAKeys(
            database: self.database,
            audit: self.audit,
            clock: clock,
            random: random,
            sealing: sealing,
            keyType: Self.keyType(configuration.sshCAType)
        )
        self.directory = Directory(
            tenant: tenant,
            database: self.database,
            audit: self.audit,
            clock: clock,
            random: random,
            passwords: PasswordHasher()
        )
        self.accessControl = AccessControl(database: self.database, audit: self.audit, clock: clock, random: random)
        self.federation = Federation(
            directory: self.directory,
            keys: self.signingKeys,
            database: self.database,
            audit: self.audit,
            clock: clock,
            random: random,
            origin: self.origin
        )
        self.authority = SSHAuthority(
            directory: self.directory,
            accessControl: self.accessControl,
            keys: self.authorityKeys,
            database: self.database,
            audit: self.audit,
            clock: clock,
            random: random,
            policy: IssuancePolicy(
                userLifetime: configuration.certificateLife,
                longestUserLifetime: configuration.longestCertificateLife
            )
        )
        let dataPlane = String(configuration.publicURL.dropFirst("https://".count))
        let networks = WiredNetworks(database: self.database)
        self.networks = networks
        var settings = ResourceSettings(
            tenantID: tenant.id,
            tenantName: tenant.displayName,
            domains: tenant.domains
        ) { _ in dataPlane }
        settings.isWired = { networks.contains($0) && !WiredNetworks.isOwn($1) }
        self.resources = Resources(
            settings: settings,
            accessControl: self.accessControl,
            database: self.database,
            audit: self.audit,
            clock: clock,
            random: random
        )
        self.registry = HostRegistry(
            machines: Machines(self.resources),
            database: self.database,
            audit: self.audit,
            clock: clock,
            random: random
        )
        self.hosts = Hosts(
            registry: self.registry,
            directory: self.directory,
            accessControl: self.accessControl,
            authority: self.authority,
            audit: self.audit,
            clock: clock,
            settings: Self.hostSettings(configuration)
        )
        let directory = self.directory
        let resources = self.resources
        self.sessions = Sessions(
            judge: ConnectionJudge(
                judge: { Self.judge(resources, $0, $1, $2, $3) },
                current: { id in try await directory.isEnabled(id) ? try await directory.subject(id) : nil }
            ),
            accessControl: self.accessControl,
            audit: self.audit,
            clock: clock,
            random: random
        )

        try await self.signingKeys.load()
        try await self.authorityKeys.load()
        try await self.directory.load()
        try await self.accessControl.load()
        try await self.authority.load()
        try await self.networks.load()
        try await self.resources.load()
        try await self.registry.load()
        self.connect()
    }

    private static func tenant(in database: SQLiteDatabase, new: Tenant?) async throws -> Tenant {
        let record = TenantRecord(database: database)
        if let known = try await record.load() { return known }
        guard let new else {
            throw Problem(
                "NoTenant",
                shown:
                    "This installation serves no tenant yet. Name its domain: --tenant-domain contoso.example, or 'sallyport apply'."
            )
        }
        try await record.save(new)
        return new
    }

    // Rights first, so that nobody learns what exists; then whether the network leads there.
    private static func judge(
        _ resources: Resources,
        _ subject: Subject,
        _ bastion: ResourcePath,
        _ target: ResourcePath,
        _ port: Int
    ) -> Verdict<ConnectionJudge.Allowed> {
        switch resources.judgeConnection(subject, through: bastion, to: target) {
        case .refused(let refusal):
            return .refused(refusal)
        case .allowed(let rights):
            switch resources.reach(target, port: port, from: bastion) {
            case .refused(let refusal): return .refused(refusal)
            case .allowed(let reach):
                return .allowed(ConnectionJudge.Allowed(decision: rights.grounds, endpoint: reach.endpoint))
            }
        }
    }

    /// Finds the bastion host that a data-plane request means: several share one address, so the first that lets the person through is
    /// taken, and otherwise the first that the person may see, whose refusal then says what is missing.
    var bastionFinder: BastionRoutes.BastionFinder {
        let resources = self.resources
        let accessControl = self.accessControl
        return BastionRoutes.BastionFinder { _, subject, target, port in
            let all = resources.list(type: "Microsoft.Network/bastionHosts", below: .root).map(\.path)
                .filter { target.subscription == nil || $0.subscription == target.subscription }
            let visible = all.filter { path in
                accessControl.decide(.read("Microsoft.Network/bastionHosts"), at: path, for: subject).isAllowed
            }
            let fitting = visible.first { bastion in
                if case .allowed = Self.judge(resources, subject, bastion, target, port) { return true }
                return false
            }
            // The one in the machine's own network explains best why not.
            let networks = Set(resources.surroundings(of: target))
            let nearest = visible.first { bastion in
                resources.resource(bastion)?.bastionNetwork.map { networks.contains($0) } ?? false
            }
            return fitting ?? nearest ?? visible.first
        }
    }

    /// What answers about access need to know of resources.
    var surroundings: ResourceSurroundings {
        let resources = self.resources
        return ResourceSurroundings(
            exists: { $0.type == nil || resources.resource($0) != nil },
            related: { resources.surroundings(of: $0) }
        )
    }

    private static func hostSettings(_ configuration: ServerConfiguration) -> HostSettings {
        var settings = HostSettings()
        settings.cutAtExpiry = configuration.cutAtExpiry
        settings.decisionCache = configuration.decisionCache
        settings.relayNetworks = configuration.relayNetworks
        return settings
    }

    private static func keyType(_ name: String) -> SSHCAKeys.KeyType {
        switch name {
        case "ecdsa-p256": .ecdsaP256
        case "rsa-3072": .rsa3072
        default: .ed25519
        }
    }
}
