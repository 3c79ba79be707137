public import NIOCore
import NIOHTTP1
public import Vocabulary
import WebSocketWire

/// Opens a WebSocket: connects, sends the upgrade request, checks the answer, and hands the channel over. Source: RFC 6455 section 4.1.
public enum WebSocketDial {
    /// Opens one. When the server has agreed, `prepare` adds the handlers that speak WebSocket; bytes that came with the answer reach them.
    ///
    /// Throws `refused` with status and body when the server answers anything but 101.
    public static func open(
        _ path: String,
        headers: [(name: String, value: String)] = [],
        subprotocol: String? = nil,
        by dialler: Dialler,
        deadline: Duration = .seconds(15),
        random: RandomSource = .system,
        prepare: @escaping @Sendable (any Channel) throws -> Void
    ) async throws(TransportError) -> any Channel {
        let key = WebSocketHandshake.newKey(from: random)
        var all = HTTPHeaders([
            ("Host", dialler.address.authority), ("Connection", "Upgrade"), ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", WebSocketHandshake.version), ("Sec-WebSocket-Key", key),
        ])
        if let subprotocol { all.add(name: "Sec-WebSocket-Protocol", value: subprotocol) }
        for (name, value) in headers { all.add(name: name, value: value) }
        let written = [path] + all.flatMap { [$0.name, $0.value] }
        guard !written.contains(where: { word in word.utf8.contains { $0 == 10 || $0 == 13 || $0 == 0 } }) else {
            throw .malformed("a line end in a header")
        }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: all)
        let done = dialler.makePromise()
        let channel: any Channel
        do throws(TransportError) {
            channel = try await dialler.dial(deadline: deadline) { channel in
                let encoder = HTTPRequestEncoder()
                let decoder = ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes))
                let upgrade = UpgradeHandler(
                    head: head,
                    acceptance: WebSocketHandshake.acceptance(of: key),
                    done: done,
                    http: (encoder, decoder),
                    prepare: prepare
                )
                try channel.pipeline.syncOperations.addHandlers([encoder, decoder, upgrade])
            }
        } catch {
            done.fail(error)
            throw error
        }
        let timer = channel.eventLoop.scheduleTask(in: .milliseconds(max(1, deadline.milliseconds))) {
            done.fail(TransportError.tooLate)
            channel.close(promise: nil)
        }
        defer { timer.cancel() }
        do {
            try await withTaskCancellationHandler {
                try await done.futureResult.get()
            } onCancel: {
                channel.close(promise: nil)
            }
            return channel
        } catch {
            channel.close(promise: nil)
            throw .from(error)
        }
    }
}

/// Sends the upgrade request and judges the answer; when the server agrees, takes the HTTP handlers and itself away.
private final class UpgradeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private static let largestRefusal = 64 << 10

    private let head: HTTPRequestHead
    private let acceptance: String
    private let done: EventLoopPromise<Void>
    private let http: (encoder: HTTPRequestEncoder, decoder: ByteToMessageHandler<HTTPResponseDecoder>)
    private let prepare: @Sendable (any Channel) throws -> Void
    private var isAccepted = false
    private var refusal: (status: Int, body: ByteBuffer)?

    init(
        head: HTTPRequestHead,
        acceptance: String,
        done: EventLoopPromise<Void>,
        http: (HTTPRequestEncoder, ByteToMessageHandler<HTTPResponseDecoder>),
        prepare: @escaping @Sendable (any Channel) throws -> Void
    ) {
        self.head = head
        self.acceptance = acceptance
        self.done = done
        self.http = http
        self.prepare = prepare
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(self.wrapOutboundOut(.head(self.head)), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head) where head.status == .switchingProtocols:
            guard
                head.headers.first(name: "Sec-WebSocket-Accept") == self.acceptance,
                head.headers.first(name: "Upgrade")?.lowercased() == "websocket"
            else { return self.fail(context, TransportError.malformed("the upgrade is not for this request")) }
            // The decoder still has to tell of the answer's end, and must tell this handler: the next ones know no HTTP.
            self.isAccepted = true
        case .head(let head):
            self.refusal = (Int(head.status.code), ByteBuffer())
        case .body(var part):
            guard let refusal = self.refusal else { return }
            if refusal.body.readableBytes < Self.largestRefusal { self.refusal?.body.writeBuffer(&part) }
        case .end:
            if self.isAccepted { return self.handOver(context) }
            guard let refusal = self.refusal else { return }
            self.fail(context, TransportError.refused(status: refusal.status, body: String(buffer: refusal.body)))
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.fail(context, error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.done.fail(TransportError.closed)
        context.fireChannelInactive()
    }

    private func handOver(_ context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        do {
            try self.prepare(context.channel)
        } catch {
            return self.fail(context, error)
        }
        // The decoder goes last: leaving, it hands the bytes that followed the answer to the new handlers.
        _ = pipeline.removeHandler(self.http.encoder)
        _ = pipeline.removeHandler(self)
        _ = pipeline.removeHandler(self.http.decoder)
        self.done.succeed()
    }

    private func fail(_ context: ChannelHandlerContext, _ error: any Error) {
        self.done.fail(error)
        context.close(promise: nil)
    }
}
