import NIOCore
import RDPWire
import Tunnel

/// Tells a desktop's client in its own protocol why the server ends the session, when the stream stands between two messages.
///
/// In the middle of one nothing can be said without breaking it; then the gateway's own message has to do.
final class FarewellHandler: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    // Up to here the host's messages were passed on whole.
    private var boundary = MessageBoundary()
    private let knowsErrorInfo: Bool

    init(knowsErrorInfo: Bool) {
        self.knowsErrorInfo = knowsErrorInfo
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        self.unwrapOutboundIn(data).withUnsafeReadableBytes { self.boundary.follow($0) }
        context.write(data, promise: promise)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        if let goodbye = event as? TunnelGoodbye, let reason = Self.reason(goodbye.end), self.boundary.isBetweenMessages
        {
            // First what the gateway can show: after this client has heard it from the desktop it reads no more.
            context.triggerUserOutboundEvent(TunnelNotice(goodbye.end), promise: nil)
            let info = self.knowsErrorInfo ? DisconnectMessage.errorInfo(reason) : []
            let bytes = context.channel.allocator.buffer(bytes: info + DisconnectMessage.ultimatum)
            context.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
        }
        context.triggerUserOutboundEvent(event, promise: promise)
    }

    // Hosts and clients that end a session say so themselves.
    private static func reason(_ end: TunnelEnd) -> DisconnectMessage.Reason? {
        switch end {
        case .clientClosed, .clientLost, .clientMisbehaved, .targetClosed: nil
        case .idle: .idle
        case .tooOld: .tooOld
        case .targetLost, .serverStopping, .ordered: .administrator
        }
    }
}
