/// What a gateway tells its client about success and failure: an HRESULT that the client turns into a sentence of its own.
///
/// Source: MS-TSGU section 2.2.6.
public struct GatewayCode: RawRepresentable, Hashable, Sendable {
    /// The number on the wire.
    public let rawValue: UInt32

    /// Takes a number.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// All is well.
    public static let success = GatewayCode(rawValue: 0)
    /// Something here failed, or a packet came that does not belong there.
    public static let internalError = GatewayCode(rawValue: 0x8007_59D8)
    /// The person may not reach this target.
    public static let targetDenied = GatewayCode(rawValue: 0x8007_59DA)
    /// The person may not use the gateway, as things are now.
    public static let personDenied = GatewayCode(rawValue: 0x8007_59DB)
    /// The target does not answer.
    public static let targetUnreachable = GatewayCode(rawValue: 0x8007_59DD)
    /// Too many connections.
    public static let tooMany = GatewayCode(rawValue: 0x8007_59E6)
    /// What the client asks for is not done here.
    public static let notSupported = GatewayCode(rawValue: 0x8007_59E8)
    /// The client cannot do what is demanded here: show a consent text.
    public static let capabilityMissing = GatewayCode(rawValue: 0x8007_59E9)
    /// The session's time is over.
    public static let timedOut = GatewayCode(rawValue: 0x8007_59F6)
    /// The token has not the form of one.
    public static let tokenMalformed = GatewayCode(rawValue: 0x8007_59F7)
    /// The token is unknown, was used, is too old or belongs to somebody else.
    public static let tokenRefused = GatewayCode(rawValue: 0x8007_59F8)
    /// Another way to authenticate than a token was offered.
    public static let authenticationNotSupported = GatewayCode(rawValue: 0x8007_59F9)
    /// The session ended as it should.
    public static let disconnected = GatewayCode(rawValue: 0x0000_04CA)
    /// The session was cut.
    public static let aborted = GatewayCode(rawValue: 0x0000_04D4)
}
