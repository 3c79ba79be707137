import BastionRoutes
import Edge
import FoundationEssentials
import HostRoutes
import Hosts
import Hummingbird
import Identity
import Logging
import NamespaceFabric
import SQLiteStorage
import ServiceLifecycle
import SignInRoutes
import Tunnel
import UnixSignals
import Vocabulary

/// The server, put together in the order in which bytes meet it: port, sign-in, directory, resources, bastion, machines.
struct Server {
    private let configuration: ServerConfiguration

    init(_ configuration: ServerConfiguration) {
        self.configuration = configuration
    }

    /// Runs until it is told to stop (SIGTERM, SIGINT); tunnels then get their time to end.
    func run() async throws {
        let configuration = self.configuration
        try JSONLogHandler.start(level: configuration.logLevel, file: configuration.logFile)
        let logger = Logger(label: "sallyport")
        let data = try DataDirectory(configuration.dataDirectory)
        let tls = try self.tlsFiles(in: data)
        let house = try await House(configuration, in: data, tenant: try self.newTenant())
        try await FirstStart(house: house, configuration: configuration, certificateAuthority: tls.certificateAuthority)
            .run()

        let front = try Front(house: house, logger: logger)
        let application = Application(
            router: front.router,
            server: .sallyportEdge(
                certificate: try ServerCertificate(
                    certificateChainPEM: try PrivateFiles.required(tls.certificate),
                    privateKeyPEM: try PrivateFiles.required(tls.key)
                ),
                acceptors: front.acceptors,
                limits: self.limits(logger)
            ),
            configuration: .init(address: .hostname(configuration.address, port: configuration.port), serverName: nil),
            onServerRunning: { channel in
                do {
                    try await AcceptWatch.watch(channel, logger: logger)
                } catch {
                    logger.warning("failures to accept will not be logged", metadata: ["error": "\(error)"])
                }
                logger.notice(
                    "ready",
                    metadata: [
                        "url": "\(configuration.publicURL)", "port": "\(configuration.port)",
                        "tenant": "\(house.directory.tenant.id)",
                    ]
                )
            },
            logger: logger
        )
        let control = ControlSocket(
            path: ControlSocket.path(in: data.path),
            perform: { await ControlDesk(house: house).perform($0) },
            logger: logger
        )
        let group = ServiceGroup(
            configuration: .init(
                services: self.services(house, front, control, application, logger).map { .init(service: $0) },
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        do {
            try await group.run()
        } catch {
            try? house.database.close()
            throw error
        }
        try house.database.close()
        logger.notice("stopped")
    }

    // Everything that runs until the end.
    private func services(
        _ house: House,
        _ front: Front,
        _ control: ControlSocket,
        _ application: some ApplicationProtocol,
        _ logger: Logger
    ) -> [any Service] {
        var services: [any Service] = [
            Caretaker(house: house, logger: logger), UntilShutdown(run: control.run),
            UntilShutdown(run: house.hosts.run), UntilShutdown(run: front.controlGate.run), application,
        ]
        if let fabric = house.fabric as? FabricConnection { services.append(UntilShutdown(run: fabric.run)) }
        if self.configuration.metricsPort > 0 {
            services.append(
                MetricsPage(house: house, requests: front.requests, port: self.configuration.metricsPort).application(
                    logger
                )
            )
        }
        return services
    }

    private func limits(_ logger: Logger) -> EdgeLimits {
        let most = EdgeLimits().connections
        let files = OpenFiles.raise()
        let connections = OpenFiles.connections(fitting: files, most: most)
        if connections < most {
            logger.warning(
                "the limit of open files allows fewer connections than usual",
                metadata: ["files": "\(files)", "connections": "\(connections)", "usual": "\(most)"]
            )
        }
        return EdgeLimits(connections: connections)
    }

    private func tlsFiles(in data: borrowing DataDirectory) throws -> TLSFiles {
        if let files = self.configuration.tlsFiles {
            return TLSFiles(certificateAuthority: "", certificate: files.certificate, key: files.key)
        }
        var names = [self.configuration.publicHost]
        for name in self.configuration.names where !names.contains(name) { names.append(name) }
        names.append(TLSFiles.nameForMachines)
        return try TLSFiles.prepare(in: data.tls, names: names, at: TimeSource.system.now)
    }

    private func newTenant() throws(Problem) -> Tenant? {
        guard let domain = self.configuration.tenantDomain else { return nil }
        return try Tenant(
            id: self.configuration.tenantID.flatMap { GUID($0) } ?? GUID(from: .system),
            displayName: domain,
            domains: [domain]
        )
    }
}
