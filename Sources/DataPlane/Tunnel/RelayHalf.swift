import NIOCore
import WebSocketWire

/// One end of a tunnel: passes what it reads to the other half, and reads on only while the other half can take it.
///
/// Both halves live on one event loop and call each other directly; there is no queue of their own between them.
final class RelayHalf: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What a half tells the tunnel.
    enum Notice {
        case touched(bytes: Int)
        /// The other side sends nothing more; `withGoodbye` when it said so in its protocol.
        case inputEnded(withGoodbye: Bool)
        case failed(any Error)
        case closed
        case serverStopping
    }

    private let tell: (Notice) -> Void
    private var context: ChannelHandlerContext?
    private var partner: RelayHalf?
    private var holdsRead = false
    /// Whether what is read is thrown away: the other half has ended, and we read only to see our own end come.
    private var discards = false

    init(tell: @escaping (Notice) -> Void) {
        self.tell = tell
    }

    /// Joins two halves.
    static func join(_ one: RelayHalf, _ other: RelayHalf) {
        one.partner = other
        other.partner = one
        one.resumeRead()
        other.resumeRead()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.partner = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.discards, let partner = self.partner?.context else { return }
        let bytes = self.unwrapInboundIn(data)
        self.tell(.touched(bytes: bytes.readableBytes))
        partner.write(self.wrapOutboundOut(bytes), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !self.discards {
            self.partner?.context?.flush()
        }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if self.discards || self.partner?.canTake == true {
            context.read()
        } else {
            self.holdsRead = true
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            self.partner?.resumeRead()
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is WebSocketPeerEnded {
            self.tell(.inputEnded(withGoodbye: true))
        } else if case .inputClosed? = event as? ChannelEvent {
            self.tell(.inputEnded(withGoodbye: false))
        } else if event is ChannelShouldQuiesceEvent {
            self.tell(.serverStopping)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.tell(.failed(error))
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.tell(.closed)
        context.fireChannelInactive()
    }

    /// Stops passing bytes on, and reads to the end.
    func discard() {
        self.discards = true
        self.resumeRead()
    }

    private var canTake: Bool {
        self.context?.channel.isWritable ?? false
    }

    private func resumeRead() {
        guard self.holdsRead, let context = self.context else { return }
        self.holdsRead = false
        self.read(context: context)
    }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension RelayHalf: Sendable {}
