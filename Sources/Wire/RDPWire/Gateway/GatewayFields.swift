/// What the two sides of a gateway connection can do. Source: MS-TSGU section 2.2.5.2.20.
public struct GatewayCapabilities: OptionSet, Hashable, Sendable {
    /// The bits as they are sent.
    public let rawValue: UInt32

    /// Makes a set from its bits; unknown ones are kept.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The client reports its health.
    public static let quarantine = Self(rawValue: 0x01)
    /// The client is told how long a session may rest.
    public static let idleTimeout = Self(rawValue: 0x02)
    /// The client shows a text that its user has to agree to.
    public static let consent = Self(rawValue: 0x04)
    /// The client shows messages of the gateway.
    public static let serviceMessages = Self(rawValue: 0x08)
    /// The client can prove itself again during a session.
    public static let reauthentication = Self(rawValue: 0x10)
    /// The client can use datagrams.
    public static let datagrams = Self(rawValue: 0x20)
}

/// How a client can prove who it is. Source: MS-TSGU section 2.2.5.3.2.
public struct GatewayAuthentication: OptionSet, Hashable, Sendable {
    /// The bits as they are sent.
    public let rawValue: UInt16

    /// Makes a set from its bits; unknown ones are kept.
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// A smart card.
    public static let smartCard = Self(rawValue: 1)
    /// A token in the tunnel's first packet: pluggable authentication.
    public static let token = Self(rawValue: 2)
    /// NTLM in packets of its own.
    public static let ntlm = Self(rawValue: 4)
    /// A bearer token in the HTTP request.
    public static let bearer = Self(rawValue: 8)
}

/// What a client is asked not to redirect. It may ignore it: whoever means it closes the channels as well.
///
/// Source: MS-TSGU section 2.2.5.3.7.
public struct GatewayRedirection: OptionSet, Hashable, Sendable {
    /// The bits as they are sent.
    public let rawValue: UInt32

    /// Makes a set from its bits; unknown ones are kept.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Everything may be redirected.
    public static let allowsAll = Self(rawValue: 0x8000_0000)
    /// Nothing may be redirected.
    public static let deniesAll = Self(rawValue: 0x4000_0000)
    /// No drives.
    public static let noDrives = Self(rawValue: 0x01)
    /// No printers.
    public static let noPrinters = Self(rawValue: 0x02)
    /// No ports.
    public static let noPorts = Self(rawValue: 0x04)
    /// No clipboard.
    public static let noClipboard = Self(rawValue: 0x08)
    /// No plug-and-play devices.
    public static let noPlugAndPlay = Self(rawValue: 0x10)

    /// What says the same as a channel policy.
    public init(_ policy: ChannelPolicy) {
        self = []
        if !policy.clipboard { self.insert(.noClipboard) }
        if !policy.devices { self.formUnion([.noDrives, .noPrinters, .noPorts, .noPlugAndPlay]) }
    }
}
