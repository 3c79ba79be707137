import NIOCore

/// Carries bytes between two channels of one event loop; each reads only while the other can write.
final class GlueHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var partner: GlueHandler?
    private var context: ChannelHandlerContext?
    private var owesRead = false

    /// Two halves that know each other; add one to each channel.
    static func pair() -> (GlueHandler, GlueHandler) {
        let one = GlueHandler()
        let other = GlueHandler()
        one.partner = other
        other.partner = one
        return (one, other)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.partner = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.partner?.context?.write(self.wrapOutboundOut(self.unwrapInboundIn(data)), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.partner?.context?.flush()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if let partner = self.partner?.context, partner.channel.isWritable {
            context.read()
        } else {
            self.owesRead = true
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { self.partner?.resume() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.partner?.finish()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The tunnel has no half-close: the end of one direction ends both.
        if case ChannelEvent.inputClosed = event {
            self.partner?.finish()
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// Closes when everything that was written is out: the last bytes are often the reason for the end.
    private func finish() {
        guard let context = self.context else { return }
        let channel = context.channel
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer())).whenComplete { _ in channel.close(promise: nil) }
    }

    /// Lets the reads go on that were held back before the partner existed or while it could not write.
    func resume() {
        guard self.owesRead, let context = self.context else { return }
        self.owesRead = false
        context.read()
    }
}
