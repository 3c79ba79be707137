public import NIOCore
import WebSocketWire

extension Tunnel {
    /// What `UpgradeAnswer.accept` takes for an SSH connection of a client that does not pass on its end: `join`, and at
    /// the end bytes at which every SSH client gives up.
    ///
    /// The Azure command line closes its local socket while another of its threads is still reading from it, so its ssh
    /// sees no end and waits for ever, for example after the machine has refused somebody. A packet length of 2³²−1 is
    /// beyond every limit (RFC 4253 section 6.1), and whatever a cipher makes of it almost certainly is, too.
    public static func withFarewell(
        _ join: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> @Sendable (any Channel) -> EventLoopFuture<Void> {
        { client in
            join(client).map {
                // A client that has gone meanwhile needs none.
                try? client.pipeline.syncOperations.addHandler(SSHFarewellHandler())
            }
        }
    }
}

/// Writes the farewell when the tunnel says that it ends; an end that the client began does not pass here.
final class SSHFarewellHandler: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// More than the longest first block of any cipher together with its check.
    static let bytes = ByteBuffer(repeating: 0xff, count: 64)

    private var isSaid = false

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        if event is WebSocketEnd, !self.isSaid {
            self.isSaid = true
            context.writeAndFlush(self.wrapOutboundOut(Self.bytes), promise: nil)
        }
        context.triggerUserOutboundEvent(event, promise: promise)
    }
}
