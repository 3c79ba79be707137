import NIOCore
import NIOHTTP1

/// Stands behind the HTTP/1.1 parser for the life of a connection: refuses heads that break `HeadRules`, bounds the
/// time of a request's body, and closes after a request that the parser cannot read beyond.
final class HeadGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let rules: HeadRules
    private let requestDeadline: TimeAmount
    private var unanswered = 0
    private var closesAfterAnswer = false
    private var isRefusing = false
    private var bodyTimer: Scheduled<Void>?

    init(rules: HeadRules, requestDeadline: TimeAmount) {
        self.rules = rules
        self.requestDeadline = requestDeadline
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.bodyTimer?.cancel()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isRefusing else { return }
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            guard let fault = self.rules.fault(in: head) else {
                self.begin(head, context)
                context.fireChannelRead(data)
                return
            }
            self.refuse(fault.status, context)
        case .end:
            self.bodyTimer?.cancel()
            context.fireChannelRead(data)
        case .body:
            context.fireChannelRead(data)
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        self.unanswered += 1
        // The parser reads nothing after a head that asks for an upgrade, so a connection that stays with HTTP ends
        // with its answer. HTTP/1.0 ends there anyway.
        if head.headers.contains(name: "upgrade") || head.version == .http1_0 {
            self.closesAfterAnswer = true
        }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        self.bodyTimer = context.eventLoop.scheduleTask(in: self.requestDeadline) {
            bound.value.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is HTTPParserError {
            self.refuse(.badRequest, context)
        } else {
            context.fireErrorCaught(error)
        }
    }

    /// Answers and closes; an answer out of turn would be taken for another request's, so there is none behind
    /// unanswered ones.
    private func refuse(_ status: HTTPResponseStatus, _ context: ChannelHandlerContext) {
        guard !self.isRefusing else { return }
        self.isRefusing = true
        self.bodyTimer?.cancel()
        guard self.unanswered == 0 else {
            context.close(promise: nil)
            return
        }
        PlainAnswer(status: status, text: status.reasonPhrase).write(to: context)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !self.isRefusing else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch self.unwrapOutboundIn(data) {
        case .head(var head) where self.closesAfterAnswer && head.status.code >= 200:
            head.headers.replaceOrAdd(name: "connection", value: "close")
            context.write(self.wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            self.unanswered -= 1
            guard self.closesAfterAnswer, self.unanswered == 0 else {
                context.write(data, promise: promise)
                return
            }
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            let written = context.writeAndFlush(self.wrapOutboundOut(.end(nil)))
            written.cascade(to: promise)
            written.whenComplete { _ in bound.value.close(promise: nil) }
        case .head, .body:
            context.write(data, promise: promise)
        }
    }
}

/// An answer that the port gives by itself, after which it closes.
struct PlainAnswer {
    var status: HTTPResponseStatus
    var text: String
    var fields: [(String, String)] = []

    func write(to context: ChannelHandlerContext) {
        let body = ByteBuffer(string: self.text)
        var headers = HTTPHeaders([
            ("content-type", "text/plain; charset=utf-8"), ("content-length", "\(body.readableBytes)"),
            ("cache-control", "no-store"), ("connection", "close"),
        ])
        headers.add(contentsOf: self.fields)
        let head = HTTPResponseHead(version: .http1_1, status: self.status, headers: headers)
        context.write(NIOAny(HTTPServerResponsePart.head(head)), promise: nil)
        context.write(NIOAny(HTTPServerResponsePart.body(.byteBuffer(body))), promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(NIOAny(HTTPServerResponsePart.end(nil))).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }
}

// Their state belongs to the channel's event loop alone.
@available(*, unavailable)
extension HeadGate: Sendable {}
