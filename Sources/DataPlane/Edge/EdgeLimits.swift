/// How much a stranger may ask of the port. Every number bounds what one connection, or one address, costs before
/// anybody has signed in.
public struct EdgeLimits: Hashable, Sendable {
    /// Connections open at once; more are closed as they come.
    public var connections: Int
    /// Connections open at once from one IPv4 address or IPv6 /64 that no acceptor has taken over; more are closed as they come.
    public var connectionsPerAddress: Int
    /// TLS handshakes under way at once from one IPv4 address or IPv6 /64; more are closed as they come.
    public var handshakesPerAddress: Int
    /// The time a TLS handshake may take.
    public var handshakeDeadline: Duration
    /// The time from the handshake to the end of the first request's head.
    public var firstRequestDeadline: Duration
    /// The time from a request's head to the end of its body.
    public var requestDeadline: Duration
    /// The time an acceptor has for its answer, dialling included.
    public var upgradeDeadline: Duration
    /// The time a connection may rest between requests.
    public var idle: Duration
    /// The length of a request target, in bytes.
    public var longestTarget: Int
    /// The length of one header field over HTTP/1.1, in bytes.
    public var longestField: Int
    /// The length of all header fields together over HTTP/1.1, in bytes; HTTP/2 has 16 KiB.
    public var longestFields: Int
    /// The number of header fields.
    public var mostFields: Int

    /// Makes limits; the defaults suit a server for some thousand people. `connectionsPerAddress` is an eighth of all unless told otherwise.
    public init(
        connections: Int = 10_000,
        connectionsPerAddress: Int? = nil,
        handshakesPerAddress: Int = 256,
        handshakeDeadline: Duration = .seconds(10),
        firstRequestDeadline: Duration = .seconds(10),
        requestDeadline: Duration = .seconds(60),
        upgradeDeadline: Duration = .seconds(30),
        idle: Duration = .seconds(60),
        longestTarget: Int = 8 * 1024,
        longestField: Int = 16 * 1024,
        longestFields: Int = 32 * 1024,
        mostFields: Int = 100
    ) {
        self.connections = connections
        self.connectionsPerAddress = connectionsPerAddress ?? max(1, connections / 8)
        self.handshakesPerAddress = handshakesPerAddress
        self.handshakeDeadline = handshakeDeadline
        self.firstRequestDeadline = firstRequestDeadline
        self.requestDeadline = requestDeadline
        self.upgradeDeadline = upgradeDeadline
        self.idle = idle
        self.longestTarget = longestTarget
        self.longestField = longestField
        self.longestFields = longestFields
        self.mostFields = mostFields
    }
}
