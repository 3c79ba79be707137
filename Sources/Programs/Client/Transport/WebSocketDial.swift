public import NIOCore
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
        by dialer: Dialer,
        deadline: Duration = .seconds(15),
        random: RandomSource = .system,
        prepare: @escaping @Sendable (any Channel) throws -> Void
    ) async throws(TransportError) -> any Channel {
        let key = WebSocketHandshake.newKey(from: random)
        var lines = [
            "GET \(path) HTTP/1.1", "Host: \(dialer.address.authority)", "Connection: Upgrade", "Upgrade: websocket",
            "Sec-WebSocket-Version: \(WebSocketHandshake.version)", "Sec-WebSocket-Key: \(key)",
        ]
        if let subprotocol { lines.append("Sec-WebSocket-Protocol: \(subprotocol)") }
        lines += headers.map { "\($0.name): \($0.value)" }
        guard !lines.contains(where: { line in line.utf8.contains { $0 == 10 || $0 == 13 || $0 == 0 } }) else {
            throw .malformed("a line end in a header")
        }
        let request = lines.map { $0 + "\r\n" }.joined() + "\r\n"
        let done = dialer.makePromise()
        let channel: any Channel
        do throws(TransportError) {
            channel = try await dialer.dial(deadline: deadline) { channel in
                try channel.pipeline.syncOperations.addHandler(
                    UpgradeHandler(
                        request: request,
                        acceptance: WebSocketHandshake.acceptance(of: key),
                        done: done,
                        loop: channel.eventLoop,
                        prepare: prepare
                    )
                )
            }
        } catch {
            done.fail(error)
            throw error
        }
        let timer = channel.eventLoop.scheduleTask(in: .milliseconds(max(1, deadline.milliseconds))) {
            channel.pipeline.fireUserInboundEventTriggered(UpgradeHandler.Late())
        }
        do {
            try await withTaskCancellationHandler {
                try await done.futureResult.get()
            } onCancel: {
                channel.close(promise: nil)
            }
            timer.cancel()
            return channel
        } catch {
            timer.cancel()
            try? await channel.close()
            throw .from(error)
        }
    }
}

/// Sends the upgrade request and judges the answer; then makes way.
private final class UpgradeHandler: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    struct Late: Sendable {}

    private struct State {
        var received = ByteBuffer()
        var refusal: (status: Int, length: Int?)?
        var isOver = false
    }

    private static let largestHead = 16 << 10
    private static let largestRefusal = 64 << 10

    private let done: EventLoopPromise<Void>
    private let request: String
    private let acceptance: String
    private let prepare: @Sendable (any Channel) throws -> Void
    private let state: NIOLoopBoundBox<State>

    init(
        request: String,
        acceptance: String,
        done: EventLoopPromise<Void>,
        loop: any EventLoop,
        prepare: @escaping @Sendable (any Channel) throws -> Void
    ) {
        self.request = request
        self.acceptance = acceptance
        self.done = done
        self.prepare = prepare
        self.state = .makeBoxSendingValue(State(), eventLoop: loop)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: self.request)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        guard !self.state.value.isOver else { return context.fireChannelRead(data) }
        self.state.value.received.writeBuffer(&bytes)
        if self.state.value.refusal == nil { self.readHead(context) }
        self.finishRefusal(context, atEnd: false)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.finishRefusal(context, atEnd: true)
        self.fail(TransportError.closed)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.fail(error)
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is Late else { return context.fireUserInboundEventTriggered(event) }
        self.fail(TransportError.tooLate)
    }

    private func readHead(_ context: ChannelHandlerContext) {
        let view = self.state.value.received.readableBytesView
        guard let end = view.firstRange(of: Array("\r\n\r\n".utf8)) else {
            if view.count > Self.largestHead { self.fail(TransportError.malformed("an endless head")) }
            return
        }
        let text = String(decoding: view[..<end.lowerBound], as: UTF8.self)
        self.state.value.received.moveReaderIndex(to: end.upperBound)
        var lines = text.split(separator: "\r\n" as Character).map(String.init)
        let words = lines.isEmpty ? [] : lines.removeFirst().split(separator: " " as Character, maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            return self.fail(TransportError.malformed("no HTTP status"))
        }
        var headers: [String: String] = [:]
        for line in lines {
            guard let colon = line.firstIndex(of: ":" as Character) else { continue }
            headers[line[..<colon].lowercased()] =
                line[line.index(after: colon)...]
                .drop { $0 == " " }.description
        }
        guard status == 101 else {
            self.state.value.refusal = (status, headers["content-length"].flatMap { Int($0) })
            return
        }
        guard headers["sec-websocket-accept"] == self.acceptance, headers["upgrade"]?.lowercased() == "websocket" else {
            return self.fail(TransportError.malformed("the upgrade is not for this request"))
        }
        self.handOver(context)
    }

    private func handOver(_ context: ChannelHandlerContext) {
        let rest = self.state.value.received
        self.state.value.isOver = true
        do {
            try self.prepare(context.channel)
        } catch {
            return self.done.fail(error)
        }
        self.done.succeed()
        if rest.readableBytes > 0 { context.fireChannelRead(self.wrapInboundOut(rest)) }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func finishRefusal(_ context: ChannelHandlerContext, atEnd: Bool) {
        guard let refusal = self.state.value.refusal, !self.state.value.isOver else { return }
        let body = self.state.value.received.readableBytesView
        let isWhole = refusal.length.map { body.count >= $0 } ?? false
        guard atEnd || isWhole || body.count > Self.largestRefusal else { return }
        let text = String(decoding: body.prefix(Self.largestRefusal), as: UTF8.self)
        self.fail(TransportError.refused(status: refusal.status, body: text))
    }

    private func fail(_ error: any Error) {
        guard !self.state.value.isOver else { return }
        self.state.value.isOver = true
        self.done.fail(error)
    }
}
