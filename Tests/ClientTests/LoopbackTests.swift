import NIOCore
import NIOHTTP1
import NIOPosix
import Testing
import Vocabulary
import WebSocketWire

@testable import Client

/// A server on the loopback interface that answers the way a test wants.
final class LoopbackServer: Sendable {
    let channel: any Channel
    var address: ServerAddress {
        ServerAddress(isSecure: false, host: "127.0.0.1", port: self.channel.localAddress?.port ?? 0)
    }

    /// Serves raw bytes: `respond` gets what arrived in one read.
    init(_ respond: @escaping @Sendable (ByteBuffer, any Channel) -> Void) async throws {
        self.channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(RawHandler(respond))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
    }

    func dialler(proxy: HTTPProxy? = nil, to address: ServerAddress? = nil) -> Dialler {
        Dialler(address ?? self.address, trust: nil, group: MultiThreadedEventLoopGroup.singleton, proxy: proxy)
    }

    private final class RawHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let respond: @Sendable (ByteBuffer, any Channel) -> Void

        init(_ respond: @escaping @Sendable (ByteBuffer, any Channel) -> Void) { self.respond = respond }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.respond(self.unwrapInboundIn(data), context.channel)
        }
    }
}

/// Hands on what arrives to another channel of the same event loop.
private final class ForwardingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    let other: any Channel

    init(to other: any Channel) { self.other = other }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.other.writeAndFlush(self.unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.other.close(promise: nil)
    }
}

extension Channel {
    func say(_ text: String) { self.writeAndFlush(ByteBuffer(string: text), promise: nil) }
}

@Suite("HTTP over loopback")
struct HTTPLoopbackTests {
    @Test("sends one request after the other on one connection")
    func keepAlive() async throws {
        let server = try await LoopbackServer { bytes, channel in
            let path = String(buffer: bytes).split(separator: " ")[1]
            channel.say("HTTP/1.1 200 OK\r\nX-Path: \(path)\r\nContent-Length: 2\r\n\r\nok")
        }
        let connection = try await HTTPConnection.open(server.dialler())
        for path in ["/a", "/b"] {
            let answer = try await connection.send(HTTPRequest("GET", path))
            #expect(answer.status == 200 && answer.text == "ok" && answer.header("x-path") == path)
        }
        await connection.close()
        await #expect(throws: TransportError.closed) { try await connection.send(HTTPRequest("GET", "/c")) }
    }

    @Test("gives up when the answer is late")
    func late() async throws {
        let server = try await LoopbackServer { _, _ in }
        await #expect(throws: TransportError.tooLate) {
            try await HTTPConnection.send(HTTPRequest("GET", "/"), by: server.dialler(), deadline: .milliseconds(100))
        }
    }

    @Test("gives up when the answer is larger than allowed")
    func large() async throws {
        let server = try await LoopbackServer { _, channel in
            channel.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + String(repeating: "x", count: 100))
        }
        let connection = try await HTTPConnection.open(server.dialler(), largestAnswer: 50)
        await #expect(throws: TransportError.tooLarge) { try await connection.send(HTTPRequest("GET", "/")) }
    }

    @Test("says that the server hung up, and that it speaks no HTTP")
    func broken() async throws {
        let silent = try await LoopbackServer { _, channel in channel.close(promise: nil) }
        await #expect(throws: TransportError.closed) {
            try await HTTPConnection.send(HTTPRequest("GET", "/"), by: silent.dialler())
        }
        let other = try await LoopbackServer { _, channel in channel.say("SSH-2.0-x\r\n") }
        await #expect(throws: TransportError.self) {
            try await HTTPConnection.send(HTTPRequest("GET", "/"), by: other.dialler(), deadline: .seconds(2))
        }
    }

    @Test("goes through a proxy that agrees, with its credentials, and not through one that refuses")
    func proxy() async throws {
        let willing = try await LoopbackServer { bytes, channel in
            let text = String(buffer: bytes)
            if text.hasPrefix("CONNECT sallyport.example:80 ") && text.contains("Basic dTpw") {
                channel.say("HTTP/1.1 200 Connected\r\n\r\n")
            } else {
                channel.say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nfar")
            }
        }
        let target = try ServerAddress("http://sallyport.example")
        let proxy = try HTTPProxy("http://u:p@127.0.0.1:\(willing.address.port)")
        let answer = try await HTTPConnection.send(
            HTTPRequest("GET", "/"),
            by: willing.dialler(proxy: proxy, to: target)
        )
        #expect(answer.text == "far")
        let refusing = try await LoopbackServer { _, channel in channel.say("HTTP/1.1 403 No\r\n\r\n") }
        let other = try HTTPProxy("http://127.0.0.1:\(refusing.address.port)")
        await #expect(throws: TransportError.self) {
            try await HTTPConnection.send(HTTPRequest("GET", "/"), by: refusing.dialler(proxy: other, to: target))
        }
    }

    @Test("speaks TLS with the server through a proxy, and trusts neither of them more for it")
    func secureProxy() async throws {
        try await ScriptedServer.run({ _, _ in .init(text: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nfar") }) {
            server in
            let proxy = try await LoopbackServer { bytes, channel in
                if String(buffer: bytes).hasPrefix("CONNECT localhost:\(server.port) ") {
                    ClientBootstrap(group: channel.eventLoop)
                        .channelInitializer { other in
                            other.eventLoop.makeCompletedFuture {
                                try other.pipeline.syncOperations.addHandler(ForwardingHandler(to: channel))
                                try channel.pipeline.syncOperations.addHandler(
                                    ForwardingHandler(to: other),
                                    position: .first
                                )
                            }
                        }
                        .connect(host: "127.0.0.1", port: server.port)
                        .whenSuccess { _ in channel.say("HTTP/1.1 200 Connected\r\n\r\n") }
                }
            }
            func client(trusting file: String?) throws -> HTTPClient {
                let reach = ServerReach(
                    trust: try ServerTrust(authorities: file),
                    proxy: "http://127.0.0.1:\(proxy.address.port)",
                    group: MultiThreadedEventLoopGroup.singleton
                )
                return HTTPClient(reach: reach)
            }
            let answer = try await client(trusting: server.authorityFile).send(WebRequest("GET", server.url))
            #expect(answer.text == "far")
            await #expect(throws: Problem("Trust", shown: "")) {
                try await client(trusting: nil).send(WebRequest("GET", server.url))
            }
        }
    }

    @Test("waits no longer than the deadline for a TLS handshake that nobody answers")
    func silentHandshake() async throws {
        let server = try await LoopbackServer { _, _ in }
        let address = ServerAddress(isSecure: true, host: "127.0.0.1", port: server.address.port)
        let dialler = Dialler(
            address,
            trust: try ServerTrust(authorities: nil),
            group: MultiThreadedEventLoopGroup.singleton
        )
        await #expect(throws: TransportError.tooLate) {
            _ = try await dialler.dial(deadline: .milliseconds(100)) { _ in }
        }
    }

    @Test("a deadline that passes while the connection is being made is told as one")
    func lateConnection() async throws {
        let server = try await LoopbackServer { _, _ in }
        await #expect(throws: TransportError.tooLate) {
            _ = try await server.dialler().dial(deadline: .milliseconds(1)) { _ in
                // Before the connection is asked for, on its event loop: the deadline comes first.
                let end = NIODeadline.now() + .milliseconds(5)
                while NIODeadline.now() < end {}
            }
        }
    }

    @Test("takes the proxy from the environment, unless the server is excepted")
    func environment() throws {
        let server = try ServerAddress("https://sally.corp.example")
        let values = ["https_proxy": "http://proxy:3128", "no_proxy": "169.254.169.254,.corp.example"]
        #expect(try HTTPProxy.named(by: { values[$0] }, for: server) == nil)
        let other = try ServerAddress("https://sally.example")
        #expect(try HTTPProxy.named(by: { values[$0] }, for: other)?.address.host == "proxy")
        #expect(try HTTPProxy.named(by: { _ in nil }, for: other) == nil)
        for here in ["https://localhost", "https://127.0.0.1:8443", "https://[::1]:8443"] {
            #expect(try HTTPProxy.named(by: { values[$0] }, for: ServerAddress(here)) == nil)
        }
        #expect(try HTTPProxy.named(by: { values[$0] }, for: ServerAddress("https://127.evil.example")) != nil)
    }
}

