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

    /// Where it listens.
    var address: String { self.channel.localAddress.map { "\($0.ipAddress ?? ""):\($0.port ?? 0)" } ?? "" }

    /// Begins to listen at `place`: `address:port`, `auto` or `off`. Nil when it does not listen.
    static func start(
        _ place: String,
        _ service: MetadataService,
        layout: HostLayout,
        group: any EventLoopGroup,
        log: Logger
    ) async -> MetadataServer? {
        switch place {
        case "off": return nil
        case "auto":
            let mark = layout.metadataMark
            if await self.isUsualAddressFree(group), let isOurs = try? await Self.addUsualAddress(mark) {
                let owned = isOurs ? mark : nil
                if let server = await Self.listen("\(Self.usualAddress):80", service, group, mark: owned, log) {
                    return server
                }
                if isOurs { await Self.removeUsualAddress(mark) }
            }
            return await Self.listen(Self.spareAddress, service, group, mark: nil, log)
        default: return await Self.listen(place, service, group, mark: nil, log)
        }
    }

    /// Stops listening and takes the address away again, if it was put there.
    func stop() async {
        try? await self.channel.close()
        if let mark = self.mark { await Self.removeUsualAddress(mark) }
    }

    /// Takes the usual address away if an agent that could not do it any more had put it there.
    static func removeLeftAddress(_ layout: HostLayout) async {
        if HostFile.exists(layout.metadataMark) { await Self.removeUsualAddress(layout.metadataMark) }
    }

    private static func listen(
        _ place: String,
        _ service: MetadataService,
        _ group: any EventLoopGroup,
        mark: String?,
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
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: true)
                        try channel.pipeline.syncOperations.addHandler(MetadataHandler(service))
                    }
                }
                .bind(to: address)
                .get()
            log.notice("metadata service listens", metadata: ["at": "\(place)"])
            return MetadataServer(channel: channel, mark: mark)
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

/// One connection to the metadata service: a request, an answer, the next request.
private final class MetadataHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private static let longestIdle: TimeAmount = .seconds(30)

    private let service: MetadataService
    private var head: HTTPRequestHead?
    private var idle: Scheduled<Void>?

    init(_ service: MetadataService) {
        self.service = service
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.waitForNext(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.idle?.cancel()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head = self.head else { return }
            self.head = nil
            self.idle?.cancel()
            self.answer(head, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let request = MetadataRequest(
            method: head.method.rawValue,
            target: head.uri,
            metadata: head.headers.first(name: "Metadata"),
            isForwarded: head.headers.contains(name: "X-Forwarded-For")
        )
        let service = self.service
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.makeFutureWithTask { await service.answer(request) }
            .whenSuccess { answer in
                let (handler, context) = bound.value
                handler.send(answer, keepsAlive: head.isKeepAlive, context)
            }
    }

    private func send(_ answer: MetadataAnswer, keepsAlive: Bool, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        let headers: HTTPHeaders = [
            "Content-Type": answer.contentType, "Content-Length": String(answer.body.count), "Server": "Sallyport-IMDS",
            "Connection": keepsAlive ? "keep-alive" : "close",
        ]
        let head = HTTPResponseHead(
            version: .http1_1,
            status: HTTPResponseStatus(statusCode: answer.status),
            headers: headers
        )
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil))).whenComplete { _ in
            let (handler, context) = bound.value
            if keepsAlive { handler.waitForNext(context) } else { context.close(promise: nil) }
        }
    }

    private func waitForNext(_ context: ChannelHandlerContext) {
        self.idle?.cancel()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        self.idle = context.eventLoop.scheduleTask(in: Self.longestIdle) {
            bound.value.close(promise: nil)
        }
    }
}
