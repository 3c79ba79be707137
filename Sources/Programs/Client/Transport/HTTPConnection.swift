import NIOCore
import NIOHTTP1
import Vocabulary

/// A connection to a server that carries one request after the other, HTTP/1.1 with keep-alive.
public final class HTTPConnection: Sendable {
    /// The largest answer that is accepted unless the caller says otherwise, in bytes.
    public static let largestAnswer = 16 << 20

    private let channel: any Channel
    private let authority: String

    private init(channel: any Channel, authority: String) {
        self.channel = channel
        self.authority = authority
    }

    /// Opens a connection.
    public static func open(
        _ dialler: Dialler,
        deadline: Duration = .seconds(15),
        largestAnswer: Int = HTTPConnection.largestAnswer
    ) async throws(TransportError) -> HTTPConnection {
        let channel = try await dialler.dial(deadline: deadline) { channel in
            try channel.pipeline.syncOperations.addHTTPClientHandlers()
            try channel.pipeline.syncOperations.addHandler(AnswerCollector(largestAnswer: largestAnswer))
        }
        return HTTPConnection(channel: channel, authority: dialler.address.authority)
    }

    /// Sends one request on a connection of its own.
    public static func send(
        _ request: HTTPRequest,
        by dialler: Dialler,
        deadline: Duration = .seconds(30)
    ) async throws(TransportError) -> HTTPAnswer {
        let connection = try await Self.open(dialler, deadline: deadline)
        let result: Result<HTTPAnswer, TransportError>
        do throws(TransportError) {
            result = .success(try await connection.send(request, deadline: deadline))
        } catch {
            result = .failure(error)
        }
        await connection.close()
        return try result.get()
    }

    /// Whether another request can be sent.
    public var isOpen: Bool { self.channel.isActive }

    /// Sends a request and waits for the whole answer; a request that is late, or whose task is cancelled, closes the connection.
    public func send(
        _ request: HTTPRequest,
        deadline: Duration = .seconds(30)
    ) async throws(TransportError) -> HTTPAnswer {
        let promise = self.channel.eventLoop.makePromise(of: HTTPAnswer.self)
        let channel = self.channel
        let timer = channel.eventLoop.scheduleTask(in: .milliseconds(max(1, deadline.milliseconds))) {
            promise.fail(TransportError.tooLate)
            channel.close(promise: nil)
        }
        let order = HTTPOrder(request: request, authority: self.authority, promise: promise)
        do {
            return try await withTaskCancellationHandler {
                channel.writeAndFlush(order).cascadeFailure(to: promise)
                let answer = try await promise.futureResult.get()
                timer.cancel()
                return answer
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch {
            timer.cancel()
            throw .from(error)
        }
    }

    /// Closes the connection.
    public func close() async {
        try? await self.channel.close()
    }
}

/// A request on its way into the pipeline, with where the answer goes.
private struct HTTPOrder: Sendable {
    var request: HTTPRequest
    var authority: String
    var promise: EventLoopPromise<HTTPAnswer>
}

/// Sends orders and collects their answers, one at a time.
private final class AnswerCollector: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = HTTPOrder
    typealias OutboundOut = HTTPClientRequestPart

    private let largestAnswer: Int
    private var waiting: EventLoopPromise<HTTPAnswer>?
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []
    private var failure: TransportError?

    init(largestAnswer: Int) {
        self.largestAnswer = largestAnswer
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let order = self.unwrapOutboundIn(data)
        guard self.waiting == nil, context.channel.isActive else {
            order.promise.fail(self.failure ?? TransportError.closed)
            promise?.fail(TransportError.closed)
            return
        }
        self.waiting = order.promise
        var headers = HTTPHeaders([("Host", order.authority)])
        for (name, value) in order.request.headers {
            headers.add(name: name, value: value)
        }
        if !order.request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(order.request.method) {
            headers.replaceOrAdd(name: "Content-Length", value: String(order.request.body.count))
        }
        let head = HTTPRequestHead(
            version: .http1_1,
            method: HTTPMethod(rawValue: order.request.method),
            uri: order.request.path,
            headers: headers
        )
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        if !order.request.body.isEmpty {
            context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: order.request.body)))), promise: nil)
        }
        context.write(self.wrapOutboundOut(.end(nil)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            // Interim answers (1xx) are followed by the real one.
            if head.status.code >= 200 { self.head = head }
        case .body(let bytes):
            guard self.body.count + bytes.readableBytes <= self.largestAnswer else {
                self.fail(TransportError.tooLarge)
                return context.close(promise: nil)
            }
            self.body += bytes.readableBytesView
        case .end:
            guard let head = self.head else { return }
            let answer = HTTPAnswer(
                status: Int(head.status.code),
                headers: head.headers.map { ($0.name, $0.value) },
                body: self.body
            )
            let waiting = self.waiting
            self.waiting = nil
            self.head = nil
            self.body = []
            if !head.isKeepAlive { context.close(promise: nil) }
            waiting?.succeed(answer)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.fail(TransportError.closed)
        context.fireChannelInactive()
    }

    private func fail(_ error: any Error) {
        let error = TransportError.from(error)
        if self.failure == nil { self.failure = error }
        self.waiting?.fail(error == .closed && self.head != nil ? .cutShort : error)
        self.waiting = nil
    }
}
