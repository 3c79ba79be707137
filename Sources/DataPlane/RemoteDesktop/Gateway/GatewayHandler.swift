public import NIOCore
import RDPWire
import Tunnel
public import Vocabulary
import WebSocketWire

/// Makes a gateway client's channel look like one that carries the desktop's own bytes, once its token and target are accepted.
///
/// Behind it, at the tail, stands what relays; before it the WebSocket, or nothing when the client sends on a connection of its own, which
/// is then this handler's `inlet`. Reads pass through, so that whoever holds them back holds the client back.
public final class GatewayHandler: ChannelDuplexHandler {
    public typealias InboundIn = ByteBuffer
    public typealias InboundOut = ByteBuffer
    public typealias OutboundIn = ByteBuffer
    public typealias OutboundOut = ByteBuffer

    private let desk: GatewayDesk
    private let limits: GatewayLimits
    private let random: RandomSource
    private let admitted: @Sendable () -> Void
    private let hasInlet: Bool
    private var inlet: GatewayInlet?
    private var machine = GatewayMachine()
    private var decoder = GatewayDecoder()
    private var context: ChannelHandlerContext?
    private var tunnel: GatewayTunnel?
    private var holdsRead = false
    private var isEnding = false
    private var deadline: Scheduled<Void>?
    private var keepAliveTimer: Scheduled<Void>?
    private var renewalTimer: Scheduled<Void>?
    private var endRenewal: (@Sendable () -> Void)?

    /// Makes a handler.
    /// - Parameters:
    ///   - hasInlet: whether the client sends on another connection.
    ///   - admitted: called when the client is no stranger any more.
    public init(
        desk: GatewayDesk,
        limits: GatewayLimits,
        hasInlet: Bool = false,
        random: RandomSource = .system,
        admitted: @escaping @Sendable () -> Void = {}
    ) {
        self.desk = desk
        self.limits = limits
        self.hasInlet = hasInlet
        self.random = random
        self.admitted = admitted
    }

    // MARK: Life

