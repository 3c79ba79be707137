import NIOCore
import NIOEmbedded
import Testing

@testable import WebSocketWire

@Suite struct WebSocketByteHandlerTests {
    /// A server's channel and what its client would write.
    struct Fixture {
        let channel: EmbeddedChannel
        let client = FrameEncoder(role: .client)

        init(keepAlive: TimeAmount? = nil) throws {
            self.channel = EmbeddedChannel(handler: WebSocketByteHandler(role: .server, keepAlive: keepAlive))
            try self.channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
        }

        /// What the server wrote, as its client reads it.
        func sent() throws -> [FrameEvent] {
            var all = ByteBuffer()
            while let next = try self.channel.readOutbound(as: ByteBuffer.self) {
                all.writeImmutableBuffer(next)
            }
            return try decode(all, as: .client)
        }
    }

    @Test("carries bytes in binary frames both ways")
    func carries() throws {
        let fixture = try Fixture()
        try fixture.channel.writeInbound(fixture.client.frame(.binary, ByteBuffer(string: "up")))
        #expect(try fixture.channel.readInbound(as: ByteBuffer.self) == ByteBuffer(string: "up"))
        try fixture.channel.writeOutbound(ByteBuffer(string: "down"))
        #expect(try fixture.sent() == [.payload(ByteBuffer(string: "down"), .binary, endsMessage: true)])
    }

    @Test("never sends an empty frame")
    func noEmptyFrame() throws {
        let fixture = try Fixture()
        try fixture.channel.writeOutbound(ByteBuffer())
        #expect(try fixture.channel.readOutbound(as: ByteBuffer.self) == nil)
    }

    @Test("answers a ping with its payload")
    func answersPing() throws {
        let fixture = try Fixture()
        try fixture.channel.writeInbound(fixture.client.frame(.ping, ByteBuffer(string: "42")))
        #expect(try fixture.sent() == [.pong(ByteBuffer(string: "42"))])
    }

    @Test("answers only the last ping of a peer that does not read")
    func coalescesPongs() throws {
        let fixture = try Fixture()
        fixture.channel.isWritable = false
        fixture.channel.pipeline.fireChannelWritabilityChanged()
        for number in 0..<1000 {
            try fixture.channel.writeInbound(fixture.client.frame(.ping, ByteBuffer(string: "\(number)")))
        }
        #expect(try fixture.sent().isEmpty)
        fixture.channel.isWritable = true
        fixture.channel.pipeline.fireChannelWritabilityChanged()
        #expect(try fixture.sent() == [.pong(ByteBuffer(string: "999"))])
    }

    @Test("refuses text with its close code and closes")
    func refusesText() throws {
        let fixture = try Fixture()
        #expect(throws: WebSocketWireError.textRefused) {
            try fixture.channel.writeInbound(fixture.client.text("hello"))
        }
        #expect(try fixture.sent() == [.close(.unacceptableData, reason: "")])
        #expect(!fixture.channel.isActive)
    }

    @Test("echoes a close and closes first")
    func echoesClose() throws {
        let fixture = try Fixture()
        try fixture.channel.writeInbound(fixture.client.close(.normal))
        #expect(try fixture.sent() == [.close(.normal, reason: "")])
        #expect(!fixture.channel.isActive)
    }

    @Test("sends a close with code and reason, drops later writes, and waits for the answer")
    func endsFromThisSide() throws {
        let fixture = try Fixture()
        try fixture.channel.triggerUserOutboundEvent(WebSocketEnd(.policyViolation, reason: "role removed")).wait()
        #expect(try fixture.sent() == [.close(.policyViolation, reason: "role removed")])
        #expect(throws: ChannelError.outputClosed) { try fixture.channel.writeOutbound(ByteBuffer(string: "late")) }
        #expect(fixture.channel.isActive)
        try fixture.channel.writeInbound(fixture.client.close(.policyViolation))
        #expect(!fixture.channel.isActive)
    }

    @Test("closes when the answer to its close does not come")
    func closeDeadline() throws {
        let fixture = try Fixture()
        try fixture.channel.close(mode: .output).wait()
        fixture.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(fixture.channel.isActive)
        fixture.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!fixture.channel.isActive)
    }

    @Test("pings, and closes a peer that is silent over two pings")
    func silentPeer() throws {
        let fixture = try Fixture(keepAlive: .seconds(30))
        fixture.channel.read()
        fixture.channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(try fixture.sent() == [.ping(ByteBuffer()), .ping(ByteBuffer())])
        #expect(fixture.channel.isActive)
        fixture.channel.embeddedEventLoop.advanceTime(by: .seconds(30))
        #expect(!fixture.channel.isActive)
    }

    @Test("does not take a peer for silent whose bytes are held back")
    func heldPeer() throws {
        let fixture = try Fixture(keepAlive: .seconds(30))
        fixture.channel.pipeline.fireChannelReadComplete()
        fixture.channel.embeddedEventLoop.advanceTime(by: .seconds(300))
        #expect(fixture.channel.isActive)
    }
}
