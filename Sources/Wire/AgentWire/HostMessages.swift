public import Vocabulary

/// What the server tells a host about how to serve its people; replaces what was told before.
public struct HostConfiguration: Hashable, Sendable, Codable {
    /// Keys that user certificates are signed with, as OpenSSH lines.
    public var caKeys: [String]
    /// The revocation list (KRL) in base64; empty text means an empty list.
    public var revocationList: String
    /// Certificates for the host's own keys, as OpenSSH lines.
    public var hostCertificates: [String]
    /// Keys that host certificates are signed with, as OpenSSH lines.
    public var hostCertificateAuthorities: [String]
    /// Whether signing in with the directory is switched on for this host.
    public var loginEnabled: Bool
    /// Whether administrators may use sudo without a password.
    public var adminsSudo: Bool
    /// Whether a session ends when the certificate it began with expires.
    public var cutAtExpiry: Bool
    /// For how long decisions hold after contact with the server is lost.
    public var decisionCacheSeconds: Int
    /// Networks of relays (CIDR), which sshd must not penalise for the failures of individuals.
    public var relayNetworks: [String]
    /// The instance metadata `compute` document.
    public var compute: JSONValue
    /// Which public address leads to a private one; nil from a server that does not say.
    public var publicAddresses: [String: String]?

    /// Makes a configuration.
    public init(
        caKeys: [String],
        revocationList: String = "",
        hostCertificates: [String] = [],
        hostCertificateAuthorities: [String] = [],
        loginEnabled: Bool,
        adminsSudo: Bool = true,
        cutAtExpiry: Bool = false,
        decisionCacheSeconds: Int = 600,
        relayNetworks: [String] = [],
        compute: JSONValue = .object([:]),
        publicAddresses: [String: String]? = nil
    ) {
        self.caKeys = caKeys
        self.revocationList = revocationList
        self.hostCertificates = hostCertificates
        self.hostCertificateAuthorities = hostCertificateAuthorities
        self.loginEnabled = loginEnabled
        self.adminsSudo = adminsSudo
        self.cutAtExpiry = cutAtExpiry
        self.decisionCacheSeconds = decisionCacheSeconds
        self.relayNetworks = relayNetworks
        self.compute = compute
        self.publicAddresses = publicAddresses
    }
}

/// A person as the directory presents them to a host.
public struct HostAccount: Hashable, Sendable, Codable {
    /// The immutable identity; everything on the host is bound to it.
    public var objectId: GUID
    /// The user principal name in lower case.
    public var name: String
    /// The user number, allocated once by the directory; also the number of the person's own group.
    public var uid: UInt32
    /// The name that people read.
    public var displayName: String
    /// Whether this person is an administrator of this host.
    public var administrator: Bool
    /// Other spellings that find this person, such as an earlier user principal name.
    public var aliases: [String]

    /// Makes an account.
    public init(
        objectId: GUID,
        name: String,
        uid: UInt32,
        displayName: String,
        administrator: Bool = false,
        aliases: [String] = []
    ) {
        self.objectId = objectId
        self.name = name
        self.uid = uid
        self.displayName = displayName
        self.administrator = administrator
        self.aliases = aliases
    }
}

/// An order to end sessions; every member that is present must match.
public struct EndOrder: Hashable, Sendable, Codable {
    /// One session.
    public var session: GUID?
    /// All sessions of a person.
    public var objectId: GUID?
    /// All sessions that began with this certificate.
    public var serial: SerialNumber?
    /// What the person reads on the terminal.
    public var message: String

    /// Makes an order.
    public init(session: GUID? = nil, objectId: GUID? = nil, serial: SerialNumber? = nil, message: String) {
        self.session = session
        self.objectId = objectId
        self.serial = serial
        self.message = message
    }
}

/// The question whether a person may enter now.
public struct EntryQuestion: Hashable, Sendable, Codable {
    /// Who.
    public var objectId: GUID
    /// The user name as it was typed.
    public var typedName: String
    /// The service that asks, `sshd` as a rule.
    public var service: String
    /// The address the person comes from.
    public var source: String

    /// Makes a question.
    public init(objectId: GUID, typedName: String, service: String, source: String) {
        self.objectId = objectId
        self.typedName = typedName
        self.service = service
        self.source = source
    }
}

/// The server's answer to an entry question.
public struct EntryDecision: Hashable, Sendable, Codable {
    /// Whether the person may enter.
    public var allowed: Bool
    /// Whether as an administrator.
    public var administrator: Bool
    /// Why not, when not.
    public var refusal: Refusal?
    /// The person's account as it is now.
    public var account: HostAccount?

    /// Makes a decision.
    public init(allowed: Bool, administrator: Bool = false, refusal: Refusal? = nil, account: HostAccount? = nil) {
        self.allowed = allowed
        self.administrator = administrator
        self.refusal = refusal
        self.account = account
    }
}

/// The answer to a look-up of a name.
public struct LookupAnswer: Hashable, Sendable, Codable {
    /// The person, or nil when nobody of the tenant has that name.
    public var account: HostAccount?

    /// Makes an answer.
    public init(account: HostAccount?) {
        self.account = account
    }
}

/// A session as the host reports it.
public struct SessionReport: Hashable, Sendable, Codable {
    /// Names the session.
    public var session: GUID
    /// Who.
    public var objectId: GUID
    /// The certificate's serial number.
    public var serial: SerialNumber
    /// The certificate's key id.
    public var keyId: String
    /// The address the person came from.
    public var source: String
    /// The terminal, or what PAM calls it.
    public var tty: String
    /// When the session began.
    public var openedAt: Instant
    /// Whether the person has been an administrator at any moment of it; nil from an agent that does not say.
    public var administrator: Bool?

    /// Makes a report.
    public init(
        session: GUID,
        objectId: GUID,
        serial: SerialNumber,
        keyId: String,
        source: String,
        tty: String,
        openedAt: Instant,
        administrator: Bool? = nil
    ) {
        self.session = session
        self.objectId = objectId
        self.serial = serial
        self.keyId = keyId
        self.source = source
        self.tty = tty
        self.openedAt = openedAt
        self.administrator = administrator
    }
}
