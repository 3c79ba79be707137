import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// What `HeadGate` is for HTTP/1.1, on one HTTP/2 stream.
final class StreamGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundOut = HTTPResponsePart

    private let rules: HeadRules
    private let requestDeadline: TimeAmount
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
            if let fault = self.rules.fault(in: head) {
                self.refuse(fault, context)
                return
            }
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            self.bodyTimer = context.eventLoop.scheduleTask(in: self.requestDeadline) {
                bound.value.close(promise: nil)
            }
        case .end: self.bodyTimer?.cancel()
        case .body: break
        }
        context.fireChannelRead(data)
    }

    private func refuse(_ fault: HeadRules.Fault, _ context: ChannelHandlerContext) {
        self.isRefusing = true
        let status = HTTPResponse.Status(code: Int(fault.status.code))
        let head = HTTPResponse(status: status, headerFields: [.contentLength: "0"])
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil))).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension StreamGate: Sendable {}
