import Edge
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL
import Testing

/// A client that sends header blocks as they are, valid or not.
private struct HTTP2Client: Sendable {
    let channel: any Channel
    let multiplexer: NIOHTTP2Handler.StreamMultiplexer

    static func connect(_ world: EdgeWorld) async throws -> HTTP2Client {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["h2"]
        let context = try NIOSSLContext(configuration: configuration)
        let made = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: NIOHTTP2Handler.StreamMultiplexer.self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                    var http2 = NIOHTTP2Handler.ConnectionConfiguration()
                    http2.headerBlockValidation = .disabled
                    let multiplexer = try pipeline.configureHTTP2Pipeline(
                        mode: .client,
                        connectionConfiguration: http2,
                        streamConfiguration: .init(),
                        streamDelegate: nil
                    ) { $0.eventLoop.makeSucceededVoidFuture() }
                    made.succeed(multiplexer)
                }
            }
            .connect(host: "127.0.0.1", port: world.port).get()
        return HTTP2Client(channel: channel, multiplexer: try await made.futureResult.get())
    }

    /// The status of the answer; nil when the stream or the connection was ended instead.
    func status(_ fields: [(String, String)]) async throws -> String? {
        let answered = self.channel.eventLoop.makePromise(of: String?.self)
        let opened = self.channel.eventLoop.makePromise(of: (any Channel).self)
        self.multiplexer.createStreamChannel(promise: opened) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(StatusReader(answered))
            }
        }
        let stream = try await opened.futureResult.get()
        let payload = HTTP2Frame.FramePayload.headers(.init(headers: HPACKHeaders(fields), endStream: true))
        stream.writeAndFlush(payload, promise: nil)
        return try await answered.futureResult.get()
    }
}

private final class StatusReader: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    private let answered: EventLoopPromise<String?>

    init(_ answered: EventLoopPromise<String?>) {
        self.answered = answered
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .headers(let headers) = self.unwrapInboundIn(data) {
            self.answered.succeed(headers.headers.first(name: ":status"))
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.answered.succeed(nil)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.answered.succeed(nil)
    }
}

@Suite struct EdgeHTTP2Tests {
    private static let good = [
        (":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/hello"),
    ]

    @Test("answers several streams of one connection")
    func streams() async throws {
        try await EdgeWorld.run { world in
            let client = try await HTTP2Client.connect(world)
            for _ in 0..<5 {
                #expect(try await client.status(Self.good) == "200")
            }
            #expect(world.reached.value == 5)
        }
    }

    static let hostile: [[(String, String)]] = [
        [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/hello\r\nX-Evil: 1")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/hello\0")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/hello HTTP/1.1")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a\r\nb"), (":path", "/hello")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a/b"), (":path", "/hello")],
        [(":method", "GET\r\nX: 1"), (":scheme", "https"), (":authority", "a"), (":path", "/hello")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "hello")],
        [(":method", "GET"), (":scheme", "https"), (":path", "/hello")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/hello"), (":path", "/hello")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/hello"), ("host", "b")],
        [
            (":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/hello"),
            ("transfer-encoding", "chunked"),
        ],
        [
            (":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/hello"),
            ("connection", "upgrade"),
        ],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/hello"), ("x-a", "b\r\nc: d")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/hello"), ("X-Upper", "b")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/hello"), ("content-length", "5")],
        [(":method", "CONNECT"), (":authority", "internal:22")],
    ]

    @Test("lets no hostile header block reach the router", arguments: Self.hostile.indices)
    func refuses(index: Int) async throws {
        try await EdgeWorld.run { world in
            let client = try await HTTP2Client.connect(world)
            let status = try await client.status(Self.hostile[index])
            #expect(status == nil || status?.hasPrefix("4") == true)
            #expect(world.reached.value == 0)
        }
    }
}
