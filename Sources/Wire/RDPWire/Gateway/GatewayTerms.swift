/// On which terms a tunnel is given.
public struct GatewayTerms: Hashable, Sendable {
    /// A text that the person has to agree to before anything else; nil for none.
    public var consent: String?
    /// A message that is shown when the desktop opens; nil for none.
    public var message: String?
    /// Which of the desktop's side channels are open.
    public var channels: ChannelPolicy
    /// After how many minutes without a byte the session ends, for the client's information; 0 for never.
    public var idleMinutes: UInt32

    /// Makes terms.
    public init(
        consent: String? = nil,
        message: String? = nil,
        channels: ChannelPolicy = .open,
        idleMinutes: UInt32 = 0
    ) {
        self.consent = consent
        self.message = message
        self.channels = channels
        self.idleMinutes = idleMinutes
    }
}
