import NIOCore
import NIOHTTP1

/// The way in of a client that sends on a connection of its own, seen from the way out, which may be on another event loop.
///
/// At most one read's worth of bytes is on its way between the two: the next is asked for when whoever relays can take it.
final class GatewayInlet: Sendable {
    private let channel: any Channel
    private let handler: NIOLoopBound<GatewayInletHandler>

    init(_ channel: any Channel, _ handler: GatewayInletHandler) {
        self.channel = channel
        self.handler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
    }

    /// Lets one more read happen.
    func more() { self.channel.eventLoop.execute { self.handler.value.more() } }

    func close() { self.channel.close(promise: nil) }
}

/// Hands the body of the client's endless request to the way out.
///
/// Behind an HTTP decoder of its own: the request that brought the connection here was answered, the next one carries the packets.
/// Source: MS-TSGU section 3.3.5.1.
final class GatewayInletHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = Any

    private let connection: String
    private let out: GatewayOutlet
    private let deadline: Duration
    private var context: ChannelHandlerContext?
    private var batch = ByteBuffer()
    private var isGranted = true
    private var holdsRead = false
    private var isRequested = false
    private var timer: Scheduled<Void>?

    init(connection: String, out: GatewayOutlet, deadline: Duration) {
        self.connection = connection
        self.out = out
        self.deadline = deadline
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let channel = context.channel
        self.timer = context.eventLoop.scheduleTask(in: TimeAmount(self.deadline)) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.timer?.cancel()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.out.ended()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func read(context: ChannelHandlerContext) {
        if self.isGranted {
            context.read()
        } else {
            self.holdsRead = true
        }
    }

    func more() {
        self.isGranted = true
        guard self.holdsRead, let context = self.context else { return }
        self.holdsRead = false
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            guard !self.isRequested, head.headers["transfer-encoding"].map({ $0.lowercased() }) == ["chunked"],
                GatewayMeeting.connection(in: head.headers) == self.connection
            else { return context.close(promise: nil) }
            self.isRequested = true
            self.timer?.cancel()
        case .body(let bytes):
            self.batch.writeImmutableBuffer(bytes)
        case .end:
            self.hand()
            context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.hand()
        context.fireChannelReadComplete()
    }

    private func hand() {
        guard self.batch.readableBytes > 0 else { return }
        self.isGranted = false
        self.out.deliver(self.batch)
        self.batch = ByteBuffer()
    }
}

/// The way out of a client that sends on another connection, seen from there.
struct GatewayOutlet: Sendable {
    let eventLoop: any EventLoop
    let handler: NIOLoopBound<GatewayHandler>

    func attach(_ inlet: GatewayInlet) { self.eventLoop.execute { self.handler.value.attach(inlet) } }

    func deliver(_ bytes: ByteBuffer) { self.eventLoop.execute { self.handler.value.deliver(bytes) } }

    func ended() { self.eventLoop.execute { self.handler.value.inletEnded() } }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension GatewayInletHandler: Sendable {}
