public import NIOCore
import NIOHTTP1
import Vocabulary
import WebSocketWire

/// Opens WebSocket connections as a client. Source: RFC 6455 section 4.1.
public struct WebSocketClient: Sendable {
    private let dialler: Dialler
    private let patience: TimeAmount

    /// Makes a client; `patience` bounds the wait for the server's answer to the upgrade.
    public init(dialler: Dialler, patience: TimeAmount = .seconds(20)) {
        self.dialler = dialler
        self.patience = patience
    }

    /// Upgrades a connection to `url` (`wss://` or `https://`), then lets `configure` add the frame handlers.
    ///
    /// A refusal by the server is a `Problem` whose text is the server's own message where it has one.
    public func open(
        _ url: String,
        headers: [(name: String, value: String)] = [],
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) async throws -> any Channel {
        let address = try WebAddress(url)
        let key = WebSocketHandshake.newKey()
        let upgraded = Outcome()
        let channel = try await self.dialler.connect(to: address) { channel in
            channel.eventLoop.makeCompletedFuture {
                var all = HTTPHeaders(headers.map { ($0.name, $0.value) })
                all.add(name: "Host", value: address.authority)
                all.add(name: "Origin", value: "https://\(address.authority)")
                all.add(name: "Connection", value: "Upgrade")
                all.add(name: "Upgrade", value: "websocket")
                all.add(name: "Sec-WebSocket-Version", value: WebSocketHandshake.version)
                all.add(name: "Sec-WebSocket-Key", value: key)
                let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: address.target, headers: all)
                let encoder = HTTPRequestEncoder()
                let decoder = ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes))
                let handler = UpgradeHandler(
                    head: head,
                    key: key,
                    outcome: upgraded,
                    http: (encoder, decoder),
                    configure: configure
                )
                try channel.pipeline.syncOperations.addHandlers([encoder, decoder, handler])
            }
        }
        let timer = channel.eventLoop.scheduleTask(in: self.patience) {
            upgraded.fail(Problem("Timeout", shown: "The server did not answer in time."))
            channel.close(promise: nil)
        }
        defer { timer.cancel() }
        do {
            try await upgraded.wait()
        } catch {
            channel.close(promise: nil)
            throw Dialler.explain(error, address)
        }
        return channel
    }
}

/// How the upgrade went, from the event loop to the task that waits.
private final class Outcome: Sendable {
    private let stream: AsyncThrowingStream<Void, any Error>
    private let continuation: AsyncThrowingStream<Void, any Error>.Continuation

    init() {
        (self.stream, self.continuation) = AsyncThrowingStream.makeStream(bufferingPolicy: .bufferingOldest(1))
    }

    func succeed() {
        self.continuation.yield()
        self.continuation.finish()
    }

    func fail(_ error: any Error) {
        self.continuation.finish(throwing: error)
    }

    func wait() async throws {
        for try await _ in self.stream { return }
        throw CancellationError()
    }
}

/// Sends the upgrade request and takes the HTTP handlers away when the server agrees.
private final class UpgradeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let head: HTTPRequestHead
    private let key: String
    private let outcome: Outcome
    private let http: (encoder: HTTPRequestEncoder, decoder: ByteToMessageHandler<HTTPResponseDecoder>)
    private let configure: @Sendable (any Channel) throws -> Void
    private var isAccepted = false
    private var refusal: (status: Int, body: ByteBuffer)?

    init(
        head: HTTPRequestHead,
        key: String,
        outcome: Outcome,
        http: (HTTPRequestEncoder, ByteToMessageHandler<HTTPResponseDecoder>),
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) {
        self.head = head
        self.key = key
        self.outcome = outcome
        self.http = http
        self.configure = configure
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(self.wrapOutboundOut(.head(self.head)), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            if head.status == .switchingProtocols,
                head.headers.first(name: "Sec-WebSocket-Accept") == WebSocketHandshake.acceptance(of: self.key)
            {
                // The decoder still has to tell of the answer's end, and must tell this handler: the next ones know no HTTP.
                self.isAccepted = true
            } else {
                self.refusal = (Int(head.status.code), ByteBuffer())
            }
        case .body(var part):
            if let refusal = self.refusal, refusal.body.readableBytes < 65_536 { self.refusal?.body.writeBuffer(&part) }
        case .end:
            if self.isAccepted {
                self.finish(context)
                return
            }
            guard let refusal = self.refusal else { return }
            let json = try? JSONValue(parsing: refusal.body.readableBytesView)
            let message = json?["message"]?.string ?? json?["error"]?["message"]?.string
            self.fail(
                Problem(
                    json?["error"]?["code"]?.string ?? "UpgradeRefused",
                    shown: PrintableText.of(
                        message ?? "The server refused the connection (HTTP \(refusal.status)).",
                        limit: 1000
                    )
                )
            )
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.fail(ClosedBeforeAnswer())
        context.fireChannelInactive()
    }

    private func finish(_ context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        do {
            try self.configure(context.channel)
        } catch {
            self.fail(error)
            context.close(promise: nil)
            return
        }
        // The decoder goes last: leaving, it hands the bytes that followed the answer to the new handlers.
        _ = pipeline.removeHandler(self.http.encoder)
        _ = pipeline.removeHandler(self)
        _ = pipeline.removeHandler(self.http.decoder)
        self.outcome.succeed()
    }

    private func fail(_ error: any Error) {
        self.outcome.fail(error)
    }
}
