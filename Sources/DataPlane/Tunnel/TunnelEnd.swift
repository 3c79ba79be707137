public import WebSocketWire

/// Why a tunnel ended.
public enum TunnelEnd: Hashable, Sendable {
    /// The client closed it: the ordinary end.
    case clientClosed
    /// The client vanished, without a close frame.
    case clientLost
    /// The client broke the WebSocket protocol, or sent text.
    case clientMisbehaved
    /// The target closed its connection.
    case targetClosed
    /// The target's connection broke.
    case targetLost
    /// No byte passed in either direction for the idle limit.
    case idle
    /// The tunnel reached its total limit.
    case tooOld
    /// This server is stopping.
    case serverStopping
    /// Somebody ended it: the administrator, a role that was removed, a session that expired. The reason is shown to
    /// the client.
    case ordered(CloseCode, reason: String)

    /// What the client is told.
    var webSocketEnd: WebSocketEnd {
        switch self {
        case .clientClosed, .clientLost, .clientMisbehaved, .targetClosed: WebSocketEnd(.normal)
        case .targetLost: WebSocketEnd(.badGateway, reason: "The connection to the target broke.")
        case .idle: WebSocketEnd(.policyViolation, reason: "The session was idle for too long.")
        case .tooOld: WebSocketEnd(.policyViolation, reason: "The session reached its time limit.")
        case .serverStopping: WebSocketEnd(.goingAway, reason: "The server is stopping. Connect again.")
        case .ordered(let code, let reason): WebSocketEnd(code, reason: reason)
        }
    }
}
