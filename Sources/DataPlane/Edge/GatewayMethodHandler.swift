import NIOCore

/// Lets a Remote Desktop client's first request through the HTTP parser, which knows its method not.
///
/// A gateway client asks for its WebSocket with the method `RDG_OUT_DATA`. At the very beginning of a connection that
/// name, and nothing else, is replaced by `GET`; the acceptor is told. Source: MS-TSGU section 3.3.5.1.
final class GatewayMethodHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// The method as the client wrote it, with its space.
    private static let method = Array("RDG_OUT_DATA ".utf8)

    private var start = ByteBuffer()
    private(set) var hasReplaced = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.start.writeImmutableBuffer(self.unwrapInboundIn(data))
        let count = min(self.start.readableBytes, Self.method.count)
        guard self.start.readableBytesView.prefix(count).elementsEqual(Self.method.prefix(count)) else {
            self.leave(context)
            return
        }
        guard count == Self.method.count else { return }
        self.hasReplaced = true
        self.start.moveReaderIndex(forwardBy: count)
        var rest = ByteBuffer(string: "GET ")
        rest.writeImmutableBuffer(self.start)
        self.start = rest
        self.leave(context)
    }

    private func leave(_ context: ChannelHandlerContext) {
        let start = self.start
        self.start = ByteBuffer()
        context.fireChannelRead(self.wrapInboundOut(start))
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension GatewayMethodHandler: Sendable {}
