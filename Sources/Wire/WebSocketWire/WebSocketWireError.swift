/// How the other side broke the protocol; the connection cannot be used after any of them.
public enum WebSocketWireError: Error, Hashable, Sendable {
    /// A reserved bit is set although no extension was agreed on.
    case reservedBits
    /// An opcode that RFC 6455 does not define.
    case unknownOpcode(UInt8)
    /// A client sent a frame without a mask.
    case maskMissing
    /// A server sent a frame with a mask.
    case maskPresent
    /// A control frame over 125 bytes.
    case controlFrameTooLong
    /// A control frame in pieces.
    case controlFrameFragmented
    /// A continuation with nothing to continue.
    case nothingToContinue
    /// A new message before the last one was complete.
    case messageNotComplete
    /// A length in more bytes than it needs, or above 2^63.
    case badLength
    /// A close frame whose payload is a single byte.
    case closePayloadTooShort
    /// A close code that must not be sent.
    case closeCodeForbidden(UInt16)
    /// Text, or the reason of a close, that is not UTF-8.
    case notUTF8
    /// A text message where only binary ones are taken.
    case textRefused
    /// A message over the receiver's limit.
    case messageTooBig

    /// The code to close the connection with. Source: RFC 6455 section 7.4.1.
    public var closeCode: CloseCode {
        switch self {
        case .notUTF8: .invalidPayload
        case .textRefused: .unacceptableData
        case .messageTooBig: .messageTooBig
        case .reservedBits, .unknownOpcode, .maskMissing, .maskPresent, .controlFrameTooLong, .controlFrameFragmented,
            .nothingToContinue, .messageNotComplete, .badLength, .closePayloadTooShort, .closeCodeForbidden:
            .protocolError
        }
    }
}
