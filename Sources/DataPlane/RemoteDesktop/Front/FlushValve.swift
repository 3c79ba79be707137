import NIOCore

/// Keeps flushes from the socket while it is shut, so that what several of them would have sent takes one call of the system.
///
/// With a call for each portion of 16 KiB the way to the client cost half as much again.
final class FlushValve: ChannelOutboundHandler {
    typealias OutboundIn = Never

    /// Whoever shuts it opens it and flushes in the same turn of the event loop.
    var isShut = false

    func flush(context: ChannelHandlerContext) {
        if !self.isShut { context.flush() }
    }
}

// Its state belongs to the channel's event loop alone.
@available(*, unavailable)
extension FlushValve: Sendable {}
