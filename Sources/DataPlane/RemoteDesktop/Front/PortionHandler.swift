import NIOCore

/// Sends what is long in portions, each of which is encrypted in all layers before the next, and then leaves together with it.
///
/// Every layer of TLS keeps for good a buffer as large as the most that was ever encrypted in one go. What is read at once may be two of the
/// host's records; in portions of less than a record the buffers of both layers towards the client stay as small as they began (70 KiB less for
/// a desktop that has shown a picture).
final class PortionHandler: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// So much that the record it becomes has room in 16 KiB, with a packet's and a frame's head and in a record of the layer below.
    static let size = 16 * 1024 - 128

    private let valve: FlushValve

    init(valve: FlushValve) {
        self.valve = valve
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var bytes = self.unwrapOutboundIn(data)
        self.valve.isShut = true
        while bytes.readableBytes > Self.size, let portion = bytes.readSlice(length: Self.size) {
            context.writeAndFlush(self.wrapOutboundOut(portion), promise: nil)
        }
        self.valve.isShut = false
        context.write(self.wrapOutboundOut(bytes), promise: promise)
    }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension PortionHandler: Sendable {}
