/// One packet between a Remote Desktop client and its gateway; what it carries of the desktop itself is not among them.
///
/// Source: MS-TSGU section 2.2.5.3.
public enum GatewayPacket: Hashable, Sendable {
    /// The client begins: its version, and how it can prove who it is.
    case handshakeRequest(major: UInt8 = 1, minor: UInt8 = 0, version: UInt16 = 0, GatewayAuthentication)
    /// The server's answer to that.
    case handshakeResponse(GatewayCode, major: UInt8 = 1, minor: UInt8 = 0, version: UInt16 = 0, GatewayAuthentication)
    /// A step of NTLM.
    case extendedAuthentication(GatewayCode, [UInt8])
    /// The client asks for a tunnel, with its token and, to prove itself again, the context that it was given.
    case tunnelCreate(GatewayCapabilities, token: String?, context: UInt64?)
    /// The server's answer to that.
    case tunnelResponse(GatewayCode, GatewayTunnelFields)
    /// The client names itself.
    case tunnelAuthorization(machine: String, health: [UInt8]?)
    /// The server's answer to that; the timeout is in minutes, 0 for none.
    case tunnelAuthorizationResponse(
        GatewayCode,
        redirection: GatewayRedirection?,
        idleMinutes: UInt32?,
        health: [UInt8]?
    )
    /// The client names the target: names in the order in which they are to be tried.
    case channelCreate(names: [String], alternatives: [String], port: UInt16, transport: UInt16 = 3)
    /// The server's answer to that.
    case channelResponse(GatewayCode, channel: UInt32?, datagramPort: UInt16?, datagramCookie: [UInt8]?)
    /// A message for the person.
    case serviceMessage(String)
    /// The client is to prove itself again, naming this context.
    case reauthenticate(context: UInt64)
    /// Nothing, to be heard.
    case keepAlive
    /// The end.
    case closeChannel(GatewayCode)
    /// The end is understood.
    case closeChannelResponse(GatewayCode)

    /// The number of its type.
    public var type: UInt16 {
        switch self {
        case .handshakeRequest: 0x01
        case .handshakeResponse: 0x02
        case .extendedAuthentication: 0x03
        case .tunnelCreate: 0x04
        case .tunnelResponse: 0x05
        case .tunnelAuthorization: 0x06
        case .tunnelAuthorizationResponse: 0x07
        case .channelCreate: 0x08
        case .channelResponse: 0x09
        case .serviceMessage: 0x0B
        case .reauthenticate: 0x0C
        case .keepAlive: 0x0D
        case .closeChannel: 0x10
        case .closeChannelResponse: 0x11
        }
    }
}

/// What a server may say about a tunnel. Source: MS-TSGU section 2.2.5.3.5.
public struct GatewayTunnelFields: Hashable, Sendable {
    /// The tunnel's number.
    public var tunnel: UInt32?
    /// What the server can do.
    public var capabilities: GatewayCapabilities?
    /// For health reports: twenty bytes and a certificate's text.
    public var quarantine: Quarantine?
    /// A text that the person has to agree to.
    public var consent: String?

    /// What health reports are made with.
    public struct Quarantine: Hashable, Sendable {
        /// Twenty random bytes.
        public let nonce: [UInt8]
        /// The server's certificate.
        public let certificate: String

        /// Makes them.
        public init(nonce: [UInt8], certificate: String) {
            self.nonce = nonce
            self.certificate = certificate
        }
    }

    /// Makes the fields.
    public init(
        tunnel: UInt32? = nil,
        capabilities: GatewayCapabilities? = nil,
        quarantine: Quarantine? = nil,
        consent: String? = nil
    ) {
        self.tunnel = tunnel
        self.capabilities = capabilities
        self.quarantine = quarantine
        self.consent = consent
    }
}
