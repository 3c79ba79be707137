public import SSHWire
public import Vocabulary

/// Somebody who is signed in asks for a certificate.
public struct UserCertificateOrder: Sendable {
    /// Who it is for.
    public var subject: Subject
    /// The key to certify.
    public var publicKey: SSHPublicKey
    /// How long it should last; nil for the usual time.
    public var lifetime: Duration?
    /// The network address the order came from.
    public var source: String
    /// Joins the audit's lines of one request.
    public var correlation: String
    /// What the person uses, for the key id: a device's or a client's name.
    public var device: String

    /// Makes an order.
    public init(
        subject: Subject,
        publicKey: SSHPublicKey,
        lifetime: Duration? = nil,
        source: String = "",
        correlation: String = "",
        device: String = ""
    ) {
        self.subject = subject
        self.publicKey = publicKey
        self.lifetime = lifetime
        self.source = source
        self.correlation = correlation
        self.device = device
    }
}

/// A certificate that was signed, checked and recorded.
public struct IssuedSSHCertificate: Sendable, Hashable {
    /// The certificate.
    public let certificate: SSHCertificate

    /// The line of a `-cert.pub` file, without a line end.
    public var line: String { self.certificate.line() }
    /// The blob in base 64, without type word and comment.
    public var blobBase64: String { self.certificate.base64 }
    /// The serial number.
    public var serial: UInt64 { self.certificate.contents.serial }
    /// The key id.
    public var keyID: String { self.certificate.contents.keyID }
    /// When it ends.
    public var validBefore: Instant { self.certificate.contents.validBefore.instant }
}

/// Certificates were revoked.
public struct RevocationChange: Sendable, Hashable {
    /// The one that was; nil when it was more than one.
    public let serial: UInt64?
    /// Whose they were; nil for hosts' and unknown ones.
    public let objectID: GUID?

    /// Makes a change.
    public init(serial: UInt64?, objectID: GUID?) {
        self.serial = serial
        self.objectID = objectID
    }
}
