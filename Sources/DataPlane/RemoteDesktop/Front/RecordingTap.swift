import NIOCore

/// Gives a recorder a copy of what passes in one direction; the copy shares its bytes.
final class RecordingTap: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let record: (ByteBuffer) -> Void

    init(record: @escaping (ByteBuffer) -> Void) {
        self.record = record
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.record(self.unwrapInboundIn(data))
        context.fireChannelRead(data)
    }
}
