public import NIOCore
import WebSocketWire

/// Why a tunnel ends, as an outbound user event on the client's channel before it is closed.
///
/// For protocols around the tunnel that have words of their own for it; whoever knows none lets it pass.
public struct TunnelGoodbye: Hashable, Sendable {
    /// Why it ended.
    public let end: TunnelEnd
    /// The sentence for the person; empty when there is nothing to explain.
    public let reason: String

    /// Makes the event.
    public init(_ end: TunnelEnd) {
        self.end = end
        self.reason = end.webSocketEnd.reason
    }
}

/// Why a tunnel is about to end, as an outbound user event before the last words of what it carries; a `TunnelGoodbye` follows.
public struct TunnelNotice: Hashable, Sendable {
    /// The sentence for the person; empty when there is nothing to explain.
    public let reason: String

    /// Makes the event.
    public init(_ end: TunnelEnd) {
        self.reason = end.webSocketEnd.reason
    }
}

extension Tunnel {
    /// Tells the handlers around a client why it ends: a `TunnelGoodbye`, then the end of the WebSocket, if there is one around.
    public static func announce(_ end: TunnelEnd, to client: any Channel) {
        client.triggerUserOutboundEvent(TunnelGoodbye(end), promise: nil)
        client.triggerUserOutboundEvent(end.webSocketEnd, promise: nil)
    }
}
