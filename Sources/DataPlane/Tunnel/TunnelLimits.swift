/// How long a tunnel may do what. Every wait has an end.
public struct TunnelLimits: Hashable, Sendable {
    /// The longest time without a byte in either direction; nil for none.
    public var idle: Duration?
    /// The longest life; nil for none.
    public var total: Duration?
    /// The time between pings to the client, which find a client that vanished; nil for none.
    public var keepAlive: Duration?
    /// How long the other side has, after one side ended, to take what was written to it.
    public var linger: Duration
    /// How long a tunnel goes on after the server was told to stop.
    public var drain: Duration

    /// Makes limits; the defaults suit a terminal session.
    public init(
        idle: Duration? = .seconds(4 * 3600),
        total: Duration? = .seconds(24 * 3600),
        keepAlive: Duration? = .seconds(30),
        linger: Duration = .seconds(5),
        drain: Duration = .zero
    ) {
        self.idle = idle
        self.total = total
        self.keepAlive = keepAlive
        self.linger = linger
        self.drain = drain
    }
}
