public import HummingbirdCore
import HummingbirdHTTP2
public import Logging
public import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOSSL
import NIOTLS

/// What a connection has become.
enum ServedConnection: Sendable {
    case http1(HTTP1Channel.Value)
    case http2(HTTP2Channel.Value)
    case upgraded(any Channel)
    case nothing
}

/// The one TLS port: HTTP/2 and HTTP/1.1 for the router, upgraded connections for the acceptors.
///
/// ```
/// TLS, handshake guard, protocol negotiation
///   h2        -> Hummingbird's HTTP/2, with a gate on every stream
///   http/1.1  -> encoder, decoder, head gate, upgrade gate
///                  no upgrade, or refused by all -> Hummingbird's HTTP/1.1
///                  accepted                      -> 101, the HTTP handlers go, the acceptor's come
/// ```
public struct EdgeChannel: HTTPChannelHandler {
    /// A connection on its way.
    public struct Value: ServerChildChannelValue {
        /// Its channel.
        public let channel: any Channel
        // Nested, never folded: the negotiation handler holds bytes back until its own future is complete, and who is
        // served is known only after the first request. Folded, they wait for each other for ever.
        let negotiated: EventLoopFuture<EventLoopFuture<ServedConnection>>
    }

    /// What answers ordinary requests.
    public let responder: Responder
    private let certificate: ServerCertificate
    private let acceptors: [any UpgradeAcceptor]
    private let limits: EdgeLimits
    private let ledger: ConnectionLedger
    private let fullNotice = OncePerMinute()
    private let http1: HTTP1Channel
    private let http2: HTTP2Channel

    init(
        responder: @escaping Responder,
        certificate: ServerCertificate,
        acceptors: [any UpgradeAcceptor],
        limits: EdgeLimits,
        ledger: ConnectionLedger
    ) {
        self.responder = responder
        self.certificate = certificate
        self.acceptors = acceptors
        self.limits = limits
        self.ledger = ledger
        self.http1 = HTTP1Channel(responder: responder)
        let rules = HeadRules(longestTarget: limits.longestTarget, mostFields: limits.mostFields)
        self.http2 = HTTP2Channel(
            responder: responder,
            configuration: HTTP2ChannelConfiguration(
                idleTimeout: limits.idle,
                gracefulCloseTimeout: .seconds(10),
                streamConfiguration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: [
                        StreamGate(rules: rules, requestDeadline: TimeAmount(limits.requestDeadline))
                    ]
                )
            )
        )
    }

    public func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let origin = ConnectionLedger.Origin(channel.remoteAddress)
        guard let seat = self.ledger.admit(origin) else {
            if self.fullNotice.isDue() {
                logger.warning(
                    "connections are closed as they come, too many are open",
                    metadata: [
                        "open": "\(self.ledger.connections)", "most": "\(self.limits.connections)",
                        "mostPerAddress": "\(self.limits.connectionsPerAddress)",
                        "source": "\(channel.remoteAddress?.ipAddress ?? "unknown")",
                    ]
                )
            }
            channel.close(promise: nil)
            return channel.eventLoop.makeSucceededFuture(
                Value(
                    channel: channel,
                    negotiated: channel.eventLoop.makeSucceededFuture(
                        channel.eventLoop.makeSucceededFuture(.nothing)
                    )
                )
            )
        }
        channel.closeFuture.whenComplete { _ in seat.leave() }
        return channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            // A connection of many small packets; NIO's default, made sure of.
            try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
            let negotiation = NIOTypedApplicationProtocolNegotiationHandler<EventLoopFuture<ServedConnection>> {
                result,
                channel in
                channel.eventLoop.makeCompletedFuture {
                    if case .negotiated("h2") = result {
                        return self.http2.setup(channel: channel, logger: logger).map { .http2($0) }
                    }
                    return try self.startHTTP1(channel, seat, logger)
                }
            }
            try pipeline.addHandler(NIOSSLServerHandler(context: self.certificate.context))
            try pipeline.addHandler(ClosingReader())
            try pipeline.addHandler(
                HandshakeGuard(deadline: TimeAmount(self.limits.handshakeDeadline)) { seat.handshakeEnded() }
            )
            try pipeline.addHandler(negotiation)
            return Value(channel: channel, negotiated: negotiation.protocolNegotiationResult)
        }
    }

    private func startHTTP1(
        _ channel: any Channel,
        _ seat: ConnectionLedger.Seat,
        _ logger: Logger
    ) throws -> EventLoopFuture<ServedConnection> {
        let served = channel.eventLoop.makePromise(of: ServedConnection.self)
        served.futureResult.whenSuccess { connection in
            if case .upgraded = connection { seat.prove() }
        }
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = self.limits.longestField
        limits.maxHeaderListSize = self.limits.longestFields
        limits.maxHeaderFieldCount = self.limits.mostFields
        let handlers = UpgradeGate.HTTPHandlers(
            encoder: HTTPResponseEncoder(),
            decoder: ByteToMessageHandler(
                HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits)
            ),
            headGate: HeadGate(
                rules: HeadRules(longestTarget: self.limits.longestTarget, mostFields: self.limits.mostFields),
                requestDeadline: TimeAmount(self.limits.requestDeadline)
            ),
            methodHandler: GatewayMethodHandler()
        )
        let idle = self.limits.idle
        let gate = UpgradeGate(
            acceptors: self.acceptors,
            handlers: handlers,
            limits: self.limits,
            served: served
        ) { channel in
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: true))
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: idle, logger: logger))
            return .http1(
                try NIOAsyncChannel(
                    wrappingChannelSynchronously: channel,
                    configuration: .init(isOutboundHalfClosureEnabled: true)
                )
            )
        }
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(handlers.methodHandler)
        try pipeline.addHandler(handlers.encoder)
        try pipeline.addHandler(handlers.decoder)
        try pipeline.addHandler(handlers.headGate)
        try pipeline.addHandler(gate)
        return served.futureResult
    }

    public func handle(value: Value, logger: Logger) async {
        let connection = try? await withTaskCancellationHandler {
            try await value.negotiated.get().get()
        } onCancel: {
            value.channel.close(promise: nil)
        }
        switch connection {
        case .http1(let channel):
            await self.http1.handle(value: channel, logger: logger)
        case .http2(let channel):
            await self.http2.handle(value: channel, logger: logger)
        case .upgraded(let channel):
            await withTaskCancellationHandler {
                try? await channel.closeFuture.get()
            } onCancel: {
                channel.close(promise: nil)
            }
        case .nothing, nil:
            break
        }
    }
}

extension HTTPServerBuilder {
    /// Sallyport's port: `Application(router: router, server: .sallyportEdge(certificate: certificate, acceptors:
    /// [tunnels]))`.
    ///
    /// Acceptors are asked in order; the first that does not say "not mine" decides, and without one the router answers
    /// the request.
    public static func sallyportEdge(
        certificate: ServerCertificate,
        acceptors: [any UpgradeAcceptor] = [],
        limits: EdgeLimits = EdgeLimits()
    ) -> HTTPServerBuilder {
        let ledger = ConnectionLedger(
            connections: limits.connections,
            connectionsPerAddress: limits.connectionsPerAddress,
            handshakesPerAddress: limits.handshakesPerAddress
        )
        return HTTPServerBuilder { responder in
            EdgeChannel(
                responder: SourceField.setting(responder),
                certificate: certificate,
                acceptors: acceptors,
                limits: limits,
                ledger: ledger
            )
        }
    }
}
