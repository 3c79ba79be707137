import NIOCore
import NIOEmbedded
import RDPWire
import RemoteDesktop
import Testing
import Tunnel
import Vocabulary
import WebSocketWire

/// A gateway client's channel, from the first packet to the last.
struct GatewayHandlerTests {
    /// A client's channel with a desk that lets one token in.
    private struct World {
        let channel = NIOAsyncTestingChannel()

        func start(_ limits: GatewayLimits = GatewayLimits(), _ terms: GatewayTerms = GatewayTerms()) async throws {
            let desk = GatewayDesk { token, _ in
                guard token.withValue({ $0 }) == "good" else { return .no(.tokenRefused) }
                return .yes(
                    GatewayTunnel(
                        terms: terms,
                        connect: { names, port, eventLoop in
                            let isMine = names == ["vm"] && port == 3389
                            return eventLoop.makeSucceededFuture(
                                isMine
                                    ? .yes(GatewayRelay { $0.eventLoop.makeSucceededVoidFuture() }) : .no(.targetDenied)
                            )
                        },
                        awaitRenewal: { _, _ in {} }
                    )
                )
            }
            let channel = self.channel
            try await channel.testingEventLoop.executeInContext {
                try channel.pipeline.syncOperations.addHandler(
                    GatewayHandler(desk: desk, limits: limits, random: RandomSource { Array(repeating: 7, count: $0) })
                )
            }
            try await channel.connect(to: SocketAddress(ipAddress: "192.0.2.7", port: 50_000))
        }

        func send(_ packet: GatewayPacket) async throws { try await self.channel.writeInbound(packet.bytes) }

        /// The next packet to the client; data comes as a service message with its text.
        func next() async throws -> GatewayPacket? {
            let bytes = try await self.channel.waitForOutboundWrite(as: ByteBuffer.self)
            var decoder = GatewayDecoder()
            decoder.feed(bytes)
            switch try decoder.next() {
            case .packet(let packet): return packet
            case .data(let data): return .serviceMessage(String(buffer: data))
            case nil: return nil
            }
        }

        func open(_ capabilities: GatewayCapabilities = [.serviceMessages]) async throws {
            try await self.send(.handshakeRequest(.token))
            _ = try await self.next()
            try await self.send(.tunnelCreate(capabilities, token: "good", context: nil))
            _ = try await self.next()
            try await self.send(.tunnelAuthorization(machine: "pc", health: nil))
            _ = try await self.next()
            try await self.send(.channelCreate(names: ["vm"], alternatives: [], port: 3389))
            _ = try await self.next()
        }
    }

    @Test("carries the desktop's bytes both ways in packets")
    func bytes() async throws {
        let world = World()
        try await world.start()
        try await world.open()
        var data = ByteBuffer()
        GatewayPacket.writeDataHead(of: 5, to: &data)
        data.writeString("hello")
        try await world.channel.writeInbound(data)
        #expect(try await world.channel.waitForInboundWrite(as: ByteBuffer.self) == ByteBuffer(string: "hello"))
        try await world.channel.writeAndFlush(ByteBuffer(string: "there"))
        #expect(try await world.next() == .serviceMessage("there"))
    }

    @Test("passes on together what the packets of one read hold, and what stands before a goodbye ahead of it")
    func joined() async throws {
        let world = World()
        try await world.start()
        try await world.open()
        var read = ByteBuffer()
        for word in ["one ", "two ", "three"] {
            GatewayPacket.writeDataHead(of: word.utf8.count, to: &read)
            read.writeString(word)
        }
        read.writeImmutableBuffer(GatewayPacket.closeChannel(.success).bytes)
        GatewayPacket.writeDataHead(of: 4, to: &read)
        read.writeString("late")
        try await world.channel.writeInbound(read)
        #expect(try await world.channel.readInbound(as: ByteBuffer.self) == ByteBuffer(string: "one two three"))
        #expect(try await world.channel.readInbound(as: ByteBuffer.self) == nil)
        #expect(try await world.next() == .closeChannelResponse(.success))
    }

