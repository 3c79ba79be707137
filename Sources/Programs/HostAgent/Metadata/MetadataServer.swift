import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// Listens for requests to the metadata service.
struct MetadataServer: Sendable {
    /// The address that software on virtual machines asks at.
    static let usualAddress = "169.254.169.254"
    /// Where it is to be found when the usual address is taken or may not be set up.
    static let spareAddress = "127.0.0.1:40342"

    private let channel: any Channel
    private let mark: String?
    private let challenges: ChallengeFiles?

    /// Where it listens.
    var address: String { self.channel.localAddress.map { "\($0.ipAddress ?? ""):\($0.port ?? 0)" } ?? "" }

    /// Begins to listen at `place`: `address:port`, `auto` or `off`. Nil when it does not listen.
    ///
    /// A machine outside the cloud (`isConnected`) is served on loopback, like one that has a cloud's own service at the usual address.
    static func start(
        _ place: String,
        _ service: MetadataService,
        isConnected: Bool,
        layout: HostLayout,
        group: any EventLoopGroup,
        seats: MetadataSeats = MetadataSeats(),
        log: Logger
    ) async -> MetadataServer? {
        switch place {
        case "off": return nil
        case "auto" where !isConnected:
            let mark = layout.metadataMark
            if await self.isUsualAddressFree(group), let isOurs = try? await Self.addUsualAddress(mark) {
                let owned = isOurs ? mark : nil
                if let server = await Self.listen("\(Self.usualAddress):80", service, group, seats, mark: owned, log) {
                    // Shells must not look where the service was when somebody else had the address.
                    try? IdentityEnvironment(layout: layout).remove()
                    return server
                }
                if isOurs { await Self.removeUsualAddress(mark) }
            }
        case "auto": break
        default: return await Self.listen(place, service, group, seats, mark: nil, log)
        }
        let challenges = ChallengeFiles(layout: layout, log: log)
        await challenges.prepare()
        var connected = service
        connected.manner = .connected(challenges)
        do throws(HostAgentError) {
            try IdentityEnvironment(layout: layout).write()
        } catch {
            log.error("shells are not told of the metadata service", metadata: ["because": "\(error)"])
        }
        return await Self.listen(Self.spareAddress, connected, group, seats, mark: nil, challenges: challenges, log)
    }

    /// Stops listening and takes the address away again, if it was put there.
    func stop() async {
        try? await self.channel.close()
        await self.challenges?.close()
        if let mark = self.mark { await Self.removeUsualAddress(mark) }
    }

    /// Takes away what an agent that could not do it any more has left.
    static func removeLeftovers(_ layout: HostLayout) async throws(HostAgentError) {
        if HostFile.exists(layout.metadataMark) { await Self.removeUsualAddress(layout.metadataMark) }
        try IdentityEnvironment(layout: layout).remove()
    }

    private static func listen(
        _ place: String,
        _ service: MetadataService,
        _ group: any EventLoopGroup,
        _ seats: MetadataSeats,
        mark: String?,
        challenges: ChallengeFiles? = nil,
        _ log: Logger
    ) async -> MetadataServer? {
        guard let colon = place.lastIndex(of: ":" as Character), let port = Int(place[place.index(after: colon)...])
        else {
            log.error("no address of the form address:port", metadata: ["metadata": "\(place)"])
            return nil
        }
        do {
            let address = try SocketAddress(ipAddress: place[..<colon].filter { $0 != "[" && $0 != "]" }, port: port)
            let channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 64)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard seats.take() else { throw ChannelError.eof }
                        channel.closeFuture.whenComplete { _ in seats.leave() }
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: true)
                        try channel.pipeline.syncOperations.addHandler(MetadataHandler(service))
                    }
                }
                .bind(to: address)
                .get()
            log.notice("metadata service listens", metadata: ["at": "\(place)"])
            return MetadataServer(channel: channel, mark: mark, challenges: challenges)
        } catch {
            log.error("metadata service does not listen", metadata: ["at": "\(place)", "because": "\(error)"])
            return nil
        }
    }

    // A cloud's own metadata service must not be hidden from the software that relies on it.
    private static func isUsualAddressFree(_ group: any EventLoopGroup) async -> Bool {
        do {
            let channel = try await ClientBootstrap(group: group)
                .connectTimeout(.milliseconds(500))
                .connect(host: Self.usualAddress, port: 80)
                .get()
            try? await channel.close()
            return false
        } catch {
            return true
        }
    }

    /// Gives the loopback interface the usual address, and leaves a mark that it was us; false when the machine has it from elsewhere.
    private static func addUsualAddress(_ mark: String) async throws -> Bool {
        try await NIOThreadPool.singleton.runIfActive {
            let devices = (try? System.enumerateDevices()) ?? []
            if devices.contains(where: { $0.address?.ipAddress == Self.usualAddress }) { return HostFile.exists(mark) }
            try HostFile.replace(mark, with: [], .root(0o644), durable: false)
            let outcome = try Self.changeAddress("add")
            guard outcome.status == 0 else { throw HostAgentError.program(name: "ip", said: outcome.sentence) }
            return true
        }
    }

    private static func removeUsualAddress(_ mark: String) async {
        _ = try? await NIOThreadPool.singleton.runIfActive {
            _ = try Self.changeAddress("del")
            try HostFile.remove(mark)
        }
    }

    private static func changeAddress(_ verb: String) throws(HostAgentError) -> HostProgram.Outcome {
        guard let program = HostProgram.find(["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"]) else {
            throw .missing("the ip program")
        }
        return try HostProgram.run([program, "address", verb, "\(Self.usualAddress)/32", "dev", "lo"])
    }
}
