public import NIOCore

/// What arrived, for a receiver of whole messages.
public enum MessageEvent: Hashable, Sendable {
    /// A whole text message.
    case text(String)
    /// A whole binary message.
    case binary(ByteBuffer)
    /// To be answered with a pong of the same payload.
    case ping(ByteBuffer)
    /// The answer to a ping.
    case pong(ByteBuffer)
    /// The other side's last word.
    case close(CloseCode?, reason: String)
}

/// Puts whole messages together, up to a size: for conversations, where a tunnel takes the decoder itself.
public struct MessageAssembler: Sendable {
    private var decoder: FrameDecoder
    private var pending = ByteBuffer()
    private let longestMessage: Int

    /// Makes an assembler for the end that receives; `longestMessage` is in bytes.
    public init(role: WebSocketRole, longestMessage: Int = 64 * 1024) {
        self.decoder = FrameDecoder(role: role)
        self.longestMessage = longestMessage
    }

    /// Takes what one read brought and appends the messages that it completed.
    public mutating func feed(
        _ bytes: ByteBuffer,
        into events: inout [MessageEvent]
    ) throws(WebSocketWireError) {
        var frames: [FrameEvent] = []
        var failure: WebSocketWireError?
        do throws(WebSocketWireError) {
            try self.decoder.feed(bytes, into: &frames)
        } catch {
            failure = error
        }
        for frame in frames {
            switch frame {
            case .ping(let content): events.append(.ping(content))
            case .pong(let content): events.append(.pong(content))
            case .close(let code, let reason): events.append(.close(code, reason: reason))
            case .payload(let piece, let kind, let endsMessage):
                guard self.pending.readableBytes + piece.readableBytes <= self.longestMessage else {
                    throw .messageTooBig
                }
                self.pending.writeImmutableBuffer(piece)
                guard endsMessage else { continue }
                events.append(try Self.message(self.pending, kind))
                self.pending = ByteBuffer()
            }
        }
        if let failure {
            throw failure
        }
    }

    private static func message(
        _ content: ByteBuffer,
        _ kind: PayloadKind
    ) throws(WebSocketWireError) -> MessageEvent {
        guard kind == .text else { return .binary(content) }
        guard let text = String(validating: content.readableBytesView, as: UTF8.self) else { throw .notUTF8 }
        return .text(text)
    }
}
