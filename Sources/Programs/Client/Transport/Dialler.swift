public import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Vocabulary

/// Opens connections to one server: TCP, through a proxy where there is one, and TLS where the address says so.
public struct Dialler: Sendable {
    /// Where the server is.
    public let address: ServerAddress
    private let trust: ServerTrust?
    private let group: any EventLoopGroup
    private let names: NameLookup
    private let proxy: HTTPProxy?

    /// Makes a dialler. `trust` is needed for a secure address only; `names` turns the host's name into addresses; a `proxy` is asked to connect
    /// instead of connecting directly.
    public init(
        _ address: ServerAddress,
        trust: ServerTrust?,
        group: any EventLoopGroup,
        names: NameLookup = .system,
        proxy: HTTPProxy? = nil
    ) {
        self.address = address
        self.trust = trust
        self.group = group
        self.names = names
        self.proxy = proxy
    }

    /// Opens a connection and waits until it leads to the server, TLS included; `prepare` adds the handlers above TLS.
    public func dial(
        deadline: Duration,
        prepare: @escaping @Sendable (any Channel) throws -> Void
    ) async throws(TransportError) -> any Channel {
        let address = self.address
        let trust = self.trust
        guard !address.isSecure || trust != nil else { throw .badAuthorities("none given for \(address)") }
        let proxy = self.proxy
        let next = proxy?.address ?? address
        let end = NIODeadline.now() + .milliseconds(max(1, deadline.milliseconds))
        let targets = try await self.names.addresses(next.host, next.port, on: self.group, deadline: deadline)
        var failure: any Error = TransportError.unknownHost(next.host)
        for target in targets {
            let ready = self.makePromise()
            let bootstrap = ClientBootstrap(group: self.group)
                .connectTimeout(max(.milliseconds(1), end - .now()))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        if let proxy {
                            try pipeline.addHandler(ProxyHandler(proxy, target: address))
                        }
                        if address.isSecure, let trust {
                            let name = Self.isIPAddress(address.host) ? nil : address.host
                            try pipeline.addHandler(NIOSSLClientHandler(context: trust.context, serverHostname: name))
                        }
                        try pipeline.addHandler(ReadyHandler(ready, isSecure: address.isSecure, end: end))
                        try prepare(channel)
                    }
                }
            do {
                let channel =
                    switch target {
                    case .address(let socket): try await bootstrap.connect(to: socket).get()
                    case .name(let host, let port): try await bootstrap.connect(host: host, port: port).get()
                    }
                // A handshake that fails says why; a request that is written instead only finds a closed channel.
                try await ready.futureResult.get()
                return channel
            } catch {
                ready.fail(error)
                // At the end the channel is closed under whatever was going on, which then tells of the closing only.
                failure = end <= .now() ? TransportError.tooLate : error
            }
        }
        throw .from(failure)
    }

    /// A promise that any thread may keep.
    func makePromise() -> EventLoopPromise<Void> {
        self.group.next().makePromise()
    }

    static func isIPAddress(_ host: String) -> Bool {
        (try? SocketAddress(ipAddress: host, port: 0)) != nil
    }
}

/// Tells when the connection leads to the server, or why it does not, and then goes away.
private final class ReadyHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let done: EventLoopPromise<Void>
    private let isSecure: Bool
    private let end: NIODeadline
    private var timer: Scheduled<Void>?

    init(_ done: EventLoopPromise<Void>, isSecure: Bool, end: NIODeadline) {
        self.done = done
        self.isSecure = isSecure
        self.end = end
    }

    // Before the channel is active, because a proxy keeps that back until it has the connection.
    func handlerAdded(context: ChannelHandlerContext) {
        let done = self.done
        let channel = context.channel
        self.timer = context.eventLoop.scheduleTask(deadline: self.end) {
            done.fail(TransportError.tooLate)
            channel.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.timer?.cancel()
        self.done.fail(TransportError.closed)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        if !self.isSecure { self.finish(context) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        if case .handshakeCompleted? = event as? TLSUserEvent { self.finish(context) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.done.fail(error)
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    private func finish(_ context: ChannelHandlerContext) {
        self.done.succeed()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
