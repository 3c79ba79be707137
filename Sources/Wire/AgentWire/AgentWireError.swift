/// What can be wrong with bytes or text that should be an agent message.
public enum AgentWireError: Error, Hashable, Sendable {
    /// The frame or a field of it ends too early.
    case truncated
    /// Bytes are left over after the last field.
    case trailingBytes
    /// The frame is longer than the protocol allows.
    case tooLong
    /// The version byte is not one we speak.
    case unknownVersion(UInt8)
    /// The kind of message is not known.
    case unknownKind(UInt8)
    /// A text is not UTF-8, or holds a zero byte.
    case badText
    /// A snapshot file does not begin with its mark.
    case notASnapshot
    /// A control message is not a JSON object of a known shape; the detail is for the log.
    case badControlMessage(String)
}
