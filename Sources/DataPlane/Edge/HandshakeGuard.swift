import NIOCore
import NIOTLS

/// Watches over a connection until its TLS handshake is done: closes it after the deadline, or when the server stops.
final class HandshakeGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    private let deadline: TimeAmount
    private let ended: () -> Void
    private var timer: Scheduled<Void>?
    private var isDone = false

    init(deadline: TimeAmount, ended: @escaping () -> Void) {
        self.deadline = deadline
        self.ended = ended
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        self.timer = context.eventLoop.scheduleTask(in: self.deadline) {
            channel.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.finish()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, !self.isDone {
            context.close(promise: nil)
            return
        }
        if case .handshakeCompleted? = event as? TLSUserEvent {
            self.finish()
            context.fireUserInboundEventTriggered(event)
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
            return
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.finish()
        context.fireChannelInactive()
    }

    private func finish() {
        guard !self.isDone else { return }
        self.isDone = true
        self.timer?.cancel()
        self.ended()
    }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension HandshakeGuard: Sendable {}
