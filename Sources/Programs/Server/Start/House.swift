import AccessControl
import Audit
import BastionRoutes
import Fabric
import Deployments
import Federation
import Hosts
import Identity
import Keys
import ResourceRoutes
import Resources
import SQLiteStorage
import SSHAuthority
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
    let fabric: any Fabric
    let resources: Resources
    let deployments: Deployments
    let networks: WiredNetworks
    let registry: HostRegistry
    let hosts: Hosts
    let sessions: Sessions
    let origin: ServiceOrigin
    let desktopCertificates: DesktopCertificates

    /// The schema, oldest step first within each module.
    static let migrations =
        TenantRecord.migrations + Readiness.migrations + WiredNetworks.migrations + AuditLog.migrations
        + SigningKeys.migrations
        + Directory.migrations
        + AccessControl.migrations + Federation.migrations + SSHAuthority.migrations + Resources.migrations
        + Deployments.migrations + HostRegistry.migrations

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
        self.desktopCertificates = DesktopCertificates(configuration)
        // Before the store is made, and never for a store that is there: a new key would open nothing of what it holds.
        let sealing = try Problem.explaining(data.sealingKey) {
            data.holdsStore
                ? try SealingKey.load(at: data.sealingKey) : try SealingKey.loadOrCreate(at: data.sealingKey)
        }
        self.database = try Self.openStore(data.store)
        try await self.database.migrate(Self.migrations)
        self.audit = AuditLog(database: self.database, seal: sealing.derived(for: "audit"))
        let tenant = try await Self.tenant(in: self.database, new: newTenant, audit: self.audit)
        self.origin = try ServiceOrigin(base: configuration.publicURL)

        let ground = Groundwork(
            configuration: configuration,
            tenant: tenant,
            database: self.database,
            audit: self.audit,
            clock: clock,
            random: random
        )
        self.signingKeys = ground.signingKeys(sealing)
        self.authorityKeys = ground.authorityKeys(sealing)
        self.directory = ground.directory()
        self.accessControl = ground.accessControl()
        self.federation = ground.federation(self.directory, self.signingKeys, self.origin)
        self.authority = ground.authority(self.directory, self.accessControl, self.authorityKeys)
        self.networks = WiredNetworks(database: self.database)
        self.fabric = await configuration.makeFabric()
        self.resources = ground.resources(self.accessControl, self.networks)
        self.registry = ground.registry(self.resources)
        self.hosts = ground.hosts(self.registry, self.directory, self.accessControl, self.authority)
        self.deployments = ground.deployments(self.resources, self.accessControl, self.directory)
        self.sessions = ground.sessions(
            self.accessControl,
            Self.connectionJudge(self.resources, self.directory, self.hosts)
        )

        try await self.load(sealedWith: data.sealingKey)
        self.connect()
    }

    // What the store holds, in the order in which the services need each other; throws a `Problem` that names the file of the sealing key
    // when that does not open the keys.
    private func load(sealedWith sealingKey: String) async throws {
        do {
            try await self.signingKeys.load()
            try await self.authorityKeys.load()
        } catch let error as KeysError {
            throw Problem(error, sealingKey: sealingKey)
        }
        try await self.directory.load()
        // The two large ones beside each other: nobody asks before both are there.
        async let rolesLoaded: Void = self.accessControl.load()
        async let resourcesLoaded: Void = self.resources.load()
        try await self.authority.load()
        try await self.networks.load()
        _ = try await (rolesLoaded, resourcesLoaded)
        try await self.deployments.load()
        try await self.registry.load()
    }

    private static func connectionJudge(_ resources: Resources, _ directory: Directory, _ hosts: Hosts)
        -> ConnectionJudge
    {
        ConnectionJudge(
            judge: { Self.judge(resources, $0, $1, $2, $3) },
            current: { id in try await directory.isEnabled(id) ? try await directory.subject(id) : nil },
            goesOn: { Self.judge(resources, $0, $1, $2, $3, isOpen: true) },
            entry: { person, machine in
                if case .refused(let refusal) = try await hosts.access(of: person, to: machine) {
                    refusal
                } else {
                    nil
                }
            }
        )
    }

    // Rights first, so that nobody learns what exists; then whether the network leads there.
    private static func judge(
        _ resources: Resources,
        _ subject: Subject,
        _ bastion: ResourcePath,
        _ target: ResourcePath,
        _ port: Int,
        isOpen: Bool = false
    ) -> Verdict<ConnectionJudge.Allowed> {
        switch resources.judgeConnection(subject, through: bastion, to: target) {
        case .refused(let refusal):
            return .refused(refusal)
        case .allowed(let rights):
            switch resources.reach(target, port: port, from: bastion, isOpen: isOpen) {
            case .refused(let refusal): return .refused(refusal)
            case .allowed(let reach):
                return .allowed(ConnectionJudge.Allowed(decision: rights.grounds, endpoint: reach.endpoint))
            }
        }
    }

    /// Finds the bastion host that a data-plane request means, with the judgement about it.
    var bastionFinder: BastionRoutes.BastionFinder {
        let resources = self.resources
        let accessControl = self.accessControl
        return BastionRoutes.BastionFinder { _, subject, target, port in
            Self.connection(resources, accessControl, subject, target, port)
        }
    }

    // Several bastion hosts share one address: the first that lets the person through is taken, and otherwise the one
    // in the machine's own network, then the first that the person may see, whose refusal says what is missing.
    private static func connection(
        _ resources: Resources,
        _ accessControl: AccessControl,
        _ subject: Subject,
        _ target: ResourcePath,
        _ port: Int
    ) -> BastionRoutes.BastionFinder.Found? {
        let type = "Microsoft.Network/bastionHosts"
        let isVisible = { (path: ResourcePath) in
            (target.subscription == nil || path.subscription == target.subscription)
                && accessControl.allows(.read(type), at: path, for: subject)
        }
        var candidates = resources.bastions(near: target).map(\.path).filter(isVisible)
        if candidates.isEmpty {
            // None of the others gets there; what one of them says is the reason.
            let scope = target.subscription.flatMap { ResourcePath("/subscriptions/\($0)") } ?? .root
            let other = resources.list(type: type, below: scope).lazy.map(\.path).first(where: isVisible)
            candidates = other.map { [$0] } ?? []
        }
        var judged: [BastionRoutes.BastionFinder.Found] = []
        for bastion in candidates {
            let verdict = Self.judge(resources, subject, bastion, target, port)
            if case .allowed = verdict { return (bastion, verdict) }
            judged.append((bastion, verdict))
        }
        let networks = Set(resources.surroundings(of: target))
        let nearest = judged.first { found in
            resources.resource(found.bastion)?.bastionNetwork.map { networks.contains($0) } ?? false
        }
        return nearest ?? judged.first
    }

    /// What answers about access need to know of resources.
    var surroundings: ResourceSurroundings {
        let resources = self.resources
        let accessControl = self.accessControl
        let hosts = self.hosts
        var surroundings = ResourceSurroundings(
            exists: { $0.type == nil || resources.resource($0) != nil },
            related: { resources.surroundings(of: $0) },
            checkLocks: { operation, scope throws(Problem) in try resources.checkLocks(operation, at: scope) }
        )
        surroundings.subscriptions = {
            resources.list(type: "Microsoft.Resources/subscriptions", below: .root).compactMap { found in
                found.path.subscription.map { ($0, resources.document(of: found)["displayName"]?.string ?? "\($0)") }
            }
        }
        surroundings.access = { try await hosts.access(of: $0, to: $1) }
        surroundings.connection = { subject, target in
            Self.connection(resources, accessControl, subject, target, 22).map { found in
                if case .refused(let refusal) = found.verdict { return (found.bastion, refusal) }
                return (found.bastion, nil)
            }
        }
        return surroundings
    }
}
