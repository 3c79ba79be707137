import NIOCore

/// One question to a domain controller, and its answer.
final class ControllerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let request: [UInt8]
    private let answer: EventLoopPromise<[UInt8]>
    private var reply = ControllerReply()

    /// The promise gets the answer, or a `KerberosFailure`.
    init(_ request: [UInt8], answer: EventLoopPromise<[UInt8]>) {
        self.request = request
        self.answer = answer
    }

    func handlerAdded(context: ChannelHandlerContext) {
        guard context.channel.isActive else { return self.answer.fail(KerberosFailure.controllerHungUp) }
        let bytes = context.channel.allocator.buffer(bytes: ControllerReply.framed(self.request))
        context.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do {
            if let message = try self.reply.receive(self.unwrapInboundIn(data).readableBytesView) {
                self.answer.succeed(message)
            }
        } catch {
            self.answer.fail(KerberosFailure.controllerMisspoke)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            self.answer.fail(KerberosFailure.controllerHungUp)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.answer.fail(KerberosFailure.controllerHungUp)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.answer.fail(KerberosFailure.controllerHungUp)
    }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension ControllerHandler: Sendable {}
