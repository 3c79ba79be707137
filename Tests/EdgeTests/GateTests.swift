import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing
import WebSocketWire

@testable import Edge

@Suite struct UpgradeGateTests {
    /// A gate behind its parser, without sockets, on a clock turned by hand.
    struct Fixture {
        let channel = EmbeddedChannel()
        let served: EventLoopFuture<ServedConnection>

        init(_ acceptor: any UpgradeAcceptor) throws {
            try self.channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
            let promise = self.channel.eventLoop.makePromise(of: ServedConnection.self)
            self.served = promise.futureResult
            let handlers = UpgradeGate.HTTPHandlers(
                encoder: HTTPResponseEncoder(),
                decoder: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes)),
                headGate: HeadGate(
                    rules: HeadRules(longestTarget: 1000, mostFields: 50),
                    requestDeadline: .seconds(60)
                ),
                methodHandler: GatewayMethodHandler()
            )
            let pipeline = self.channel.pipeline.syncOperations
            try pipeline.addHandler(handlers.encoder)
            try pipeline.addHandler(handlers.decoder)
            try pipeline.addHandler(handlers.headGate)
            try pipeline.addHandler(
                UpgradeGate(acceptors: [acceptor], handlers: handlers, limits: EdgeLimits(), served: promise) {
                    .upgraded($0)
                }
            )
        }

        func send(_ text: String) throws {
            try self.channel.writeInbound(ByteBuffer(string: text))
        }

        func sent() throws -> String {
            var all = ""
            while let next = try self.channel.readOutbound(as: ByteBuffer.self) {
                all += String(buffer: next)
            }
            return all
        }
    }

    /// An acceptor whose answer a test gives later.
    struct Slow: UpgradeAcceptor {
        let promise: EventLoopPromise<UpgradeAnswer>

        func answer(_ request: UpgradeRequest, on eventLoop: any EventLoop) -> EventLoopFuture<UpgradeAnswer> {
            self.promise.futureResult
        }
    }

    @Test("closes a connection that sends no request")
    func firstRequestDeadline() throws {
        let fixture = try Fixture(FixedAcceptor(.notMine))
        try fixture.send("GET /hello HTTP/1.1\r\nHost:")
        fixture.channel.embeddedEventLoop.advanceTime(by: .seconds(9))
        #expect(fixture.channel.isActive)
        fixture.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!fixture.channel.isActive)
    }

    @Test("closes a connection whose request's body does not end")
    func requestDeadline() throws {
        let fixture = try Fixture(FixedAcceptor(.notMine))
        try fixture.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        fixture.channel.embeddedEventLoop.advanceTime(by: .seconds(59))
        #expect(fixture.channel.isActive)
        fixture.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!fixture.channel.isActive)
    }

    @Test("answers 504 when the acceptor is late, and lets it release what it dialled")
    func lateAcceptor() throws {
        let eventLoop = EmbeddedEventLoop()
        let slow = Slow(promise: eventLoop.makePromise())
        let fixture = try Fixture(slow)
        try fixture.send(UpgradeTests.request)
        fixture.channel.embeddedEventLoop.advanceTime(by: .seconds(30))
        #expect(try fixture.sent().hasPrefix("HTTP/1.1 504 Gateway Timeout"))
        #expect(!fixture.channel.isActive)
        let released = Counter()
        slow.promise.succeed(
            .accept { channel in
                #expect(!channel.isActive)
                released.increment()
                return channel.eventLoop.makeSucceededVoidFuture()
            }
        )
        eventLoop.run()
        fixture.channel.embeddedEventLoop.run()
        #expect(released.value == 1)
    }

    @Test("lets the acceptor release what it dialled when the client goes")
    func clientGoes() throws {
        let eventLoop = EmbeddedEventLoop()
        let slow = Slow(promise: eventLoop.makePromise())
        let fixture = try Fixture(slow)
        try fixture.send(UpgradeTests.request)
        try fixture.channel.close().wait()
        let released = Counter()
        slow.promise.succeed(
            .accept { channel in
                released.increment()
                return channel.eventLoop.makeSucceededVoidFuture()
            }
        )
        eventLoop.run()
        fixture.channel.embeddedEventLoop.run()
        #expect(released.value == 1)
    }

    @Test("reads nothing while the acceptor thinks")
    func holdsReads() throws {
        let eventLoop = EmbeddedEventLoop()
        let slow = Slow(promise: eventLoop.makePromise())
        let fixture = try Fixture(slow)
        let counter = ReadCounter()
        try fixture.channel.pipeline.syncOperations.addHandler(counter, position: .first)
        try fixture.send(UpgradeTests.request)
        fixture.channel.read()
        #expect(counter.reads == 0)
        slow.promise.succeed(.accept { $0.eventLoop.makeSucceededVoidFuture() })
        eventLoop.run()
        fixture.channel.embeddedEventLoop.run()
        #expect(counter.reads == 1)
        #expect(try fixture.sent().hasPrefix("HTTP/1.1 101 "))
    }

    @Test("closes a waiting connection when the server stops")
    func stops() throws {
        let fixture = try Fixture(FixedAcceptor(.notMine))
        fixture.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        #expect(!fixture.channel.isActive)
    }
}

