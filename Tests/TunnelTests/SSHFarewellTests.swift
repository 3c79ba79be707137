import NIOCore
import NIOEmbedded
import Testing
import WebSocketWire

@testable import Tunnel

@Suite struct SSHFarewellTests {
    private struct Other: Sendable {}

    private static func joined(_ body: @escaping @Sendable (any Channel) throws -> Void) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
        let join = Tunnel.withFarewell { client in
            client.eventLoop.makeCompletedFuture { try body(client) }
        }
        let done = join(channel)
        channel.embeddedEventLoop.run()
        try done.wait()
        return channel
    }

    @Test("writes what no SSH client can take for a packet, then the end")
    func farewell() throws {
        let channel = try Self.joined { client in
            try client.pipeline.syncOperations.addHandler(WebSocketByteHandler(role: .server))
        }
        channel.triggerUserOutboundEvent(WebSocketEnd(.normal), promise: nil)
        channel.embeddedEventLoop.run()
        var decoder = FrameDecoder(role: .client)
        var events: [FrameEvent] = []
        while let next = try channel.readOutbound(as: ByteBuffer.self) { try decoder.feed(next, into: &events) }
        #expect(events.first == .payload(ByteBuffer(repeating: 0xff, count: 64), .binary, endsMessage: true))
        #expect(events.count == 2)
    }

    @Test("says it once, and for nothing but an end")
    func once() throws {
        let channel = try Self.joined { _ in }
        channel.triggerUserOutboundEvent(Other(), promise: nil)
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
        for _ in 1...2 { channel.triggerUserOutboundEvent(WebSocketEnd(.normal, reason: ""), promise: nil) }
        #expect(try channel.readOutbound(as: ByteBuffer.self) == SSHFarewellHandler.bytes)
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
    }

    @Test("lets a client go that is already gone")
    func gone() throws {
        let channel = try Self.joined { client in client.close(promise: nil) }
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
    }
}
