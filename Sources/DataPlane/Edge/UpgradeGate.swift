import NIOCore
import NIOHTTP1
import WebSocketWire

/// Holds a connection's first request until it is clear who gets the connection: the router, or an acceptor.
///
/// Not NIO's own upgrade handler, because that one has lost the request by the time an upgrade is refused, fails on
/// requests with a body, and writes the 101 before a target could be dialled.
final class UpgradeGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = Any
    typealias OutboundOut = HTTPServerResponsePart

    /// The HTTP/1.1 handlers that go away with an upgrade, outermost first.
    struct HTTPHandlers {
        var encoder: HTTPResponseEncoder
        var decoder: ByteToMessageHandler<HTTPRequestDecoder>
        var headGate: HeadGate
        var methodHandler: GatewayMethodHandler
    }

    private enum State {
        /// The first head has not come.
        case waiting
        /// A head that asks for an upgrade is here, its end not yet.
        case holding(HTTPRequestHead)
        /// The acceptors are asked.
        case asking(HTTPRequestHead)
        /// Handlers are being exchanged; what the parser gives back is kept.
        case switching([NIOAny])
        /// Somebody else has the connection.
        case gone
    }

    private let acceptors: [any UpgradeAcceptor]
    private let handlers: HTTPHandlers
    private let limits: EdgeLimits
    private let becomeOrdinary: (any Channel) throws -> ServedConnection
    private let served: EventLoopPromise<ServedConnection>
    private var state = State.waiting
    private var holdsRead = false
    private var timer: Scheduled<Void>?

    init(
        acceptors: [any UpgradeAcceptor],
        handlers: HTTPHandlers,
        limits: EdgeLimits,
        served: EventLoopPromise<ServedConnection>,
        becomeOrdinary: @escaping (any Channel) throws -> ServedConnection
    ) {
        self.acceptors = acceptors
        self.handlers = handlers
        self.limits = limits
        self.served = served
        self.becomeOrdinary = becomeOrdinary
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        self.timer = context.eventLoop.scheduleTask(in: TimeAmount(self.limits.firstRequestDeadline)) {
            channel.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.leave()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .switching = self.state {
            // The exchange finds out by itself.
        } else {
            self.leave()
        }
        context.fireChannelInactive()
    }

    private func leave() {
        self.timer?.cancel()
        self.state = .gone
        // Ignored when the connection has been served.
        self.served.succeed(.nothing)
    }

    // Nothing more is read while the acceptors think.
    func read(context: ChannelHandlerContext) {
        switch self.state {
        case .asking, .switching: self.holdsRead = true
        case .waiting, .holding, .gone: context.read()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.state {
        case .waiting:
            guard case .head(let head) = self.unwrapInboundIn(data) else { return }
            self.timer?.cancel()
            // A gateway's methods are never the router's.
            if self.gatewayMethod != nil || self.asksForUpgrade(head) {
                self.state = .holding(head)
            } else {
                self.serveOrdinary([data], context)
            }
        case .holding(let head):
            guard case .end = self.unwrapInboundIn(data) else {
                // Only a gateway's request can have a body here, and its first one has none.
                self.refuse(.badRequest, "A gateway's first request has no body.", context)
                return
            }
            if self.asksForUpgrade(head), Self.key(of: head) == nil {
                self.refuse(.upgradeRequired, "A WebSocket handshake of version 13 is needed.", context)
            } else {
                self.ask(head, context)
            }
        case .asking:
            break
        case .switching(let held):
            self.state = .switching(held + [data])
        case .gone:
            context.fireChannelRead(data)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            switch self.state {
            case .waiting, .holding, .asking:
                context.close(promise: nil)
                return
            case .switching, .gone: break
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    private var gatewayMethod: String? { self.handlers.methodHandler.replaced }

    private func asksForUpgrade(_ head: HTTPRequestHead) -> Bool {
        head.method == .GET && head.version == .http1_1
            && head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
            && head.headers[canonicalForm: "upgrade"].contains { $0.lowercased() == "websocket" }
            && !head.headers.contains(name: "transfer-encoding")
            && head.headers["content-length"].allSatisfy { $0 == "0" }
    }

    // MARK: Asking

    private func ask(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        self.state = .asking(head)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.timer = context.eventLoop.scheduleTask(in: TimeAmount(self.limits.upgradeDeadline)) {
            let (gate, context) = bound.value
            guard case .asking = gate.state else { return }
            gate.refuse(.gatewayTimeout, "The target did not answer in time.", context)
        }
        let request = UpgradeRequest(
            head: head,
            method: self.gatewayMethod ?? "GET",
            remoteAddress: context.channel.remoteAddress,
            asksForWebSocket: self.asksForUpgrade(head)
        )
        let asked = request.asksForWebSocket ? self.acceptors : self.acceptors.filter { $0 is any GatewayAcceptor }
        self.ask(asked[...], request, context.eventLoop).whenComplete { result in
            let (gate, context) = bound.value
            gate.act(on: result, request, context)
        }
    }

    private func ask(
        _ acceptors: ArraySlice<any UpgradeAcceptor>,
        _ request: UpgradeRequest,
        _ eventLoop: any EventLoop
    ) -> EventLoopFuture<UpgradeAnswer> {
        guard let first = acceptors.first else { return eventLoop.makeSucceededFuture(.notMine) }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let rest = acceptors.dropFirst()
        return first.answer(request, on: eventLoop).hop(to: eventLoop).flatMap { answer in
            guard case .notMine = answer else { return eventLoop.makeSucceededFuture(answer) }
            return bound.value.ask(rest, request, eventLoop)
        }
    }

    private func act(
        on result: Result<UpgradeAnswer, any Error>,
        _ request: UpgradeRequest,
        _ context: ChannelHandlerContext
    ) {
        guard case .asking(let head) = self.state else {
            // Too late, by the deadline or because the client went; what was dialled has to be released.
            switch result {
            case .success(.accept(_, let install)), .success(.takeOver(let install)): _ = install(context.channel)
            case .success(.notMine), .success(.refuse), .failure: break
            }
            return
        }
        self.timer?.cancel()
        switch result {
        case .success(.notMine) where self.gatewayMethod != nil:
            self.refuse(.notFound, "There is no gateway at this path.", context)
        case .success(.notMine):
            self.serveOrdinary(
                [NIOAny(HTTPServerRequestPart.head(head)), NIOAny(HTTPServerRequestPart.end(nil))],
                context
            )
        case .success(.refuse(let status, let body)):
            self.refuse(status, body, context)
        case .failure:
            self.refuse(.badGateway, "The target cannot be reached.", context)
        case .success(.accept(let subprotocol, let install)):
            self.exchange(Self.switchingAnswer(request, subprotocol), install, context)
        case .success(.takeOver(let install)):
            self.exchange(nil, install, context)
        }
    }

    /// The key of a WebSocket handshake; nil when the head is none.
    ///
    /// It is taken as it comes, up to a size: FreeRDP 2 sends one that is not base 64, and checks the answer all the
    /// same.
    private static func key(of head: HTTPRequestHead) -> String? {
        let keys = head.headers["sec-websocket-key"]
        guard head.headers["sec-websocket-version"] == [WebSocketHandshake.version], keys.count == 1,
            (1...64).contains(keys[0].utf8.count)
        else { return nil }
        return keys[0]
    }

    private static func switchingAnswer(_ request: UpgradeRequest, _ subprotocol: String?) -> HTTPResponseHead {
        var headers = HTTPHeaders([
            ("upgrade", "websocket"), ("connection", "Upgrade"),
            ("sec-websocket-accept", WebSocketHandshake.acceptance(of: Self.key(of: request.head) ?? "")),
        ])
        if let subprotocol, request.subprotocols.contains(subprotocol) {
            headers.add(name: "sec-websocket-protocol", value: subprotocol)
        }
        return HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers)
    }

    // MARK: Acting

    private func refuse(_ status: HTTPResponseStatus, _ text: String, _ context: ChannelHandlerContext) {
        self.leave()
        var fields: [(String, String)] = []
        if status == .upgradeRequired { fields = [("sec-websocket-version", WebSocketHandshake.version)] }
        // RFC 9110 section 15.5.2 wants a scheme; none of the gateway clients' own is offered, so they do not ask for a password.
        if status == .unauthorized { fields = [("www-authenticate", "Bearer")] }
        PlainAnswer(status: status, text: text, fields: fields).write(to: context)
    }

    private func serveOrdinary(_ parts: [NIOAny], _ context: ChannelHandlerContext) {
        self.timer?.cancel()
        do {
            let connection = try self.becomeOrdinary(context.channel)
            self.state = .gone
            self.served.succeed(connection)
            parts.forEach { context.fireChannelRead($0) }
            context.fireChannelReadComplete()
            self.depart(context)
        } catch {
            self.leave()
            context.close(promise: nil)
        }
    }

    private func exchange(
        _ answer: HTTPResponseHead?,
        _ install: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>,
        _ context: ChannelHandlerContext
    ) {
        self.state = .switching([])
        if let answer { context.writeAndFlush(self.wrapOutboundOut(.head(answer)), promise: nil) }
        let channel = context.channel
        let pipeline = context.pipeline.syncOperations
        // A WebSocket has no half-close, so the end of what the client sends is the end.
        try? channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: false)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        // The decoder last: bytes that came after the request are its to give back, and come here.
        pipeline.removeHandler(self.handlers.encoder)
            .flatMap { channel.pipeline.syncOperations.removeHandler(bound.value.0.handlers.headGate) }
            .flatMap { channel.pipeline.syncOperations.removeHandler(bound.value.0.handlers.decoder) }
            .recover { _ in }
            .flatMap { install(channel) }
            .whenComplete { result in
                let (gate, context) = bound.value
                gate.finishExchange(result, context)
            }
    }

    private func finishExchange(_ result: Result<Void, any Error>, _ context: ChannelHandlerContext) {
        guard case .switching(let held) = self.state, case .success = result, context.channel.isActive else {
            self.leave()
            context.close(promise: nil)
            return
        }
        self.state = .gone
        self.served.succeed(.upgraded(context.channel))
        if !held.isEmpty {
            held.forEach { context.fireChannelRead($0) }
            context.fireChannelReadComplete()
        }
        self.depart(context)
    }

    private func depart(_ context: ChannelHandlerContext) {
        let resumes = self.holdsRead
        self.holdsRead = false
        if resumes {
            context.channel.read()
        }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension UpgradeGate: Sendable {}
