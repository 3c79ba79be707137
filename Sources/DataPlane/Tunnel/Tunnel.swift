public import NIOCore
import WebSocketWire

/// A connection between a client and a target that carries bytes and nothing else.
///
/// Made around a dialled target, then joined by the client's channel once the upgrade is done; both on one event loop,
/// where all of its work happens. `end`, `traffic` and `ended` may be used from any thread.
public final class Tunnel: Sendable {
    /// What the client's channel carries.
    public enum ClientProtocol: Hashable, Sendable {
        /// WebSocket frames, of which we are the server.
        case webSocket
        /// The bytes themselves.
        case bytes
        /// The bytes themselves, inside a protocol whose handlers want to say why they end: it gets `announce`d.
        case announced
    }

    private let eventLoop: any EventLoop
    private let core: NIOLoopBound<TunnelCore>
    private let meter: TrafficMeter
    /// How it ended, once both channels are closed; never fails.
    public let ended: EventLoopFuture<TunnelSummary>

    /// Takes over a dialled target; must be called on the target's event loop.
    ///
    /// From here on the target is closed by the tunnel. `join` has to follow, even when the client is gone.
    public init(target: any Channel, limits: TunnelLimits = TunnelLimits()) {
        let promise = target.eventLoop.makePromise(of: TunnelSummary.self)
        self.eventLoop = target.eventLoop
        self.meter = TrafficMeter()
        self.ended = promise.futureResult
        self.core = NIOLoopBound(
            TunnelCore(target: target, limits: limits, meter: self.meter, promise: promise),
            eventLoop: target.eventLoop
        )
    }

    /// Connects the client, on the event loop of the target; what `UpgradeAnswer.accept` takes.
    ///
    /// When the client's channel is already closed, the target is closed too.
    public func join(_ client: any Channel) -> EventLoopFuture<Void> {
        self.join(client, speaking: .webSocket)
    }

    /// Connects the client, on the event loop of the target.
    public func join(_ client: any Channel, speaking clientProtocol: ClientProtocol) -> EventLoopFuture<Void> {
        guard client.eventLoop === self.eventLoop else {
            self.end(.ordered(.internalError, reason: "The server could not connect the two sides."))
            return client.eventLoop.makeFailedFuture(TunnelError.differentEventLoops)
        }
        return client.eventLoop.submit { try self.core.value.join(client, speaking: clientProtocol) }
    }

    /// Ends the tunnel: the client gets the close code and reason, the target's connection is closed.
    public func end(_ end: TunnelEnd) {
        self.eventLoop.execute { self.core.value.order(end) }
    }

    /// What it has carried so far.
    public var traffic: TunnelTraffic { self.meter.reading }
}

/// Why a tunnel could not be made.
public enum TunnelError: Error, Hashable, Sendable {
    /// Client and target are on different event loops.
    case differentEventLoops
}
