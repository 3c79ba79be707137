import NIOCore
import NIOEmbedded
import Testing
import WebSocketWire

@testable import Tunnel

/// A tunnel between two channels without sockets, on a loop whose time is turned by hand.
struct TunnelFixture {
    let loop: EmbeddedEventLoop
    let client: EmbeddedChannel
    let target: EmbeddedChannel
    let tunnel: Tunnel
    let browser = FrameEncoder(role: .client)

    init(_ limits: TunnelLimits = TunnelLimits(keepAlive: nil)) throws {
        let loop = EmbeddedEventLoop()
        self.loop = loop
        self.client = EmbeddedChannel(loop: loop)
        self.target = EmbeddedChannel(loop: loop)
        try self.client.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
        try self.target.connect(to: SocketAddress(ipAddress: "192.0.2.2", port: 22)).wait()
        self.tunnel = Tunnel(target: self.target, limits: limits)
        let joined = self.tunnel.join(self.client)
        loop.run()
        try joined.wait()
    }

    /// What the client was sent.
    func sent() throws -> [FrameEvent] {
        var events: [FrameEvent] = []
        var decoder = FrameDecoder(role: .client)
        while let next = try self.client.readOutbound(as: ByteBuffer.self) {
            try decoder.feed(next, into: &events)
        }
        return events
    }

    /// How the tunnel ended.
    func end() throws -> TunnelEnd {
        self.loop.run()
        return try self.tunnel.ended.wait().end
    }
}

