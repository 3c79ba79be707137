import NIOCore
import NIOTLS
import WebSocketWire

/// One end of a front while it signs in: tells it what comes, and at the end lets everything through and goes away.
final class FrontLeg: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    enum Notice {
        case bytes(ByteBuffer)
        case secured
        case ended
        case serverStopping
    }

    private enum Mode {
        case listening
        /// Bytes wait for whoever takes over.
        case holding([ByteBuffer])
        /// Bytes come too late.
        case dropping
    }

    private let tell: (Notice) -> Void
    private var context: ChannelHandlerContext?
    private var mode = Mode.listening

    init(tell: @escaping (Notice) -> Void) {
        self.tell = tell
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        switch self.mode {
        case .listening: self.tell(.bytes(bytes))
        case .holding(let held): self.mode = .holding(held + [bytes])
        case .dropping: break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            self.tell(.secured)
        } else if event is WebSocketPeerEnded {
            self.tell(.ended)
        } else if case .inputClosed? = event as? ChannelEvent {
            self.tell(.ended)
        } else if event is ChannelShouldQuiesceEvent {
            self.tell(.serverStopping)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A TLS library's error goes before the end of the channel, or is the reason for us to end it.
        self.tell(.ended)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.tell(.ended)
        context.fireChannelInactive()
    }

    /// Keeps what comes from now on, after these bytes.
    func hold(_ first: [UInt8]) {
        self.mode = .holding(first.isEmpty ? [] : [ByteBuffer(bytes: first)])
    }

    /// Drops what comes from now on.
    func drop() {
        self.mode = .dropping
    }

    /// Passes on what was kept, and leaves the pipeline.
    func release() {
        guard let context = self.context, case .holding(let held) = self.mode else { return }
        self.mode = .dropping
        for bytes in held {
            context.fireChannelRead(self.wrapInboundOut(bytes))
        }
        if !held.isEmpty {
            context.fireChannelReadComplete()
        }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension FrontLeg: Sendable {}
