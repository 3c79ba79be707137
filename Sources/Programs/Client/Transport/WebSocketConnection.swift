import NIOCore
public import Vocabulary
import WebSocketWire

/// A WebSocket that carries whole messages both ways: for conversations; a tunnel puts its own handlers on the channel of `WebSocketDial`.
public final class WebSocketConnection: Sendable {
    /// A message.
    public enum Message: Hashable, Sendable {
        case text(String)
        case binary([UInt8])
    }

    /// How many messages may wait for their reader; a server that sends more is cut off.
    public static let mostWaiting = 1024

    /// What the server sends; ends with the connection.
    public let messages: AsyncThrowingStream<Message, any Error>
    private let channel: any Channel
    private let encoder = FrameEncoder(role: .client)

    private init(channel: any Channel, messages: AsyncThrowingStream<Message, any Error>) {
        self.channel = channel
        self.messages = messages
    }

    /// Opens a connection. A ping goes out every `keepAlive`, and a server that does not answer until the next but one is given up.
    public static func open(
        _ path: String,
        headers: [(name: String, value: String)] = [],
        subprotocol: String? = nil,
        by dialler: Dialler,
        deadline: Duration = .seconds(15),
        keepAlive: Duration = .seconds(20),
        longestMessage: Int = 4 << 20,
        random: RandomSource = .system
    ) async throws(TransportError) -> WebSocketConnection {
        let (stream, continuation) = AsyncThrowingStream.makeStream(
            of: Message.self,
            throwing: (any Error).self,
            bufferingPolicy: .bufferingOldest(Self.mostWaiting)
        )
        let channel = try await WebSocketDial.open(
            path,
            headers: headers,
            subprotocol: subprotocol,
            by: dialler,
            deadline: deadline,
            random: random
        ) { channel in
            try channel.pipeline.syncOperations.addHandler(
                MessageHandler(
                    continuation,
                    keepAlive: .milliseconds(keepAlive.milliseconds),
                    longestMessage: longestMessage
                )
            )
        }
        return WebSocketConnection(channel: channel, messages: stream)
    }

    /// Sends a text message; returns when it has left for the network.
    public func send(text: String) async throws(TransportError) {
        try await self.send(self.encoder.text(text))
    }

    /// Sends a binary message; returns when it has left for the network.
    public func send(binary bytes: [UInt8]) async throws(TransportError) {
        try await self.send(self.encoder.frame(.binary, ByteBuffer(bytes: bytes)))
    }

    private func send(_ frame: ByteBuffer) async throws(TransportError) {
        do {
            try await self.channel.writeAndFlush(frame)
        } catch {
            throw .from(error)
        }
    }

    /// Closes without a word and without waiting: for the moment a task is cancelled.
    public func abort() {
        self.channel.close(promise: nil)
    }

    /// Says goodbye and closes.
    public func close() async {
        try? await self.channel.writeAndFlush(self.encoder.close(.normal))
        try? await self.channel.close()
    }
}

/// Turns bytes into messages and keeps the connection alive.
private final class MessageHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let continuation: AsyncThrowingStream<WebSocketConnection.Message, any Error>.Continuation
    private let encoder = FrameEncoder(role: .client)
    private var assembler: MessageAssembler
    private let keepAlive: TimeAmount
    private var unanswered = 0
    private var timer: RepeatedTask?

    init(
        _ continuation: AsyncThrowingStream<WebSocketConnection.Message, any Error>.Continuation,
        keepAlive: TimeAmount,
        longestMessage: Int
    ) {
        self.continuation = continuation
        self.keepAlive = keepAlive
        self.assembler = MessageAssembler(role: .client, longestMessage: longestMessage)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.timer = context.eventLoop.scheduleRepeatedTask(initialDelay: self.keepAlive, delay: self.keepAlive) { _ in
            let (handler, context) = bound.value
            handler.ping(context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.timer?.cancel()
        self.continuation.finish()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.timer?.cancel()
        self.continuation.finish()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.unanswered = 0
        var events: [MessageEvent] = []
        var failure: WebSocketWireError?
        do throws(WebSocketWireError) {
            try self.assembler.feed(self.unwrapInboundIn(data), into: &events)
        } catch {
            failure = error
        }
        for event in events {
            switch event {
            case .text(let text): self.deliver(.text(text), context)
            case .binary(let bytes): self.deliver(.binary(Array(bytes.readableBytesView)), context)
            case .ping(let content):
                context.writeAndFlush(self.wrapOutboundOut(self.encoder.frame(.pong, content)), promise: nil)
            case .pong: break
            case .close(let code, _):
                context.writeAndFlush(self.wrapOutboundOut(self.encoder.close(code)), promise: nil)
                context.close(promise: nil)
            }
        }
        if let failure {
            context.writeAndFlush(self.wrapOutboundOut(self.encoder.close(failure.closeCode)), promise: nil)
            self.end(context, TransportError.malformed("\(failure)"))
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.end(context, TransportError.from(error))
    }

    private func deliver(_ message: WebSocketConnection.Message, _ context: ChannelHandlerContext) {
        if case .dropped = self.continuation.yield(message) {
            self.end(context, TransportError.tooLarge)
        }
    }

    private func ping(_ context: ChannelHandlerContext) {
        guard self.unanswered < 2 else { return self.end(context, TransportError.tooLate) }
        self.unanswered += 1
        context.writeAndFlush(self.wrapOutboundOut(self.encoder.frame(.ping, ByteBuffer())), promise: nil)
    }

    private func end(_ context: ChannelHandlerContext, _ error: TransportError) {
        self.continuation.finish(throwing: error)
        context.close(promise: nil)
    }
}
