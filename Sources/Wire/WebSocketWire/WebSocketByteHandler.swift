public import NIOCore
public import Vocabulary

/// Ends a connection from this side, as an outbound user event on a channel with a `WebSocketByteHandler`.
public struct WebSocketEnd: Hashable, Sendable {
    /// The code for the close frame.
    public var code: CloseCode
    /// One short sentence for the other side.
    public var reason: String

    /// Makes the event.
    public init(_ code: CloseCode, reason: String = "") {
        self.code = code
        self.reason = reason
    }
}

/// Tells of the other side's close frame, as an inbound user event; `ChannelEvent.inputClosed` follows.
public struct WebSocketPeerEnded: Hashable, Sendable {
    /// The code, if it gave one.
    public var code: CloseCode?
    /// Its reason, as it wrote it: text from outside.
    public var reason: String
}

/// The other side was silent over two pings; fired as an error before the channel closes.
public struct WebSocketPeerSilent: Error, Hashable {}

/// Makes a channel that speaks WebSocket look like one that carries plain bytes in binary frames.
///
/// It answers pings, sends its own, and does the closing handshake: closing the channel's output sends a close frame
/// and waits for the other side's. There is no half-close in WebSocket, so the end of the input ends the channel. Reads
/// pass through untouched, for whoever holds them back.
public final class WebSocketByteHandler: ChannelDuplexHandler, RemovableChannelHandler {
    public typealias InboundIn = ByteBuffer
    public typealias InboundOut = ByteBuffer
    public typealias OutboundIn = ByteBuffer
    public typealias OutboundOut = ByteBuffer

    private let role: WebSocketRole
    private let encoder: FrameEncoder
    private var decoder: FrameDecoder
    private let keepAlive: TimeAmount?
    private let closeDeadline: TimeAmount
    private var events: [FrameEvent] = []
    private var hasSentClose = false
    private var closeWritten: EventLoopFuture<Void>?
    private var owedPong: ByteBuffer?
    private var awaitsRead = false
    private var silentPings = 0
    private var pingTimer: Scheduled<Void>?
    private var closeTimer: Scheduled<Void>?

    /// Makes a handler for this end of the connection.
    ///
    /// `keepAlive` is the time between pings, nil for none; `closeDeadline` the longest wait for the other side's close
    /// frame.
    public init(
        role: WebSocketRole,
        keepAlive: TimeAmount? = nil,
        closeDeadline: TimeAmount = .seconds(2),
        random: RandomSource = .system
    ) {
        self.role = role
        self.encoder = FrameEncoder(role: role, random: random)
        self.decoder = FrameDecoder(role: role, boundaries: .dropped, acceptsText: false)
        self.keepAlive = keepAlive
        self.closeDeadline = closeDeadline
    }

