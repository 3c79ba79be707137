import AccessControl
import Audit
import BastionRoutes
import Edge
import Federation
import GraphRoutes
import HTTPTypes
import HostRoutes
import Hummingbird
import Identity
import Logging
import ResourceRoutes
import SignInRoutes
import Tunnel
import Vocabulary

/// What the port serves: the routes of every service, and the ones that take connections over from HTTP.
struct Front {
    let router: Router<BasicRequestContext>
    let acceptors: [any UpgradeAcceptor]
    let requests: RequestCounter
    let controlGate: ControlGate

    /// Builds the routes on the services.
    init(house: House, logger: Logger) throws {
        let router = Router(context: BasicRequestContext.self)
        self.requests = RequestCounter()
        router.add(middleware: SafetyMiddleware())
        router.add(middleware: CountingMiddleware(counter: self.requests))
        Self.addChecks(of: house, logger, to: router)
        try Self.addSignIn(of: house, to: router)
        Self.addResourceManager(of: house, to: router)
        let desktops = try house.desktopSurroundings()
        try Self.addConnections(of: house, desktops, to: router)
        self.controlGate = ControlGate(hosts: house.hosts)
        self.router = router
        let dialler = house.dialler
        let limits = house.tunnelLimits
        self.acceptors = [
            TunnelGate(sessions: house.sessions, dialler: dialler, limits: limits, desktops: desktops),
            GatewayGate(sessions: house.sessions, dialler: dialler, desktops: desktops, tunnelLimits: limits),
            self.controlGate,
        ]
    }

    private typealias Routes = Router<BasicRequestContext>

    // Whether it runs, and whether it can work.
    private static func addChecks(of house: House, _ logger: Logger, to router: Routes) {
        let readiness = Readiness(database: house.database, logger: logger)
        router.get("/healthz") { _, _ in "ok" }
        router.get("/readyz") { _, _ in
            guard await readiness.isReady() else {
                throw HTTPError(.serviceUnavailable, message: "The store takes no writes.")
            }
            return "ready"
        }
    }

    // Who somebody is: the pages and tokens, and the directory.
    private static func addSignIn(of house: House, to router: Routes) throws {
        let federation = house.federation
        try SignInRoutes(
            federation: federation,
            directory: house.directory,
            keys: house.signingKeys,
            origin: house.origin
        ).add(to: router)
        GraphRoutes(
            directory: house.directory,
            base: house.origin.graphBase,
            clock: .system,
            random: .system,
            authenticate: { header throws(Problem) in
                try await federation.caller(authorization: header, for: .graph)
            }
        ).add(to: router)
    }

    // What there is, and who may do what with it.
    private static func addResourceManager(of house: House, to router: Routes) {
        let federation = house.federation
        let resourceCaller: @Sendable (String?) async throws(Problem) -> Caller = { header throws(Problem) in
            try await federation.caller(authorization: header, for: .resourceManager)
        }
        let conventions = ARMConventions(
            authority: "\(house.origin.loginBase)/\(house.directory.tenant.id)",
            origin: house.origin.resourceManagerBase,
            clock: .system,
            random: .system
        )
        AuthorizationRoutes(
            accessControl: house.accessControl,
            directory: house.directory,
            conventions: conventions,
            authenticate: resourceCaller,
            surroundings: house.surroundings
        ).add(to: router)
        DeploymentRoutes(
            deployments: house.deployments,
            resources: house.resources,
            conventions: conventions,
            origin: house.origin.resourceManagerBase,
            authenticate: resourceCaller
        ).add(to: router)
        ResourceRoutes(
            resources: house.resources,
            conventions: conventions,
            origin: house.origin.resourceManagerBase,
            actions: BastionActions.all(house.sessions, clock: .system),
            authenticate: resourceCaller
        ).add(to: router)
    }

    // The ways to machines, and the machines' own way here.
    private static func addConnections(of house: House, _ desktops: DesktopSurroundings, to router: Routes) throws {
        let federation = house.federation
        let dataPlane = String(house.configuration.publicURL.dropFirst("https://".count))
        BastionRoutes(
            sessions: house.sessions,
            bastions: house.bastionFinder,
            dataPlane: dataPlane,
            desktops: desktops,
            authenticate: { token throws(Problem) in try await federation.caller(token: token, for: .resourceManager) }
        ).add(to: router)
        HostRoutes(
            hosts: house.hosts,
            directory: house.directory,
            authority: house.authority,
            accessControl: house.accessControl,
            federation: federation,
            attestation: try AttestationFiles.attestation(house.configuration)
        ).add(to: router)
        ExtensionShelf(directory: house.configuration.dataDirectory + "/extensions", origin: house.origin.base)
            .add(to: router)
    }
}
