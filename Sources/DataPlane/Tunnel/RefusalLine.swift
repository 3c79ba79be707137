public import NIOCore
import Vocabulary
import WebSocketWire

extension Tunnel {
    /// The line that makes an SSH client print why it was not let in.
    ///
    /// It starts as an identification string does and is none, so OpenSSH shows it and exits; RFC 4253 section 4.2. Cut
    /// to that section's 255 bytes.
    public static func refusalLine(_ reason: String) -> String {
        var line = "SSH-Access denied: "
        // Only printable ASCII: the client shows anything else as escapes.
        for scalar in PrintableText.of(reason).unicodeScalars {
            line.unicodeScalars.append(scalar.isASCII ? scalar : "?")
        }
        return String(line.prefix(253)) + "\r\n"
    }

    /// What `UpgradeAnswer.accept` takes for somebody who is refused after all: sends one line, waits for the client to
    /// leave, and closes. `words` stand in for the line where the client speaks another protocol than SSH.
    ///
    /// The unmodified Azure command line shows nothing of a refused token or upgrade and hangs; this is the one way to
    /// reach the person.
    public static func refusing(
        _ reason: String,
        words: ByteBuffer? = nil,
        patience: TimeAmount = .seconds(5)
    ) -> @Sendable (any Channel) -> EventLoopFuture<Void> {
        let words = words ?? ByteBuffer(string: Self.refusalLine(reason))
        return { client in
            client.eventLoop.submit {
                guard client.isActive else { return }
                try client.pipeline.syncOperations.addHandler(WebSocketByteHandler(role: .server))
                try client.pipeline.syncOperations.addHandler(DiscardHandler())
                client.writeAndFlush(words, promise: nil)
                let timer = client.eventLoop.scheduleTask(in: patience) {
                    client.triggerUserOutboundEvent(WebSocketEnd(.policyViolation, reason: reason), promise: nil)
                }
                client.closeFuture.whenComplete { _ in timer.cancel() }
            }
        }
    }
}

/// Drops what a refused client sends; its errors have already closed the channel.
private final class DiscardHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
