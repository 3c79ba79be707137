/// How long the parts of a gateway connection may take, and how many strangers may be in one.
public struct GatewayLimits: Hashable, Sendable {
    /// From the client's request to its token.
    public var handshake: Duration
    /// From there to the open desktop, without the time in which somebody reads a text.
    public var setup: Duration
    /// How long somebody may read the text that has to be agreed to.
    public var consent: Duration
    /// Between signs of life to the client; nil for none.
    public var keepAlive: Duration?
    /// After how long a client that can is to prove itself again; nil for never.
    public var reauthentication: Duration?
    /// How long it has for that.
    public var reauthenticationGrace: Duration
    /// Connections at once without an accepted token.
    public var strangers: Int
    /// The same, from one address.
    public var strangersPerAddress: Int
    /// Tokens that nobody was given, from one address in one minute; then it has to wait for the next.
    public var guessesPerMinute: Int

    /// Makes limits.
    public init(
        handshake: Duration = .seconds(15),
        setup: Duration = .seconds(30),
        consent: Duration = .seconds(280),
        keepAlive: Duration? = .seconds(30),
        reauthentication: Duration? = .seconds(8 * 3600),
        reauthenticationGrace: Duration = .seconds(120),
        strangers: Int = 1000,
        strangersPerAddress: Int = 32,
        guessesPerMinute: Int = 60
    ) {
        self.handshake = handshake
        self.setup = setup
        self.consent = consent
        self.keepAlive = keepAlive
        self.reauthentication = reauthentication
        self.reauthenticationGrace = reauthenticationGrace
        self.strangers = strangers
        self.strangersPerAddress = strangersPerAddress
        self.guessesPerMinute = guessesPerMinute
    }
}
