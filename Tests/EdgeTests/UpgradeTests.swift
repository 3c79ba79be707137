import Edge
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Synchronization
import Testing
import WebSocketWire

@Suite struct UpgradeTests {
    static let request =
        "GET /webtunnelv2/token?X-Node-Id=n HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\n"
        + "Upgrade: websocket\r\nOrigin: https://localhost\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Protocol: one, two\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

    /// Echoes what it is sent in WebSocket frames.
    static let echo = UpgradeAnswer.accept { channel in
        channel.eventLoop.makeCompletedFuture {
            guard channel.isActive else { return }
            try channel.pipeline.syncOperations.addHandlers(WebSocketByteHandler(role: .server), Echo())
        }
    }

    private func answer(_ answer: UpgradeAnswer, to request: String = Self.request) async throws -> String {
        let result = Mutex("")
        try await EdgeWorld.run(acceptors: [FixedAcceptor(.notMine), FixedAcceptor(answer)]) { world in
            let text = try await world.exchange(request)
            result.withLock { $0 = text }
        }
        return result.withLock { $0 }
    }

    @Test("switches protocols with the answer to the key, and loses no byte that came with the request")
    func accepts() async throws {
        try await EdgeWorld.run(acceptors: [FixedAcceptor(Self.echo)]) { world in
            let client = try await world.connect()
            var bytes = ByteBuffer(string: Self.request)
            bytes.writeImmutableBuffer(FrameEncoder(role: .client).frame(.binary, ByteBuffer(string: "early")))
            client.send(bytes)
            let answer = try await client.receive(untilText: "early")
            #expect(answer.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
            #expect(answer.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
            #expect(!answer.lowercased().contains("transfer-encoding"))
            for number in 0..<50 {
                let text = "message \(number)."
                client.send(FrameEncoder(role: .client).frame(.binary, ByteBuffer(string: text)))
                #expect(try await client.receive(untilText: text).hasSuffix(text))
            }
            client.send(FrameEncoder(role: .client).close(.normal))
            _ = try await client.rest()
        }
    }

    @Test("tells the acceptor path, query, headers and address")
    func request() async throws {
        let seen = Mutex<UpgradeRequest?>(nil)
        let acceptor = ClosureAcceptor { request, eventLoop in
            seen.withLock { $0 = request }
            return eventLoop.makeSucceededFuture(.refuse(status: .notFound, body: "no such token"))
        }
        try await EdgeWorld.run(acceptors: [acceptor]) { world in
            let answer = try await world.exchange(Self.request)
            #expect(answer.hasPrefix("HTTP/1.1 404 Not Found"))
            #expect(answer.hasSuffix("no such token"))
        }
        let request = try #require(seen.withLock { $0 })
        #expect(request.path == "/webtunnelv2/token")
        #expect(request.query == "X-Node-Id=n")
        #expect(request.subprotocols == ["one", "two"])
        #expect(request.remoteAddress?.ipAddress == "127.0.0.1")
        #expect(request.isFromOwnOrigin())
    }

    @Test("takes the upgrade of a Remote Desktop client, in whatever pieces it comes", arguments: [1, 5, 13, 14, 1000])
    func gatewayMethod(size: Int) async throws {
        let method = Mutex("")
        let acceptor = ClosureAcceptor { request, eventLoop in
            method.withLock { $0 = request.method + " " + request.path }
            return eventLoop.makeSucceededFuture(.refuse(status: .forbidden, body: "no"))
        }
        try await EdgeWorld.run(acceptors: [acceptor]) { world in
            let client = try await world.connect()
            var bytes = ByteBuffer(string: "RDG_OUT_DATA" + Self.request.dropFirst(3))
            while let piece = bytes.readSlice(length: min(size, bytes.readableBytes)), piece.readableBytes > 0 {
                client.send(piece)
            }
            let answer = try await client.rest()
            #expect(answer.hasPrefix("HTTP/1.1 403 Forbidden"))
        }
        #expect(method.withLock { $0 } == "RDG_OUT_DATA /webtunnelv2/token")
    }

    /// An acceptor of gateway requests.
    private struct Gateway: GatewayAcceptor {
        func answer(_ request: UpgradeRequest, on eventLoop: any EventLoop) -> EventLoopFuture<UpgradeAnswer> {
            guard request.path == "/gateway/" else { return eventLoop.makeSucceededFuture(.notMine) }
            let text = "\(request.method) \(request.asksForWebSocket)"
            return eventLoop.makeSucceededFuture(
                .takeOver { channel in
                    channel.writeAndFlush(ByteBuffer(string: text)).map { channel.close(promise: nil) }
                }
            )
        }
    }

