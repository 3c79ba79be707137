import AgentWire
import NIOCore
import WebSocketWire

/// The WebSocket of a control channel: whole text messages in and out, pings, and no more in memory than a bound.
final class ControlHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Outgoing
    typealias OutboundOut = ByteBuffer

    /// What tasks write.
    enum Outgoing: Sendable {
        case text([UInt8])
        case close(String)
    }

    /// A frame of that many bytes was dealt with.
    struct Processed: Sendable {
        let count: Int
    }

    private static let mostUnprocessed = ControlObject.longestFrame
    private static let pingPause: TimeAmount = .seconds(20)
    private static let closeDeadline: TimeAmount = .seconds(2)

    private let control: ControlChannel
    private let encoder = FrameEncoder(role: .server)
    private var assembler = MessageAssembler(role: .server, longestMessage: ControlObject.longestFrame)
    private var unprocessed = 0
    private var isReadHeld = false
    private var isClosing = false
    private var silentPings = 0
    private var pingTimer: Scheduled<Void>?
    private var closeTimer: Scheduled<Void>?

    init(_ control: ControlChannel) {
        self.control = control
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.schedulePing(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.stop()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.stop()
        context.fireChannelInactive()
    }

    private func stop() {
        self.pingTimer?.cancel()
        self.closeTimer?.cancel()
        self.control.ended()
    }

    // MARK: In

    func read(context: ChannelHandlerContext) {
        guard self.unprocessed < Self.mostUnprocessed else {
            self.isReadHeld = true
            return
        }
        context.read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let processed = event as? Processed else {
            context.fireUserInboundEventTriggered(event)
            if case .inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
            return
        }
        self.unprocessed -= processed.count
        if self.isReadHeld, self.unprocessed < Self.mostUnprocessed {
            self.isReadHeld = false
            context.read()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isClosing else { return }
        self.silentPings = 0
        var events: [MessageEvent] = []
        do throws(WebSocketWireError) {
            try self.assembler.feed(self.unwrapInboundIn(data), into: &events)
        } catch {
            self.close(context, error.closeCode, "")
            return
        }
        for event in events where !self.isClosing {
            switch event {
            case .text(let text):
                self.unprocessed += text.utf8.count
                self.control.arrived(text)
            case .binary: self.close(context, .unacceptableData, "This channel carries text.")
            case .ping(let content):
                guard context.channel.isWritable else { continue }
                context.writeAndFlush(self.wrapOutboundOut(self.encoder.frame(.pong, content)), promise: nil)
            case .pong: break
            case .close(let code, _): self.close(context, code, "")
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    // MARK: Out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch self.unwrapOutboundIn(data) {
        case .text(let bytes):
            guard !self.isClosing else {
                promise?.fail(ChannelError.outputClosed)
                return
            }
            context.write(self.wrapOutboundOut(self.encoder.frame(.text, ByteBuffer(bytes: bytes))), promise: promise)
        case .close(let reason):
            self.close(context, .policyViolation, reason)
            promise?.succeed()
        }
    }

    /// Sends the last frame and closes when it is out, or after a moment when the host does not read.
    private func close(_ context: ChannelHandlerContext, _ code: CloseCode?, _ reason: String) {
        guard !self.isClosing, context.channel.isActive else { return }
        self.isClosing = true
        self.pingTimer?.cancel()
        self.control.ended()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        self.closeTimer = context.eventLoop.scheduleTask(in: Self.closeDeadline) { bound.value.close(promise: nil) }
        context.writeAndFlush(self.wrapOutboundOut(self.encoder.close(code, reason: reason))).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }

    private func schedulePing(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.pingTimer = context.eventLoop.scheduleTask(in: Self.pingPause) {
            let (handler, context) = bound.value
            handler.ping(context)
        }
    }

    private func ping(_ context: ChannelHandlerContext) {
        guard !self.isClosing, context.channel.isActive else { return }
        // A host whose bytes are held back cannot be heard.
        if self.isReadHeld { self.silentPings = 0 }
        guard self.silentPings < 2 else {
            context.close(promise: nil)
            return
        }
        self.silentPings += 1
        context.writeAndFlush(self.wrapOutboundOut(self.encoder.frame(.ping, ByteBuffer())), promise: nil)
        self.schedulePing(context)
    }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension ControlHandler: Sendable {}
