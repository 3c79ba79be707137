public import NIOCore
import NIOHTTP1
public import Vocabulary

/// One HTTP request as our programs send it.
public struct WebRequest: Sendable {
    public var method: String
    public var url: String
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]

    /// Makes a request; a body needs a `Content-Type` among the headers.
    public init(_ method: String, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

/// One HTTP answer, whole.
public struct WebReply: Sendable {
    public let status: Int
    public let headers: [(name: String, value: String)]
    public let body: [UInt8]

    /// The first header of that name, in any letter case.
    public func header(_ name: String) -> String? {
        self.headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The body as JSON; nil when it is none.
    public var json: JSONValue? {
        try? JSONValue(parsing: self.body)
    }
}

/// A small HTTP/1.1 client over TLS that keeps connections for the next request to the same origin.
///
/// Answers are limited to 64 MiB and every request to a deadline. Redirects are not followed: none of our servers sends any to a program.
public actor HTTPClient {
    private let dialler: Dialler
    private let deadline: TimeAmount
    private var idle: [String: any Channel] = [:]

    /// Makes a client; `deadline` bounds one request from connecting to the last byte.
    public init(dialler: Dialler, deadline: TimeAmount = .seconds(30)) {
        self.dialler = dialler
        self.deadline = deadline
    }

    /// Sends a request and waits for the whole answer. Throws a `Problem` that says what to do.
    public func send(_ request: WebRequest) async throws -> WebReply {
        let address = try WebAddress(request.url)
        if let channel = self.idle.removeValue(forKey: address.authority), channel.isActive {
            do {
                return try await self.exchange(request, address, on: channel)
            } catch is ClosedBeforeAnswer {
                // The server closed an idle connection at the moment we used it: once more on a new one.
            } catch is ChannelError {
                // The same, noticed while writing.
            } catch {
                throw Dialler.explain(error, address)
            }
        }
        let channel = try await self.dialler.connect(to: address) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                try channel.pipeline.syncOperations.addHandler(ExchangeHandler())
            }
        }
        do {
            return try await self.exchange(request, address, on: channel)
        } catch is ClosedBeforeAnswer {
            throw Problem("Unreachable", shown: "\(address.authority) closed the connection without an answer.")
        } catch {
            throw Dialler.explain(error, address)
        }
    }

    private func exchange(_ request: WebRequest, _ address: WebAddress, on channel: any Channel) async throws
        -> WebReply
    {
        let promise = channel.eventLoop.makePromise(of: WebReply.self)
        let timer = channel.eventLoop.scheduleTask(in: self.deadline) {
            promise.fail(Problem("Timeout", shown: "\(address.authority) did not answer in time."))
            channel.close(promise: nil)
        }
        var headers = HTTPHeaders(request.headers.map { ($0.name, $0.value) })
        headers.replaceOrAdd(name: "Host", value: address.authority)
        if !headers.contains(name: "Accept") { headers.add(name: "Accept", value: "application/json") }
        if !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) {
            headers.replaceOrAdd(name: "Content-Length", value: String(request.body.count))
        }
        let head = HTTPRequestHead(
            version: .http1_1,
            method: HTTPMethod(rawValue: request.method),
            uri: address.target,
            headers: headers
        )
        channel.writeAndFlush(Exchange(head: head, body: ByteBuffer(bytes: request.body), promise: promise))
            .cascadeFailure(to: promise)
        defer { timer.cancel() }
        let reply = try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            channel.close(promise: nil)
        }
        if channel.isActive, reply.header("connection")?.lowercased() != "close" {
            self.idle[address.authority] = channel
        } else {
            channel.close(promise: nil)
        }
        return reply
    }
}

/// The connection ended before the first byte of an answer.
struct ClosedBeforeAnswer: Error {}

/// A request on its way through the pipeline, with where its answer goes.
struct Exchange: Sendable {
    let head: HTTPRequestHead
    let body: ByteBuffer
    let promise: EventLoopPromise<WebReply>
}

/// Sends one request at a time and collects its answer.
final class ExchangeHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Exchange
    typealias OutboundOut = HTTPClientRequestPart

    private static let largest = 64 << 20

    private var promise: EventLoopPromise<WebReply>?
    private var head: HTTPResponseHead?
    private var body = ByteBuffer()

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let exchange = self.unwrapOutboundIn(data)
        self.promise = exchange.promise
        self.head = nil
        self.body = ByteBuffer()
        context.write(self.wrapOutboundOut(.head(exchange.head)), promise: nil)
        if exchange.body.readableBytes > 0 {
            context.write(self.wrapOutboundOut(.body(.byteBuffer(exchange.body))), promise: nil)
        }
        context.write(self.wrapOutboundOut(.end(nil)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
        case .body(var part):
            self.body.writeBuffer(&part)
            if self.body.readableBytes > Self.largest {
                self.fail(Problem("AnswerTooLarge", shown: "The server's answer is too large."))
                context.close(promise: nil)
            }
        case .end:
            guard let head = self.head, head.status.code >= 200 else { return }
            let reply = WebReply(
                status: Int(head.status.code),
                headers: head.headers.map { ($0.name, $0.value) },
                body: Array(self.body.readableBytesView)
            )
            self.head = nil
            self.promise?.succeed(reply)
            self.promise = nil
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.fail(
            self.head == nil
                ? ClosedBeforeAnswer()
                : Problem("Unreachable", shown: "The connection broke in the middle of the server's answer.")
        )
        context.fireChannelInactive()
    }

    private func fail(_ error: any Error) {
        self.promise?.fail(error)
        self.promise = nil
    }
}