@Suite struct HandshakeGuardTests {
    @Test("closes a connection whose handshake does not end, and says so once")
    func deadline() throws {
        let ended = Counter()
        let guardian = HandshakeGuard(deadline: .seconds(10)) { ended.increment() }
        let channel = EmbeddedChannel(handler: guardian)
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
        channel.embeddedEventLoop.advanceTime(by: .seconds(9))
        #expect(channel.isActive && ended.value == 0)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive && ended.value == 1)
    }
}

@Suite struct ConnectionLedgerTests {
    private func origin(_ text: String) throws -> ConnectionLedger.Origin {
        ConnectionLedger.Origin(try SocketAddress(ipAddress: text, port: 1))
    }

    @Test("bounds handshakes by address, and connections altogether")
    func bounds() throws {
        let ledger = ConnectionLedger(connections: 3, connectionsPerAddress: 3, handshakesPerAddress: 2)
        let one = try self.origin("192.0.2.1")
        let other = try self.origin("192.0.2.2")
        let first = try #require(ledger.admit(one))
        _ = try #require(ledger.admit(one))
        #expect(ledger.admit(one) == nil)
        first.handshakeEnded()
        let third = try #require(ledger.admit(other))
        #expect(ledger.admit(one) == nil)
        third.leave()
        #expect(ledger.admit(one) != nil)
        #expect(ledger.connections == 3)
    }

    @Test("bounds connections by address after their handshakes too, and leaves room for others")
    func boundsAddresses() throws {
        let ledger = ConnectionLedger(connections: 8, connectionsPerAddress: 2, handshakesPerAddress: 8)
        let one = try self.origin("2001:db8::1")
        let seats = try (0..<2).map { _ in try #require(ledger.admit(one)) }
        for seat in seats { seat.handshakeEnded() }
        #expect(try ledger.admit(self.origin("2001:db8::2")) == nil)
        #expect(try ledger.admit(self.origin("192.0.2.2")) != nil)
        seats[0].leave()
        #expect(ledger.admit(one) != nil)
        #expect(ledger.admit(one) == nil)
    }

    @Test("does not count what an acceptor has taken over against the address, but among all")
    func provenSeats() throws {
        let ledger = ConnectionLedger(connections: 2, connectionsPerAddress: 1, handshakesPerAddress: 8)
        let one = try self.origin("192.0.2.1")
        let tunnel = try #require(ledger.admit(one))
        #expect(ledger.admit(one) == nil)
        tunnel.prove()
        tunnel.prove()
        let next = try #require(ledger.admit(one))
        #expect(ledger.connections == 2)
        next.prove()
        #expect(ledger.admit(one) == nil)
        tunnel.leave()
        tunnel.leave()
        tunnel.prove()
        #expect(ledger.connections == 1)
        #expect(ledger.admit(one) != nil)
        #expect(ledger.admit(one) == nil)
    }

    @Test("forgets an address without connections")
    func forgets() throws {
        let ledger = ConnectionLedger(connections: 3, connectionsPerAddress: 3, handshakesPerAddress: 2)
        let seat = try #require(ledger.admit(try self.origin("192.0.2.1")))
        seat.handshakeEnded()
        #expect(ledger.addresses == 1)
        seat.leave()
        #expect(ledger.addresses == 0 && ledger.connections == 0)
    }

    @Test("lets one notice a minute through")
    func notices() {
        let notice = OncePerMinute()
        let start = NIODeadline.now()
        #expect(notice.isDue(at: start))
        #expect(!notice.isDue(at: start + .seconds(59)))
        #expect(notice.isDue(at: start + .seconds(60)))
        #expect(!notice.isDue(at: start + .seconds(61)))
    }

    @Test("gives one address an eighth of all connections, never none")
    func shares() {
        #expect(EdgeLimits().connectionsPerAddress == 1_250)
        #expect(EdgeLimits(connections: 1).connectionsPerAddress == 1)
    }

    @Test("counts an IPv6 network as one, and a mapped IPv4 address as itself")
    func origins() throws {
        #expect(try self.origin("2001:db8::1") == self.origin("2001:db8::ffff:2"))
        #expect(try self.origin("2001:db8::1") != self.origin("2001:db8:0:1::1"))
        #expect(try self.origin("::ffff:192.0.2.1") == self.origin("192.0.2.1"))
        #expect(try self.origin("::ffff:192.0.2.1") != self.origin("::ffff:192.0.2.2"))
        #expect(ConnectionLedger.Origin(nil) == .unknown)
    }
}

/// Counts the reads that reach the socket.
private final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = Any
    var reads = 0

    func read(context: ChannelHandlerContext) {
        self.reads += 1
        context.read()
    }
}
