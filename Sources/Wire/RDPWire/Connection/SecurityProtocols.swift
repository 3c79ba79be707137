/// The ways to secure a connection that a client asks for and a host selects from. Source: MS-RDPBCGR 2.2.1.1.1.
public struct SecurityProtocols: OptionSet, Hashable, Sendable {
    /// The bits as they are sent, in little-endian order.
    public let rawValue: UInt32

    /// Makes a set from its bits; unknown ones are kept.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// TLS.
    public static let tls = SecurityProtocols(rawValue: 1)
    /// CredSSP inside TLS, known as network level authentication.
    public static let credSSP = SecurityProtocols(rawValue: 2)
    /// RDSTLS, for redirected connections.
    public static let rdsTLS = SecurityProtocols(rawValue: 4)
    /// CredSSP with an early answer about the right to sign in.
    public static let credSSPWithResult = SecurityProtocols(rawValue: 8)
    /// RDS-AAD: a web account inside TLS.
    public static let webAccount = SecurityProtocols(rawValue: 0x10)
}

/// Why no security protocol could be agreed on. Source: MS-RDPBCGR 2.2.1.2.2.
public enum NegotiationFailure: UInt32, Hashable, Sendable {
    case tlsRequired = 1
    case tlsNotAllowed = 2
    case noCertificate = 3
    case inconsistentFlags = 4
    case credSSPRequired = 5
    case tlsWithClientCertificateRequired = 6
    case webAccountRequired = 7
}
