/// Why a connection ends, in two bytes. Source: RFC 6455 section 7.4 and the IANA WebSocket close code registry.
public struct CloseCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16

    /// Takes any number; `mayBeSent` says whether it is allowed on the wire.
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// The work is done.
    public static let normal = CloseCode(rawValue: 1000)
    /// One end stops: a server that is being restarted, a page that is left.
    public static let goingAway = CloseCode(rawValue: 1001)
    /// The other side broke the protocol.
    public static let protocolError = CloseCode(rawValue: 1002)
    /// A kind of data that this end does not take, such as text in a tunnel.
    public static let unacceptableData = CloseCode(rawValue: 1003)
    /// Text that is not UTF-8.
    public static let invalidPayload = CloseCode(rawValue: 1007)
    /// Against a rule of this end: not allowed, not any longer.
    public static let policyViolation = CloseCode(rawValue: 1008)
    /// A message that is too big.
    public static let messageTooBig = CloseCode(rawValue: 1009)
    /// Something failed on this end.
    public static let internalError = CloseCode(rawValue: 1011)
    /// Try again later.
    public static let tryAgainLater = CloseCode(rawValue: 1013)
    /// What lies behind this end, such as the target of a tunnel, failed.
    public static let badGateway = CloseCode(rawValue: 1014)

    /// Whether the code may appear in a close frame: registered ones, and 3000 to 4999 for libraries and applications.
    public var mayBeSent: Bool {
        switch self.rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