    public func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive {
            self.schedulePing(context)
        }
    }

    public func handlerRemoved(context: ChannelHandlerContext) {
        self.cancelTimers()
    }

    public func channelActive(context: ChannelHandlerContext) {
        self.schedulePing(context)
        context.fireChannelActive()
    }

    public func channelInactive(context: ChannelHandlerContext) {
        self.cancelTimers()
        context.fireChannelInactive()
    }

    public func read(context: ChannelHandlerContext) {
        self.awaitsRead = true
        context.read()
    }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.decoder.isClosed else { return }
        self.silentPings = 0
        var failure: WebSocketWireError?
        do throws(WebSocketWireError) {
            try self.decoder.feed(self.unwrapInboundIn(data), into: &self.events)
        } catch {
            failure = error
        }
        let events = self.events
        self.events.removeAll(keepingCapacity: true)
        for event in events {
            self.handle(event, context)
        }
        if let failure {
            self.sendClose(failure.closeCode, "", context)
            context.fireErrorCaught(failure)
            self.closeAfterWrites(context)
        }
    }

    public func channelReadComplete(context: ChannelHandlerContext) {
        self.awaitsRead = false
        context.fireChannelReadComplete()
    }

    private func handle(_ event: FrameEvent, _ context: ChannelHandlerContext) {
        switch event {
        case .payload(let bytes, _, _):
            context.fireChannelRead(self.wrapInboundOut(bytes))
        case .ping(let content):
            self.owedPong = content
            self.payPong(context)
        case .pong:
            break
        case .close(let code, let reason):
            let answersUs = self.hasSentClose
            self.sendClose(code, "", context)
            context.fireUserInboundEventTriggered(WebSocketPeerEnded(code: code, reason: reason))
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            // The server closes first, so that no client is left holding a port. RFC 6455 section 7.1.1.
            if self.role == .server || answersUs {
                self.closeAfterWrites(context)
            }
        }
    }

    // A peer that pings and does not read must not fill our memory: while it is behind, only the last ping is
    // answered, as RFC 6455 section 5.5.3 allows.
    private func payPong(_ context: ChannelHandlerContext) {
        guard let content = self.owedPong, context.channel.isWritable, !self.hasSentClose else { return }
        self.owedPong = nil
        context.writeAndFlush(self.wrapOutboundOut(self.encoder.frame(.pong, content)), promise: nil)
    }

    public func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.payPong(context)
        context.fireChannelWritabilityChanged()
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        if case .inputClosed? = event as? ChannelEvent {
            context.close(promise: nil)
        }
    }

    public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let payload = self.unwrapOutboundIn(data)
        guard !self.hasSentClose else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        // Clients of this protocol take an empty frame for the end of the stream.
        guard payload.readableBytes > 0 else {
            promise?.succeed()
            return
        }
        context.write(self.wrapOutboundOut(self.encoder.frame(.binary, payload)), promise: promise)
    }

    public func triggerUserOutboundEvent(
        context: ChannelHandlerContext,
        event: Any,
        promise: EventLoopPromise<Void>?
    ) {
        guard let end = event as? WebSocketEnd else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        self.sendClose(end.code, end.reason, context)
        promise?.succeed()
    }

    public func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .output:
            self.sendClose(.normal, "", context)
            promise?.succeed()
        case .all, .input:
            context.close(mode: mode, promise: promise)
        }
    }

    private func sendClose(_ code: CloseCode?, _ reason: String, _ context: ChannelHandlerContext) {
        guard !self.hasSentClose, context.channel.isActive else { return }
        self.hasSentClose = true
        self.pingTimer?.cancel()
        self.closeWritten = context.writeAndFlush(self.wrapOutboundOut(self.encoder.close(code, reason: reason)))
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        self.closeTimer = context.eventLoop.scheduleTask(in: self.closeDeadline) {
            bound.value.close(promise: nil)
        }
    }

    /// Closes once everything written has gone out; the close timer cuts that short for a peer that does not read.
    private func closeAfterWrites(_ context: ChannelHandlerContext) {
        guard let closeWritten = self.closeWritten else {
            context.close(promise: nil)
            return
        }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        closeWritten.whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }

    private func schedulePing(_ context: ChannelHandlerContext) {
        guard let keepAlive = self.keepAlive, self.pingTimer == nil else { return }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.pingTimer = context.eventLoop.scheduleTask(in: keepAlive) {
            let (handler, context) = bound.value
            handler.ping(context)
        }
    }

    private func ping(_ context: ChannelHandlerContext) {
        self.pingTimer = nil
        guard !self.hasSentClose, context.channel.isActive else { return }
        // A peer whose bytes we do not read at present, because the target is slow, cannot be heard.
        if !self.awaitsRead {
            self.silentPings = 0
        }
        guard self.silentPings < 2 else {
            context.fireErrorCaught(WebSocketPeerSilent())
            context.close(promise: nil)
            return
        }
        if context.channel.isWritable {
            self.silentPings += 1
            context.writeAndFlush(self.wrapOutboundOut(self.encoder.frame(.ping, ByteBuffer())), promise: nil)
        }
        self.schedulePing(context)
    }

    private func cancelTimers() {
        self.pingTimer?.cancel()
        self.closeTimer?.cancel()
    }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension WebSocketByteHandler: Sendable {}
