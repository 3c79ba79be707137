@testable import AccessControl
import NIOCore
import NIOPosix
import Testing
import Vocabulary
import WebSocketWire

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@testable import Tunnel

/// A server on loopback that answers every connection with a banner, echoes, and closes with its client.
private func startTarget(_ group: any EventLoopGroup) async throws -> any Channel {
    try await ServerBootstrap(group: group)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(EchoHandler())
            }
        }
        .bind(host: "127.0.0.1", port: 0).get()
}

private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: "banner\n")), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.write(data, promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
    }
}

private func grant(_ address: String, _ port: Int) throws -> Grant {
    Grant(
        target: try #require(ResourcePath("/subscriptions/a/resourceGroups/demo")),
        endpoint: Endpoint(address: address, port: port),
        user: .zero,
        session: .zero
    )
}

@Suite struct DiallerTests {
    let group = MultiThreadedEventLoopGroup.singleton
    let onThisMachine = AddressPolicy(exceptions: [AddressRange("127.0.0.0/8")].compactMap { $0 })

    @Test(
        "refuses an address that the policy refuses, without dialling",
        arguments: ["127.0.0.1", "::ffff:127.0.0.1", "localhost"]
    )
    func refuses(address: String) async throws {
        let target = try await startTarget(self.group)
        let port = try #require(target.localAddress?.port)
        let future = Dialler().dial(try grant(address, port), on: self.group.next())
        await #expect(throws: DialError.self) { try await future.get() }
        try await target.close()
    }

    @Test("says that a port is closed")
    func unreachable() async throws {
        // Port 1, which nobody serves: a port that was free a moment ago may be another test's now.
        let future = Dialler(policy: self.onThisMachine).dial(try grant("127.0.0.1", 1), on: self.group.next())
        await #expect(throws: DialError.self) { try await future.get() }
    }

    @Test("refuses a port that is none", arguments: [0, -1, 65536])
    func ports(port: Int) async throws {
        let future = Dialler(policy: self.onThisMachine).dial(try grant("127.0.0.1", port), on: self.group.next())
        await #expect(throws: DialError.self) { try await future.get() }
    }

    @Test("carries megabytes over real sockets, the target's first words included")
    func overSockets() async throws {
        let target = try await startTarget(self.group)
        let port = try #require(target.localAddress?.port)
        let policy = self.onThisMachine
        let front = try await ServerBootstrap(group: self.group)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                client.eventLoop.makeCompletedFuture {
                    try client.pipeline.syncOperations.addHandler(Front(policy: policy, port: port))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()

        let total = 3_000_000
        let collected = self.group.next().makePromise(of: Int.self)
        let client = try await ClientBootstrap(group: self.group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(WebSocketByteHandler(role: .client))
                    try channel.pipeline.syncOperations.addHandler(Collector(expected: total + 7, done: collected))
                }
            }
            .connect(to: try #require(front.localAddress)).get()
        for _ in 0..<30 {
            client.write(ByteBuffer(repeating: 0x61, count: total / 30), promise: nil)
        }
        client.flush()
        #expect(try await collected.futureResult.get() == total + 7)
        try await client.close(mode: .output)
        try await client.closeFuture.get()
        try await front.close()
        try await target.close()
    }
}

/// Dials the target once its client is there, and leaves.
private final class Front: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    private let policy: AddressPolicy
    private let port: Int

    init(policy: AddressPolicy, port: Int) {
        self.policy = policy
        self.port = port
    }

    func channelActive(context: ChannelHandlerContext) {
        let client = context.channel
        let grant = Grant(
            target: .root,
            endpoint: Endpoint(address: "127.0.0.1", port: self.port),
            user: .zero,
            session: .zero
        )
        Dialler(policy: self.policy).dial(grant, on: client.eventLoop)
            .flatMap { Tunnel(target: $0).join(client) }
            .flatMap { client.setOption(.autoRead, value: true) }
            .whenSuccess { client.read() }
    }
}

private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let expected: Int
    private let done: EventLoopPromise<Int>
    private var count = 0

    init(expected: Int, done: EventLoopPromise<Int>) {
        self.expected = expected
        self.done = done
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.count += self.unwrapInboundIn(data).readableBytes
        if self.count >= self.expected {
            self.done.succeed(self.count)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.done.succeed(self.count)
    }
}

@Suite struct NetworkDiallerTests {
    private func grant(_ address: String, in network: ResourcePath) throws -> Grant {
        Grant(
            target: network,
            endpoint: Endpoint(address: address, port: 22, network: network),
            user: .zero,
            session: .zero
        )
    }

    @Test("dials an address of another network by the way that leads into it, and nowhere without one")
    func dialsInNetwork() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let target = try await startTarget(group)
        let port = try #require(target.localAddress?.port)
        let network = try #require(ResourcePath("/subscriptions/a/virtualNetworks/red"))
        let dialler = Dialler { asked, endpoint, _ throws(Problem) in
            guard asked == network, endpoint.address == "10.0.0.4" else { throw Problem("Wrong", shown: "wrong") }
            let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            let home = try? SocketAddress(ipAddress: "127.0.0.1", port: port)
            _ = home?.withSockAddr { connect(made, $0, socklen_t($1)) }
            return made
        }
        let channel = try await dialler.dial(try self.grant("10.0.0.4", in: network), on: group.next()).get()
        #expect(channel.remoteAddress?.port == port)
        try await channel.close()
        await #expect(throws: DialError.unreachable("wrong")) {
            try await dialler.dial(try self.grant("10.0.0.5", in: network), on: group.next()).get()
        }
        await #expect(throws: DialError.self) {
            try await Dialler().dial(try self.grant("10.0.0.4", in: network), on: group.next()).get()
        }
        try await target.close()
    }

    @Test("judges the address before it looks into the network") func judgesFirst() async throws {
        let network = try #require(ResourcePath("/subscriptions/a/virtualNetworks/red"))
        let dialler = Dialler { _, _, _ throws(Problem) in throw Problem("Asked", shown: "asked") }
        await #expect(throws: DialError.self) {
            try await dialler.dial(
                try self.grant("169.254.169.254", in: network),
                on: MultiThreadedEventLoopGroup.singleton.next()
            )
            .get()
        }
    }
}