    @Test("passes on the desktop's bytes of a packet whose end has not come")
    func unfinished() async throws {
        let world = World()
        try await world.start()
        try await world.open()
        var read = ByteBuffer()
        GatewayPacket.writeDataHead(of: 60_000, to: &read)
        read.writeString("so far")
        try await world.channel.writeInbound(read)
        #expect(try await world.channel.readInbound(as: ByteBuffer.self) == ByteBuffer(string: "so far"))
    }

    @Test("splits what does not fit into one packet")
    func split() async throws {
        let world = World()
        try await world.start()
        try await world.open()
        try await world.channel.writeAndFlush(ByteBuffer(repeating: 1, count: 65_536))
        let first = try await world.channel.waitForOutboundWrite(as: ByteBuffer.self)
        let second = try await world.channel.waitForOutboundWrite(as: ByteBuffer.self)
        #expect([first.readableBytes, second.readableBytes] == [65_545, 11])
    }

    @Test("refuses a token and ends")
    func refused() async throws {
        let world = World()
        try await world.start()
        try await world.send(.handshakeRequest(.token))
        _ = try await world.next()
        try await world.send(.tunnelCreate([], token: "bad", context: nil))
        #expect(try await world.next() == .tunnelResponse(.tokenRefused, GatewayTunnelFields()))
        await world.channel.testingEventLoop.advanceTime(by: .seconds(3))
        #expect(!world.channel.isActive)
    }

    @Test("ends a stranger who says nothing in time")
    func silent() async throws {
        let world = World()
        try await world.start()
        await world.channel.testingEventLoop.advanceTime(by: .seconds(15))
        #expect(!world.channel.isActive)
    }

    @Test("says why the desktop ends, and ends when the client has understood")
    func goodbye() async throws {
        let world = World()
        try await world.start()
        try await world.open()
        let channel = world.channel
        try await channel.testingEventLoop.executeInContext {
            channel.pipeline.triggerUserOutboundEvent(
                TunnelGoodbye(.ordered(.policyViolation, reason: "Your role was removed.")),
                promise: nil
            )
        }
        #expect(try await world.next() == .serviceMessage("Your role was removed."))
        #expect(try await world.next() == .closeChannel(.personDenied))
        try await world.send(.closeChannelResponse(.success))
        await channel.testingEventLoop.advanceTime(by: .seconds(3))
        #expect(!channel.isActive)
    }

    @Test("asks a client that can to prove itself again, and ends the session of one that does not")
    func reauthentication() async throws {
        let world = World()
        try await world.start(GatewayLimits(keepAlive: nil, reauthentication: .seconds(60)))
        try await world.open([.reauthentication])
        await world.channel.testingEventLoop.advanceTime(by: .seconds(60))
        #expect(try await world.next() == .reauthenticate(context: 0x0707_0707_0707_0707))
        await world.channel.testingEventLoop.advanceTime(by: .seconds(120))
        #expect(try await world.next() == .closeChannel(.timedOut))
    }

    @Test("gives a sign of life")
    func keepAlive() async throws {
        let world = World()
        try await world.start()
        try await world.open()
        await world.channel.testingEventLoop.advanceTime(by: .seconds(30))
        #expect(try await world.next() == .keepAlive)
    }

    @Test("counts strangers by address, and forgets them when they leave")
    func strangers() {
        let meeting = GatewayMeeting(limits: GatewayLimits(strangers: 3, strangersPerAddress: 2))
        let first = meeting.enter(from: "a")
        #expect(first != nil && meeting.enter(from: "a") != nil)
        #expect(meeting.enter(from: "a") == nil)
        #expect(meeting.enter(from: "b") != nil)
        #expect(meeting.enter(from: "c") == nil)
        first?()
        first?()
        #expect(meeting.enter(from: "c") != nil)
        #expect(meeting.enter(from: "c") == nil)
    }
}
