/// What a frame is: its low four bits. Source: RFC 6455 section 5.2.
public enum Opcode: UInt8, Hashable, Sendable {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xa

    /// Whether the frame steers the connection instead of carrying data; such frames are short and whole.
    public var isControl: Bool { self.rawValue & 0x8 != 0 }
}

/// Which end of a connection we are: clients mask their frames, servers must not. Source: RFC 6455 section 5.1.
public enum WebSocketRole: Hashable, Sendable {
    case client
    case server
}

/// What the payload of a message is.
public enum PayloadKind: Hashable, Sendable {
    case text
    case binary
}
