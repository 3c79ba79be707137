public import NIOCore
public import Tunnel
public import Vocabulary
import WebSocketWire

/// Stands between a desktop's client and its host: proves who the person is, signs in for them, and then carries bytes.
///
/// Made around a dialled host, then joined by a client's channel that carries the bytes of Remote Desktop; both on one event loop, where all of
/// its work happens. `end`, `traffic` and `ended` may be used from any thread. Source: MS-RDPBCGR 1.3.1.1.
public final class DesktopFront: Sendable {
    private let eventLoop: any EventLoop
    private let tunnel: Tunnel
    private let core: NIOLoopBound<FrontCore>

    /// How it ended, once both channels are closed; never fails.
    public var ended: EventLoopFuture<TunnelSummary> { self.tunnel.ended }
    /// What it has carried since the sign-in.
    public var traffic: TunnelTraffic { self.tunnel.traffic }

    /// Takes over a dialled host; must be called on the host's event loop.
    ///
    /// From here on the host's connection is closed by the front. `join` has to follow, even when the client is gone. `limits` count from the
    /// sign-in on, `deadlines` until then.
    public init(
        host: any Channel,
        plan: FrontPlan,
        limits: TunnelLimits,
        deadlines: FrontDeadlines = .standard,
        random: RandomSource = .system,
        clock: TimeSource = .system
    ) {
        self.eventLoop = host.eventLoop
        self.tunnel = Tunnel(target: host, limits: limits)
        self.core = NIOLoopBound(
            FrontCore(
                host: host,
                plan: plan,
                tunnel: self.tunnel,
                deadlines: deadlines,
                random: random,
                clock: clock
            ),
            eventLoop: host.eventLoop
        )
    }

    /// Connects the client, on the event loop of the host: its channel carries Remote Desktop's bytes from here on.
    ///
    /// Handlers are added at the tail of its pipeline. Before the front closes it, it sends it a `TunnelGoodbye` and then a `WebSocketEnd` as
    /// outbound user events. When the channel is already closed, the host's is closed too.
    public func join(_ client: any Channel) -> EventLoopFuture<Void> {
        guard client.eventLoop === self.eventLoop else {
            self.end(.ordered(.internalError, reason: "The server could not connect the two sides."))
            return client.eventLoop.makeFailedFuture(TunnelError.differentEventLoops)
        }
        return client.eventLoop.submit { try self.core.value.join(client) }
    }

    /// Ends both sides; the client gets the reason.
    public func end(_ end: TunnelEnd) {
        self.eventLoop.execute { self.core.value.order(end) }
    }
}
