import NIOCore

/// Carries bytes between two channels of one event loop; each reads only while the other can write.
///
/// The end of either channel ends the other, once everything that was written to it has gone out.
final class GlueHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var partner: GlueHandler?
    private var context: ChannelHandlerContext?
    private var owesRead = false
    /// What came before the partner had a channel: the server's first bytes can follow its answer to the upgrade at once.
    private var held: [ByteBuffer] = []
    private var hasEnded = false
    private var isGone = false
    private var lastWrite: EventLoopFuture<Void>?

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
        self.isGone = true
        // The last one to go unties both.
        if let partner = self.partner, partner.isGone {
            partner.partner = nil
            self.partner = nil
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        guard let partner = self.partner, !partner.isGone else { return }
        if partner.context == nil || !self.held.isEmpty {
            self.held.append(bytes)
        } else {
            partner.send(bytes)
        }
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
        self.hasEnded = true
        self.deliver()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The tunnel has no half-close: the end of one direction ends both.
        if case ChannelEvent.inputClosed = event {
            self.hasEnded = true
            self.deliver()
            self.closeAfterWrites()
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// Hands over what was held back before the partner had a channel, and lets the reads go on that it could not take.
    func resume() {
        self.deliver()
        guard self.owesRead, let context = self.context, self.partner?.context?.channel.isWritable == true else {
            return
        }
        self.owesRead = false
        context.read()
    }

    private func deliver() {
        guard let partner = self.partner, partner.context != nil else { return }
        if !self.held.isEmpty {
            self.held.forEach(partner.send)
            self.held = []
            partner.context?.flush()
        }
        if self.hasEnded { partner.closeAfterWrites() }
    }

    private func send(_ bytes: ByteBuffer) {
        self.lastWrite = self.context?.write(self.wrapOutboundOut(bytes))
    }

    // Closing a channel drops what it has not written yet, and that would be the end of a file.
    private func closeAfterWrites() {
        guard let context = self.context else { return }
        context.flush()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        (self.lastWrite ?? context.eventLoop.makeSucceededVoidFuture()).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }
}

// Its state belongs to the channels' one event loop alone.
@available(*, unavailable)
extension GlueHandler: Sendable {}
