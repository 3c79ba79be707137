import NIOCore
import NIOHTTP1

/// One connection to the metadata service: a request, an answer, the next request.
final class MetadataHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private static let longestIdle: TimeAmount = .seconds(30)
    private static let longestForm = 8192

    private let service: MetadataService
    private var head: HTTPRequestHead?
    private var form = ByteBuffer()
    private var idle: Scheduled<Void>?

    init(_ service: MetadataService) {
        self.service = service
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.waitForNext(context)
    }

    func channelActive(context: ChannelHandlerContext) {
        // A neighbour can send packets for this machine's own address here; only who is on this machine may ask.
        guard Self.isFromHere(context.channel) else {
            context.close(promise: nil)
            return
        }
        context.fireChannelActive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.idle?.cancel()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            self.form.clear()
        case .body(var part):
            guard self.form.readableBytes + part.readableBytes <= Self.longestForm else {
                context.close(promise: nil)
                return
            }
            self.form.writeBuffer(&part)
        case .end:
            guard let head = self.head else { return }
            self.head = nil
            self.idle?.cancel()
            self.answer(head, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let request = MetadataRequest(
            method: head.method.rawValue,
            target: head.uri,
            metadata: head.headers.first(name: "Metadata"),
            isForwarded: head.headers.contains(name: "X-Forwarded-For"),
            authorization: head.headers.first(name: "Authorization"),
            form: String(buffer: self.form)
        )
        let service = self.service
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.makeFutureWithTask { await service.answer(request) }
            .whenSuccess { answer in
                let (handler, context) = bound.value
                handler.send(answer, keepsAlive: head.isKeepAlive, context)
            }
    }

    private func send(_ answer: MetadataAnswer, keepsAlive: Bool, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        var headers: HTTPHeaders = [
            "Content-Type": answer.contentType, "Content-Length": String(answer.body.count), "Server": "Sallyport-IMDS",
            "Connection": keepsAlive ? "keep-alive" : "close",
        ]
        if let challenge = answer.challenge { headers.add(name: "WWW-Authenticate", value: challenge) }
        if answer.status == 429 { headers.add(name: "Retry-After", value: "1") }
        let head = HTTPResponseHead(
            version: .http1_1,
            status: HTTPResponseStatus(statusCode: answer.status),
            headers: headers
        )
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil))).whenComplete { _ in
            let (handler, context) = bound.value
            if keepsAlive { handler.waitForNext(context) } else { context.close(promise: nil) }
        }
    }

    private func waitForNext(_ context: ChannelHandlerContext) {
        self.idle?.cancel()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        self.idle = context.eventLoop.scheduleTask(in: Self.longestIdle) {
            bound.value.close(promise: nil)
        }
    }

    private static func isFromHere(_ channel: any Channel) -> Bool {
        guard let remote = channel.remoteAddress?.ipAddress else { return false }
        if remote == channel.localAddress?.ipAddress { return true }
        return ((try? System.enumerateDevices()) ?? []).contains { $0.address?.ipAddress == remote }
    }
}