@Suite("WebSocket over loopback")
struct WebSocketLoopbackTests {
    /// Agrees to the upgrade and says a text with the answer; echoes what follows.
    private static func agreeable(_ bytes: ByteBuffer, _ channel: any Channel) {
        let text = String(buffer: bytes)
        if text.hasPrefix("GET ") {
            let line = text.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") } ?? ""
            let acceptance = WebSocketHandshake.acceptance(of: String(line.dropFirst("Sec-WebSocket-Key: ".count)))
            var answer = ByteBuffer(
                string: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Accept: \(acceptance)\r\n\r\n"
            )
            var hello = FrameEncoder(role: .server).text("hello")
            answer.writeBuffer(&hello)
            channel.writeAndFlush(answer, promise: nil)
            return
        }
        var assembler = MessageAssembler(role: .server)
        var events: [MessageEvent] = []
        try? assembler.feed(bytes, into: &events)
        for case .text(let text) in events {
            channel.writeAndFlush(FrameEncoder(role: .server).text(text), promise: nil)
        }
        for case .close(let code, _) in events {
            channel.writeAndFlush(FrameEncoder(role: .server).close(code), promise: nil)
        }
    }

    @Test("reads a message that came with the answer, sends one, and ends when the connection does")
    func conversation() async throws {
        let server = try await LoopbackServer(Self.agreeable)
        let connection = try await WebSocketConnection.open("/c", by: server.dialler())
        var messages = connection.messages.makeAsyncIterator()
        #expect(try await messages.next() == .text("hello"))
        try await connection.send(text: "echo")
        #expect(try await messages.next() == .text("echo"))
        await connection.close()
        #expect(try await messages.next() == nil)
    }

    @Test("hands on status and body of a refusal")
    func refusal() async throws {
        let server = try await LoopbackServer { _, channel in
            channel.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nno way")
        }
        await #expect(throws: TransportError.refused(status: 403, body: "no way")) {
            _ = try await WebSocketConnection.open("/c", by: server.dialler())
        }
    }

    @Test("believes no upgrade with another key's acceptance")
    func wrongAcceptance() async throws {
        let server = try await LoopbackServer { _, channel in
            channel.say("HTTP/1.1 101 X\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: AAAA\r\n\r\n")
        }
        await #expect(throws: TransportError.self) {
            _ = try await WebSocketConnection.open("/c", by: server.dialler())
        }
    }

    @Test("refuses to send a header with a line end in it")
    func injection() async throws {
        let server = try await LoopbackServer(Self.agreeable)
        await #expect(throws: TransportError.self) {
            _ = try await WebSocketConnection.open("/c", headers: [("X", "a\r\nY: b")], by: server.dialler())
        }
    }

    @Test("gives up on a server that says nothing")
    func silent() async throws {
        let server = try await LoopbackServer { _, _ in }
        await #expect(throws: TransportError.tooLate) {
            _ = try await WebSocketConnection.open("/c", by: server.dialler(), deadline: .milliseconds(100))
        }
    }
}
