public import NIOCore

/// Lets a Remote Desktop client's request through the HTTP parser, which knows its method not.
///
/// Gateway clients use the methods `RDG_OUT_DATA` and `RDG_IN_DATA`. At the very beginning of a connection those names, and nothing
/// else, are replaced by `GET`; the acceptor is told. Source: MS-TSGU section 3.3.5.1.
public final class GatewayMethodHandler: ChannelInboundHandler, RemovableChannelHandler {
    public typealias InboundIn = ByteBuffer
    public typealias InboundOut = ByteBuffer

    /// The methods as clients write them.
    private static let methods = ["RDG_OUT_DATA", "RDG_IN_DATA"].map { (name: $0, bytes: Array(($0 + " ").utf8)) }

    private var start = ByteBuffer()
    /// The method that was replaced; nil when there was none.
    public private(set) var replaced: String?

    /// Makes a handler for the beginning of a request.
    public init() {}

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.start.writeImmutableBuffer(self.unwrapInboundIn(data))
        var isUndecided = false
        for method in Self.methods {
            let count = min(self.start.readableBytes, method.bytes.count)
            guard self.start.readableBytesView.prefix(count).elementsEqual(method.bytes.prefix(count)) else { continue }
            guard count == method.bytes.count else {
                isUndecided = true
                continue
            }
            self.replaced = method.name
            self.start.moveReaderIndex(forwardBy: count)
            var rest = ByteBuffer(string: "GET ")
            rest.writeImmutableBuffer(self.start)
            self.start = rest
            break
        }
        if !isUndecided || self.replaced != nil { self.leave(context) }
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
