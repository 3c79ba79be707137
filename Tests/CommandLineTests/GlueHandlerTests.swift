@testable import CommandLine
import NIOCore
import NIOEmbedded
import Testing

@Suite("GlueHandler")
struct GlueHandlerTests {
    /// Counts reads and can hold back writes, as a slow socket does.
    private final class Socket: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        var reads = 0
        var holdsWrites = false
        private var held: [(NIOAny, EventLoopPromise<Void>?)] = []

        func read(context: ChannelHandlerContext) {
            self.reads += 1
        }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            if self.holdsWrites {
                self.held.append((data, promise))
            } else {
                context.write(data, promise: promise)
            }
        }

        func release(_ context: ChannelHandlerContext) {
            self.holdsWrites = false
            for (data, promise) in self.held { context.write(data, promise: promise) }
            self.held = []
            context.flush()
        }
    }

    private struct Pair {
        let loop = EmbeddedEventLoop()
        let left: EmbeddedChannel
        let right: EmbeddedChannel
        let leftSocket = Socket()
        let rightSocket = Socket()
        let leftGlue: GlueHandler
        let rightGlue: GlueHandler

        init(joinsRight: Bool = true) throws {
            (self.leftGlue, self.rightGlue) = GlueHandler.pair()
            self.left = EmbeddedChannel(handlers: [self.leftSocket], loop: self.loop)
            self.right = EmbeddedChannel(handlers: [self.rightSocket], loop: self.loop)
            for channel in [self.left, self.right] {
                try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
            }
            try self.left.pipeline.syncOperations.addHandler(self.leftGlue)
            if joinsRight { try self.joinRight() }
        }

        func joinRight() throws {
            try self.right.pipeline.syncOperations.addHandler(self.rightGlue)
        }
    }

    private func text(_ channel: EmbeddedChannel) throws -> String? {
        try channel.readOutbound(as: ByteBuffer.self).map { String(buffer: $0) }
    }

    @Test("bytes go both ways")
    func bothWays() throws {
        let pair = try Pair()
        try pair.left.writeInbound(ByteBuffer(string: "a"))
        try pair.right.writeInbound(ByteBuffer(string: "b"))
        #expect(try self.text(pair.right) == "a")
        #expect(try self.text(pair.left) == "b")
    }

    @Test("a side reads only while the other can write")
    func backPressure() throws {
        let pair = try Pair()
        pair.left.read()
        #expect(pair.leftSocket.reads == 1)
        pair.right.isWritable = false
        pair.right.pipeline.fireChannelWritabilityChanged()
        pair.left.read()
        pair.left.read()
        #expect(pair.leftSocket.reads == 1)
        pair.right.read()
        #expect(pair.rightSocket.reads == 1)
        pair.right.isWritable = true
        pair.right.pipeline.fireChannelWritabilityChanged()
        #expect(pair.leftSocket.reads == 2)
        pair.right.pipeline.fireChannelWritabilityChanged()
        #expect(pair.leftSocket.reads == 2)
    }

    @Test("nothing is read before the other side exists, and what came all the same is not lost")
    func lateJoin() throws {
        let pair = try Pair(joinsRight: false)
        pair.left.read()
        #expect(pair.leftSocket.reads == 0)
        try pair.left.writeInbound(ByteBuffer(string: "SSH-2.0-"))
        try pair.joinRight()
        try pair.left.writeInbound(ByteBuffer(string: "OpenSSH"))
        #expect(try self.text(pair.right) == nil)
        pair.leftGlue.resume()
        #expect(try self.text(pair.right) == "SSH-2.0-")
        #expect(try self.text(pair.right) == "OpenSSH")
        #expect(pair.leftSocket.reads == 1)
    }

    @Test("a side that spoke and ended before the other existed is heard, then the other ends")
    func endedEarly() throws {
        let pair = try Pair(joinsRight: false)
        try pair.left.writeInbound(ByteBuffer(string: "Access denied."))
        try pair.left.close().wait()
        try pair.joinRight()
        #expect(pair.right.isActive)
        pair.leftGlue.resume()
        #expect(try self.text(pair.right) == "Access denied.")
        pair.loop.run()
        #expect(!pair.right.isActive)
    }

    @Test("the end of either side ends the other", arguments: [true, false])
    func closes(endsLeft: Bool) throws {
        let pair = try Pair()
        let (one, other) = endsLeft ? (pair.left, pair.right) : (pair.right, pair.left)
        try one.close().wait()
        pair.loop.run()
        #expect(!other.isActive)
    }

    @Test("the last bytes go out before the other side is closed")
    func drains() throws {
        let pair = try Pair()
        pair.rightSocket.holdsWrites = true
        try pair.left.writeInbound(ByteBuffer(string: "the end of a file"))
        try pair.left.close().wait()
        pair.loop.run()
        #expect(pair.right.isActive)
        let context = try pair.right.pipeline.syncOperations.context(handler: pair.rightSocket)
        pair.rightSocket.release(context)
        pair.loop.run()
        #expect(try self.text(pair.right) == "the end of a file")
        #expect(!pair.right.isActive)
    }

    @Test("the end of one direction ends both, since a tunnel has no half-close")
    func halfClose() throws {
        let pair = try Pair()
        pair.left.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        pair.loop.run()
        #expect(!pair.left.isActive && !pair.right.isActive)
    }

    @Test("an error ends both")
    func error() throws {
        struct Broken: Error {}
        let pair = try Pair()
        pair.left.pipeline.fireErrorCaught(Broken())
        pair.loop.run()
        #expect(!pair.left.isActive && !pair.right.isActive)
    }

    @Test("a pair that has ended is released")
    func released() throws {
        weak var handler: GlueHandler?
        do {
            let pair = try Pair()
            handler = pair.leftGlue
            try pair.left.close().wait()
            pair.loop.run()
        }
        #expect(handler == nil)
    }
}
