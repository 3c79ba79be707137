import NIOCore
import NIOEmbedded
import Testing

@testable import RemoteDesktop

/// What goes to a client at once, layer by layer and at the socket.
struct PortionHandlerTests {
    private let channel = EmbeddedChannel()
    private let layer = LayerOfEncryption()

    init() throws {
        let valve = FlushValve()
        let handlers: [any ChannelHandler] = [valve, self.layer, PortionHandler(valve: valve)]
        try self.channel.pipeline.syncOperations.addHandlers(handlers)
    }

    private func sent() throws -> [ByteBuffer] {
        var all: [ByteBuffer] = []
        while let bytes = try self.channel.readOutbound(as: ByteBuffer.self) { all.append(bytes) }
        return all
    }

    @Test("what is long is encrypted portion by portion, and leaves together")
    func long() throws {
        let picture = ByteBuffer(bytes: (0..<40_000).map { UInt8(truncatingIfNeeded: $0) })
        self.channel.write(picture, promise: nil)
        #expect(self.layer.atOnce == [PortionHandler.size, PortionHandler.size])
        #expect(try self.sent().isEmpty)
        self.channel.flush()
        #expect(self.layer.atOnce == [PortionHandler.size, PortionHandler.size, 40_000 - 2 * PortionHandler.size])
        let sent = try self.sent().reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
        #expect(sent == picture)
    }

    @Test("what is short stays whole, and leaves when it is flushed", arguments: [0, 1, PortionHandler.size])
    func short(length: Int) throws {
        let promise = self.channel.eventLoop.makePromise(of: Void.self)
        self.channel.write(ByteBuffer(repeating: 7, count: length), promise: promise)
        #expect(try self.sent().isEmpty)
        self.channel.flush()
        #expect(try self.sent() == [ByteBuffer(repeating: 7, count: length)])
        try promise.futureResult.wait()
    }

    @Test("a portion in both layers of TLS, with packet and frame, has room in the buffer that each begins with")
    func room() {
        // Content type, tag and head of a record; the gateway's head and the frame's.
        let inner = PortionHandler.size + 1 + 16 + 5
        #expect(inner + 10 + 4 + 1 + 16 + 5 <= 16 * 1024)
    }
}

/// Notes how much is written between two flushes.
private final class LayerOfEncryption: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private(set) var atOnce: [Int] = []
    private var written = 0

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        self.written += self.unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        self.atOnce.append(self.written)
        self.written = 0
        context.flush()
    }
}
