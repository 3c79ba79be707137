public import Logging
public import NIOCore

/// Tells the operator, at most once a minute, that the port could not take a connection: no file descriptors are left, or no memory.
///
/// It belongs first in the pipeline of the listening channel, because the handler that waits a while after such an error swallows it.
public final class AcceptWatch: ChannelInboundHandler {
    public typealias InboundIn = any Channel

    private let logger: Logger
    private let notice = OncePerMinute()

    /// Makes a watch that writes to `logger`.
    public init(logger: Logger) {
        self.logger = logger
    }

    /// Puts a watch on a listening channel.
    public static func watch(_ channel: any Channel, logger: Logger) async throws {
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandler(AcceptWatch(logger: logger), position: .first)
        }.get()
    }

    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if self.notice.isDue() {
            self.logger.error("connections cannot be accepted", metadata: ["error": "\(error)"])
        }
        context.fireErrorCaught(error)
    }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension AcceptWatch: Sendable {}