    @Test("hands a gateway's requests without WebSocket over as they are", arguments: ["RDG_OUT_DATA", "RDG_IN_DATA"])
    func takeOver(method: String) async throws {
        try await EdgeWorld.run(acceptors: [Gateway()]) { world in
            let request = "\(method) /gateway/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
            let answer = try await world.exchange(request)
            #expect(answer == "\(method) false")
        }
    }

    @Test("asks nobody else about a gateway's request without WebSocket, and the router neither")
    func onlyGateways() async throws {
        let asked = Counter()
        let acceptor = ClosureAcceptor { _, eventLoop in
            asked.increment()
            return eventLoop.makeSucceededFuture(.refuse(status: .forbidden, body: "no"))
        }
        try await EdgeWorld.run(acceptors: [acceptor, Gateway()]) { world in
            let answer = try await world.exchange("RDG_IN_DATA /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 404"))
            #expect(asked.value == 0)
            #expect(world.reached.value == 0)
        }
    }

    @Test("refuses a gateway's first request with a body")
    func gatewayBody() async throws {
        try await EdgeWorld.run(acceptors: [Gateway()]) { world in
            let request = "RDG_IN_DATA /gateway/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
            let answer = try await world.exchange(request)
            #expect(answer.hasPrefix("HTTP/1.1 400"))
        }
    }

    @Test("agrees on a subprotocol only if the client offered it")
    func subprotocol() async throws {
        for (name, isOffered) in [("two", true), ("three", false)] {
            let text = try await self.answer(
                .accept(subprotocol: name) { channel in
                    channel.close(promise: nil)
                    return channel.eventLoop.makeSucceededVoidFuture()
                }
            )
            #expect(text.contains("sec-websocket-protocol: \(name)") == isOffered)
        }
    }

    @Test("answers 502 when the acceptor fails")
    func failing() async throws {
        struct Unreachable: Error {}
        let acceptor = ClosureAcceptor { _, eventLoop in eventLoop.makeFailedFuture(Unreachable()) }
        try await EdgeWorld.run(acceptors: [acceptor]) { world in
            let answer = try await world.exchange(Self.request)
            #expect(answer.hasPrefix("HTTP/1.1 502 Bad Gateway"))
        }
    }

    @Test(
        "refuses a handshake that is none",
        arguments: [
            ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8"),
            ("Sec-WebSocket-Version: 13\r\n", ""),
            ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""),
            (
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                "Sec-WebSocket-Key: \(String(repeating: "a", count: 65))\r\n"
            ),
            ("Sec-WebSocket-Key:", "Sec-WebSocket-Key: a\r\nSec-WebSocket-Key:"),
        ]
    )
    func badHandshake(old: String, new: String) async throws {
        let request = Self.request.replacing(old, with: new)
        let answer = try await self.answer(Self.echo, to: request)
        #expect(answer.hasPrefix("HTTP/1.1 426 Upgrade Required"))
        #expect(answer.contains("sec-websocket-version: 13"))
    }

    @Test(
        "knows its own origin from others",
        arguments: [
            ("https://localhost", true), ("https://LOCALHOST", true), ("https://portal.example", true),
            ("http://localhost", false),
            ("https://localhost.evil.example", false), ("https://localhost:8443", false), ("null", false), ("", false),
        ]
    )
    func origins(origin: String, isOwn: Bool) {
        var headers = HTTPHeaders([("host", "localhost")])
        if !origin.isEmpty {
            headers.add(name: "origin", value: origin)
        }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/", headers: headers)
        let request = UpgradeRequest(head: head, remoteAddress: nil)
        #expect(request.isFromOwnOrigin(or: ["https://portal.example"]) == isOwn)
    }

    @Test("tells an upgraded connection that the server stops, and closes one that waits")
    func stops() async throws {
        let told = Counter()
        let answer = UpgradeAnswer.accept { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(QuiesceListener(told: told))
            }
        }
        try await EdgeWorld.run(acceptors: [FixedAcceptor(answer)]) { world in
            let upgraded = try await world.connect()
            upgraded.send(Self.request)
            _ = try await upgraded.receive(untilText: "\r\n\r\n")
            let waiting = try await world.connect()
            waiting.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await waiting.receive(untilText: "hello")
            await world.services.triggerGracefulShutdown()
            _ = try await upgraded.rest()
            _ = try await waiting.rest()
            #expect(told.value == 1)
        }
    }
}

private final class Echo: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(data, promise: nil)
    }
}

private final class QuiesceListener: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let told: Counter

    init(told: Counter) {
        self.told = told
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            self.told.increment()
            context.close(promise: nil)
        }
    }
}