@Suite struct TunnelTests {
    @Test("carries bytes both ways and counts them")
    func carries() throws {
        let fixture = try TunnelFixture()
        try fixture.client.writeInbound(fixture.browser.frame(.binary, ByteBuffer(string: "hello")))
        #expect(try fixture.target.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "hello"))
        try fixture.target.writeInbound(ByteBuffer(string: "SSH-2.0-x\r\n"))
        #expect(
            try fixture.sent() == [.payload(ByteBuffer(string: "SSH-2.0-x\r\n"), .binary, endsMessage: true)]
        )
        #expect(fixture.tunnel.traffic == TunnelTraffic(fromClient: 5, toClient: 11))
    }

    @Test("stops reading one side while the other cannot take more, both ways")
    func backpressure() throws {
        let fixture = try TunnelFixture()
        for (slow, fast) in [(fixture.target, fixture.client), (fixture.client, fixture.target)] {
            let counter = ReadCounter()
            try fast.pipeline.syncOperations.addHandler(counter, position: .first)
            slow.isWritable = false
            slow.pipeline.fireChannelWritabilityChanged()
            fast.read()
            #expect(counter.reads == 0)
            slow.isWritable = true
            slow.pipeline.fireChannelWritabilityChanged()
            #expect(counter.reads == 1)
        }
    }

    @Test("closes the target's output when the client closes, and tells how it ended")
    func clientCloses() throws {
        let fixture = try TunnelFixture()
        try fixture.client.writeInbound(fixture.browser.close(.normal))
        #expect(!fixture.client.isActive)
        fixture.loop.advanceTime(by: .seconds(5))
        #expect(!fixture.target.isActive)
        #expect(try fixture.end() == .clientClosed)
    }

    @Test("delivers the target's last bytes before the close frame")
    func targetCloses() throws {
        let fixture = try TunnelFixture()
        try fixture.target.writeInbound(ByteBuffer(string: "bye"))
        fixture.target.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(
            try fixture.sent() == [
                .payload(ByteBuffer(string: "bye"), .binary, endsMessage: true), .close(.normal, reason: ""),
            ]
        )
        try fixture.client.writeInbound(fixture.browser.close(.normal))
        #expect(try fixture.end() == .targetClosed)
    }

    @Test("refuses text from the client and closes the target")
    func textRefused() throws {
        let fixture = try TunnelFixture()
        try fixture.client.writeInbound(fixture.browser.text("ls"))
        #expect(try fixture.sent() == [.close(.unacceptableData, reason: "")])
        #expect(try fixture.target.readOutbound(as: ByteBuffer.self) == nil)
        fixture.loop.advanceTime(by: .seconds(5))
        #expect(try fixture.end() == .clientMisbehaved)
    }

    @Test("tells a client that vanished without a close from one that closed")
    func clientVanishes() throws {
        let fixture = try TunnelFixture()
        fixture.client.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        fixture.loop.advanceTime(by: .seconds(5))
        #expect(try fixture.end() == .clientLost)
    }

    @Test("ends after the idle limit, counted from the last byte")
    func idle() throws {
        let fixture = try TunnelFixture(TunnelLimits(idle: .seconds(60), keepAlive: nil))
        fixture.loop.advanceTime(by: .seconds(50))
        try fixture.target.writeInbound(ByteBuffer(string: "x"))
        fixture.loop.advanceTime(by: .seconds(59))
        #expect(fixture.client.isActive)
        fixture.loop.advanceTime(by: .seconds(1))
        #expect(try fixture.sent().last == .close(.policyViolation, reason: "The session was idle for too long."))
        fixture.loop.advanceTime(by: .seconds(5))
        #expect(try fixture.end() == .idle)
    }

    @Test("ends after the total limit although bytes pass")
    func total() throws {
        let fixture = try TunnelFixture(TunnelLimits(total: .seconds(60), keepAlive: nil))
        for _ in 0..<60 {
            try fixture.target.writeInbound(ByteBuffer(string: "x"))
            fixture.loop.advanceTime(by: .seconds(1))
        }
        fixture.loop.advanceTime(by: .seconds(5))
        #expect(try fixture.end() == .tooOld)
    }

    @Test("ends by order with a code and a reason, and passes nothing more")
    func ordered() throws {
        let fixture = try TunnelFixture()
        fixture.tunnel.end(.ordered(.policyViolation, reason: "Your role was removed."))
        fixture.loop.run()
        #expect(try fixture.sent() == [.close(.policyViolation, reason: "Your role was removed.")])
        #expect(!fixture.target.isActive)
        try fixture.client.writeInbound(fixture.browser.frame(.binary, ByteBuffer(string: "rm -r")))
        #expect(try fixture.target.readOutbound(as: ByteBuffer.self) == nil)
        fixture.loop.advanceTime(by: .seconds(5))
        #expect(try fixture.end() == .ordered(.policyViolation, reason: "Your role was removed."))
    }

    @Test("tells the client when the server stops, after the drain time")
    func serverStops() throws {
        let fixture = try TunnelFixture(TunnelLimits(keepAlive: nil, drain: .seconds(30)))
        fixture.client.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        fixture.loop.advanceTime(by: .seconds(29))
        #expect(fixture.client.isActive)
        fixture.loop.advanceTime(by: .seconds(1))
        #expect(try fixture.sent().last == .close(.goingAway, reason: "The server is stopping. Connect again."))
        fixture.loop.advanceTime(by: .seconds(5))
        #expect(try fixture.end() == .serverStopping)
    }

    @Test("closes the target when the client is gone before it joins")
    func joinsTooLate() throws {
        let loop = EmbeddedEventLoop()
        let target = EmbeddedChannel(loop: loop)
        try target.connect(to: SocketAddress(ipAddress: "192.0.2.2", port: 22)).wait()
        let tunnel = Tunnel(target: target)
        let joined = tunnel.join(EmbeddedChannel(loop: loop))
        loop.run()
        try joined.wait()
        #expect(!target.isActive)
        #expect(try tunnel.ended.wait().end == .clientLost)
    }

    @Test("writes a refusal as one line that starts like an SSH identification and is none")
    func refusalLine() {
        #expect(
            Tunnel.refusalLine("no role\r\nSSH-2.0-x \u{1b}[31mé") == "SSH-Access denied: no role??SSH-2.0-x ?[31m?\r\n"
        )
        #expect(Tunnel.refusalLine(String(repeating: "a", count: 1000)).utf8.count == 255)
    }

    @Test(
        "sends the refusal as the first frame, in the client's protocol, and closes when the client stays",
        arguments: [nil, "other words"]
    )
    func refusing(words: String?) throws {
        let channel = EmbeddedChannel()
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
        let done = Tunnel.refusing("no role", words: words.map { ByteBuffer(string: $0) })(channel)
        channel.embeddedEventLoop.run()
        try done.wait()
        let frame = try #require(try channel.readOutbound(as: ByteBuffer.self))
        #expect(String(buffer: frame).hasSuffix(words ?? "SSH-Access denied: no role\r\n"))
        channel.embeddedEventLoop.advanceTime(by: .seconds(7))
        #expect(!channel.isActive)
    }
}

/// Counts the reads that reach the socket.
final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = Never
    var reads = 0

    func read(context: ChannelHandlerContext) {
        self.reads += 1
        context.read()
    }
}
