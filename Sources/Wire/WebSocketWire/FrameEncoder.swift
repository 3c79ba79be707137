public import NIOCore
public import Vocabulary

/// Turns payloads into frames, each in one buffer: a header on its own would become a TLS record of its own. Source:
/// RFC 6455 section 5.
public struct FrameEncoder: Sendable {
    private let role: WebSocketRole
    private let random: RandomSource

    /// Makes an encoder for the end that sends; a client draws a new mask from `random` for every frame.
    public init(role: WebSocketRole, random: RandomSource = .system) {
        self.role = role
        self.random = random
    }

    /// A frame.
    ///
    /// The payload of a control frame must not be over 125 bytes; a longer one is cut.
    public func frame(_ opcode: Opcode, _ payload: ByteBuffer, isFinal: Bool = true) -> ByteBuffer {
        var payload = payload
        if opcode.isControl, payload.readableBytes > 125 {
            payload = payload.getSlice(at: payload.readerIndex, length: 125) ?? ByteBuffer()
        }
        let count = payload.readableBytes
        let mask = self.role == .client ? self.newMask() : nil
        let header = FrameHeader(isFinal: isFinal, opcode: opcode, mask: mask, length: UInt64(count))
        var buffer = ByteBufferAllocator().buffer(capacity: header.size + count)
        header.write(to: &buffer)
        guard let mask else {
            buffer.writeImmutableBuffer(payload)
            return buffer
        }
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { destination in
            payload.withUnsafeReadableBytes { source in
                mask.copy(source, to: destination, phase: 0)
                return source.count
            }
        }
        return buffer
    }

    /// A whole text message.
    public func text(_ text: String) -> ByteBuffer {
        self.frame(.text, ByteBuffer(string: text))
    }

    /// A close frame; the reason is cut to the 123 bytes it may have, between characters.
    ///
    /// A code that must not be sent is left out, together with the reason.
    public func close(_ code: CloseCode?, reason: String = "") -> ByteBuffer {
        var payload = ByteBuffer()
        if let code, code.mayBeSent {
            payload.writeInteger(code.rawValue)
            for character in reason.unicodeScalars {
                let text = String(character)
                guard payload.readableBytes + text.utf8.count <= 125 else { break }
                payload.writeString(text)
            }
        }
        return self.frame(.close, payload)
    }

    private func newMask() -> MaskKey {
        MaskKey(self.random.bytes(4).reduce(0) { $0 << 8 | UInt32($1) })
    }
}