    public func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.within(self.limits.handshake)
    }

    public func handlerRemoved(context: ChannelHandlerContext) {
        self.leave()
        self.context = nil
    }

    public func channelInactive(context: ChannelHandlerContext) {
        self.leave()
        context.fireChannelInactive()
    }

    private func leave() {
        self.isEnding = true
        [self.deadline, self.keepAliveTimer, self.renewalTimer].forEach { $0?.cancel() }
        self.endRenewal?()
        self.endRenewal = nil
        self.inlet?.close()
        self.inlet = nil
    }

    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(error)
        // Nobody behind hears it yet.
        if !self.machine.isOpen { context.close(promise: nil) }
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, !self.machine.isOpen {
            context.close(promise: nil)
            return
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func within(_ time: Duration) {
        self.deadline?.cancel()
        guard let context = self.context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        self.deadline = context.eventLoop.scheduleTask(in: TimeAmount(time)) {
            bound.value.context?.close(promise: nil)
        }
    }

    // MARK: From the client

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // What comes on the way out of a pair of connections is not the client's to say.
        guard !self.hasInlet else { return }
        self.take(self.unwrapInboundIn(data))
    }

    public func read(context: ChannelHandlerContext) {
        guard !self.machine.isWaiting else {
            self.holdsRead = true
            return
        }
        context.read()
        self.inlet?.more()
    }

    /// Writes the answer to the request that brought the connection here, before any packet.
    func writeRaw(_ bytes: ByteBuffer) {
        self.context?.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
    }

    /// Connects the way in; on this channel's event loop.
    func attach(_ inlet: GatewayInlet) {
        guard !self.isEnding, self.inlet == nil else { return inlet.close() }
        self.inlet = inlet
    }

    /// Takes bytes that came on the way in; on this channel's event loop.
    func deliver(_ bytes: ByteBuffer) {
        guard let context = self.context, !self.isEnding else { return }
        self.take(bytes)
        guard context.channel.isActive else { return }
        context.fireChannelReadComplete()
        // From the tail, so that whoever holds reads back is asked: nobody else asks for more of these.
        context.channel.read()
    }

    /// The way in has ended; on this channel's event loop.
    func inletEnded() {
        guard let context = self.context else { return }
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        if !self.machine.isOpen { context.close(promise: nil) }
    }

    private func take(_ bytes: ByteBuffer) {
        guard let context = self.context, !self.isEnding else { return }
        self.decoder.feed(bytes)
        var batch = GatewayBatch(room: bytes.readableBytes)
        do throws(RDPWireError) {
            while !self.isEnding, let event = try self.decoder.next() {
                if case .data(let data) = event, self.machine.isOpen {
                    batch.add(data)
                    continue
                }
                self.pass(batch.take(), context)
                guard !self.isEnding else { return }
                switch event {
                case .data: self.perform(self.machine.receiveData())
                case .packet(let packet): self.perform(self.machine.receive(packet))
                }
            }
            self.pass(batch.take(), context)
        } catch {
            self.pass(batch.take(), context)
            self.perform(self.machine.receiveGarbage())
        }
    }

    private func pass(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        if bytes.readableBytes > 0 { context.fireChannelRead(self.wrapInboundOut(bytes)) }
    }

    // MARK: Acting

    private func perform(_ actions: [GatewayMachine.Action]) {
        guard let context = self.context, !actions.isEmpty else { return }
        for action in actions {
            switch action {
            case .send(let packet): context.write(self.wrapOutboundOut(packet.bytes), promise: nil)
            case .judge(let token, let renewal): self.judge(Secret(token), renewal, context)
            case .connect(let names, let port): self.connect(names, port, context)
            case .renew: self.tunnel?.renew()
            case .end: self.end(context)
            }
        }
        context.flush()
    }

    private func judge(_ token: Secret<String>, _ renewal: UInt64?, _ context: ChannelHandlerContext) {
        let desk = self.desk
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.makeFutureWithTask { try await desk.admit(token, renewal) }.whenComplete { result in
            let handler = bound.value
            guard handler.context?.channel.isActive == true else { return }
            switch result {
            case .success(.yes(let tunnel)):
                handler.tunnel = tunnel
                handler.admitted()
                handler.perform(handler.machine.admit(tunnel.terms))
                handler.within(handler.machine.awaitsConsent ? handler.limits.consent : handler.limits.setup)
            case .success(.no(let code, let reason)): handler.perform(handler.machine.refuse(code, because: reason))
            case .failure: handler.perform(handler.machine.refuse(.internalError))
            }
            handler.readOn()
        }
    }

    private func connect(_ names: [String], _ port: Int, _ context: ChannelHandlerContext) {
        guard let tunnel = self.tunnel else { return self.perform(self.machine.refuse(.internalError)) }
        self.within(self.limits.setup)
        let channel = context.channel
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        tunnel.connect(names, port, context.eventLoop).hop(to: context.eventLoop).whenComplete { result in
            let handler = bound.value
            switch result {
            case .success(.yes(let relay)):
                // Joined in any case: what was dialled is released there when the client is gone.
                if channel.isActive { handler.opened() }
                relay.join(channel).whenFailure { _ in channel.close(promise: nil) }
            case .success(.no(let code, let reason)): handler.perform(handler.machine.refuse(code, because: reason))
            case .failure: handler.perform(handler.machine.refuse(.targetUnreachable))
            }
            handler.readOn()
        }
    }

    private func opened() {
        self.deadline?.cancel()
        self.perform(self.machine.connected())
        self.keepAlive()
        self.askForProof()
    }

    private func readOn() {
        guard self.holdsRead, !self.machine.isWaiting, let context = self.context else { return }
        self.holdsRead = false
        self.read(context: context)
    }

    // The last packet is written, then the connection goes; a WebSocket says goodbye in its own way first.
    private func end(_ context: ChannelHandlerContext) {
        guard !self.isEnding else { return }
        self.isEnding = true
        let channel = context.channel
        context.flush()
        if self.hasInlet {
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer())).whenComplete { _ in
                bound.value.close(promise: nil)
            }
        } else {
            context.triggerUserOutboundEvent(WebSocketEnd(.normal), promise: nil)
            context.read()
            let timer = context.eventLoop.scheduleTask(in: .seconds(2)) { channel.close(promise: nil) }
            channel.closeFuture.whenComplete { _ in timer.cancel() }
        }
    }

    // MARK: To the client

    public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var bytes = self.unwrapOutboundIn(data)
        guard self.machine.isOpen else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        // One packet a frame, as the other servers of this protocol do.
        while let piece = bytes.readSlice(length: min(bytes.readableBytes, 65_535)), piece.readableBytes > 0 {
            var packet = context.channel.allocator.buffer(capacity: piece.readableBytes + 10)
            GatewayPacket.writeDataHead(of: piece.readableBytes, to: &packet)
            packet.writeImmutableBuffer(piece)
            context.write(self.wrapOutboundOut(packet), promise: bytes.readableBytes == 0 ? promise : nil)
        }
    }

    public func triggerUserOutboundEvent(
        context: ChannelHandlerContext,
        event: Any,
        promise: EventLoopPromise<Void>?
    ) {
        switch event {
        case let notice as TunnelNotice:
            self.perform(self.machine.explain(notice.reason))
            promise?.succeed()
        case let goodbye as TunnelGoodbye:
            self.perform(self.machine.close(GatewayCode(goodbye.end), message: goodbye.reason))
            promise?.succeed()
        case is WebSocketEnd:
            // The gateway's own goodbye comes first; the WebSocket's follows when the client has answered.
            promise?.succeed()
        default:
            context.triggerUserOutboundEvent(event, promise: promise)
        }
    }

    public func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode != .input else { return context.close(mode: mode, promise: promise) }
        if self.machine.isOpen { self.perform(self.machine.close(.disconnected, message: nil)) }
        // The client answers and the connection goes then; whoever relays has a deadline for that.
        guard mode == .all else {
            promise?.succeed()
            return
        }
        context.close(mode: mode, promise: promise)
    }

    // MARK: Time

    private func keepAlive() {
        guard let interval = self.limits.keepAlive, let context = self.context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        self.keepAliveTimer = context.eventLoop.scheduleTask(in: TimeAmount(interval)) {
            let handler = bound.value
            guard handler.machine.isOpen, let context = handler.context else { return }
            // A client that is behind gets none on top: what is written is sign of life enough.
            if context.channel.isWritable { handler.perform([.send(.keepAlive)]) }
            handler.keepAlive()
        }
    }

    private func askForProof() {
        guard let interval = self.limits.reauthentication, self.machine.canReauthenticate, let tunnel = self.tunnel,
            let context = self.context
        else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        self.renewalTimer = eventLoop.scheduleTask(in: TimeAmount(interval)) {
            let handler = bound.value
            guard handler.machine.isOpen else { return }
            let proof = handler.random.bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            handler.endRenewal = tunnel.awaitRenewal(proof) {
                eventLoop.execute { bound.value.isRenewed() }
            }
            handler.perform(handler.machine.reauthenticate(context: proof))
            handler.renewalTimer = eventLoop.scheduleTask(in: TimeAmount(handler.limits.reauthenticationGrace)) {
                bound.value.perform(
                    bound.value.machine.close(.timedOut, message: "You did not prove again who you are. Connect again.")
                )
                bound.value.within(.seconds(5))
            }
        }
    }

    private func isRenewed() {
        guard self.machine.isOpen else { return }
        self.renewalTimer?.cancel()
        self.endRenewal?()
        self.endRenewal = nil
        self.askForProof()
    }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension GatewayHandler: Sendable {}
