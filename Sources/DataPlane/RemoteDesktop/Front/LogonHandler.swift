import NIOCore
import RDPWire

/// Tells once when the host says that the person is signed in, and leaves; also after the time for which a credential is good at most.
final class LogonHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private static let life = TimeAmount.seconds(60)

    private var watch: LogonWatch
    private let tell: () -> Void
    private var end = NIODeadline.distantFuture

    init(channel: Int, tell: @escaping () -> Void) {
        self.watch = LogonWatch(channel: channel)
        self.tell = tell
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.end = context.eventLoop.now + Self.life
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let isSignedIn = self.unwrapInboundIn(data).withUnsafeReadableBytes { self.watch.follow($0) }
        context.fireChannelRead(data)
        if isSignedIn { self.tell() }
        if isSignedIn || context.eventLoop.now >= self.end {
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
    }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension LogonHandler: Sendable {}
