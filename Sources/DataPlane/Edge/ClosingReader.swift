import NIOCore

/// Reads on while a connection closes, and drops what comes.
///
/// TLS waits for the other side's close notice, and nobody above asks for reads any more: without this, every
/// connection that we close lives on until the TLS library's deadline, 2 s (measured).
final class ClosingReader: ChannelDuplexHandler {
    typealias InboundIn = Any
    typealias OutboundIn = Any

    private var isClosing = false

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode != .input else {
            context.close(mode: mode, promise: promise)
            return
        }
        self.isClosing = true
        // With half-closure allowed, the TLS library takes the other side's close notice for a half-close and waits on.
        try? context.channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: false)
        context.close(mode: mode, promise: promise)
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !self.isClosing {
            context.fireChannelRead(data)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if self.isClosing {
            context.read()
        } else {
            context.fireChannelReadComplete()
        }
    }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension ClosingReader: Sendable {}
