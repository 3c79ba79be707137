public import AgentWire
public import SSHWire
public import Vocabulary

/// A joined host: a machine's agent with a key of its own.
public struct Host: Sendable, Hashable {
    /// The identifier of this joining; a host that joins again gets another.
    public let id: GUID
    /// The machine it is.
    public let machine: ResourcePath
    /// The Ed25519 key that its requests are signed with.
    public let machineKey: SSHPublicKey
    /// What it said of itself last; text from outside.
    public internal(set) var report: HostReport
    /// When it joined.
    public let joinedAt: Instant
    /// When it was last connected.
    public internal(set) var lastSeen: Instant
}

/// What a host says of itself. Shown to administrators, never believed in decisions.
public struct HostReport: Sendable, Hashable, Codable {
    /// Its name.
    public var hostname: String
    /// The distribution's name.
    public var osName: String
    /// The distribution's version.
    public var osVersion: String
    /// The agent's version.
    public var agentVersion: String
    /// Its addresses without loopback.
    public var addresses: [String]
    /// The public keys of its SSH server, as OpenSSH lines; at most eight are kept.
    public var hostKeys: [String]
    /// Its desktop service; nil where there is none.
    public var desktop: DesktopReport?

    init(_ request: JoinRequest) throws(Problem) {
        guard request.hostKeys.count <= 8 else { throw .malformedJoin("more than eight host keys") }
        self.init(
            hostname: request.hostname,
            osName: request.osName,
            osVersion: request.osVersion,
            agentVersion: request.agentVersion,
            addresses: request.addresses,
            hostKeys: request.hostKeys
        )
        guard self.hostKeys.count == request.hostKeys.count else { throw .malformedJoin("a host key is none") }
    }

    init(_ status: HostStatus) {
        self.init(
            hostname: status.hostname,
            osName: status.osName,
            osVersion: status.osVersion,
            agentVersion: status.agentVersion,
            addresses: status.addresses,
            hostKeys: status.hostKeys
        )
        self.desktop = status.desktop.flatMap { desktop in
            guard (1...65535).contains(desktop.port) else { return nil }
            let certificate = desktop.certificate.lowercased()
            return DesktopReport(
                port: desktop.port,
                certificate: Hex.decode(certificate)?.count == 32 ? certificate : "",
                product: PrintableText.of(desktop.product, limit: 64)
            )
        }
    }

    private init(
        hostname: String,
        osName: String,
        osVersion: String,
        agentVersion: String,
        addresses: [String],
        hostKeys: [String]
    ) {
        self.hostname = PrintableText.of(hostname, limit: 253)
        self.osName = PrintableText.of(osName, limit: 64)
        self.osVersion = PrintableText.of(osVersion, limit: 64)
        self.agentVersion = PrintableText.of(agentVersion, limit: 64)
        self.addresses = addresses.prefix(32).map { PrintableText.of($0, limit: 64) }
        // Written anew without the comment, so that nothing but a key is passed on.
        self.hostKeys = hostKeys.prefix(8).compactMap { try? SSHPublicKey(line: $0).line() }
    }
}

/// Somebody who may not be signed in to a machine any longer, or not as what they were.
public struct HostCut: Sendable, Hashable {
    /// Who.
    public let person: GUID
    /// Where.
    public let machine: ResourcePath
    /// Why, for the person's screen.
    public let message: String
}

/// A session on a host, as the host reported it.
public struct HostSession: Sendable, Hashable {
    /// Names the session.
    public let id: GUID
    /// The machine it is on.
    public let machine: ResourcePath
    /// Whose it is.
    public let objectID: GUID
    /// The serial number of the certificate it began with.
    public let serial: UInt64
    /// The certificate's key id; text from outside.
    public let keyID: String
    /// Where the person came from, as the host saw it.
    public let source: String
    /// The terminal.
    public let terminal: String
    /// When it began, by the host's clock.
    public let openedAt: Instant
    /// Whether the person has been an administrator at any moment of it, so that processes of root may run in it.
    var wasAdministrator: Bool

    init(_ report: SessionReport, on machine: ResourcePath) {
        self.id = report.session
        self.machine = machine
        self.objectID = report.objectId
        self.serial = report.serial.value
        self.keyID = PrintableText.of(report.keyId, limit: 512)
        self.source = PrintableText.of(report.source, limit: 64)
        self.terminal = PrintableText.of(report.tty, limit: 64)
        self.openedAt = report.openedAt
        self.wasAdministrator = report.administrator ?? false
    }
}

/// The way to a connected host, given by whoever holds the connection.
public struct HostLink: Sendable {
    /// Sends one text frame; false when the host does not read fast enough, and then the connection is ended.
    public let send: @Sendable ([UInt8]) -> Bool
    /// Ends the connection, with a reason for the other side.
    public let end: @Sendable (String) -> Void

    /// Names the two.
    public init(send: @escaping @Sendable ([UInt8]) -> Bool, end: @escaping @Sendable (String) -> Void) {
        self.send = send
        self.end = end
    }
}

/// Bounds and switches of everything about hosts.
public struct HostSettings: Sendable {
    /// How far a host's clock may be off when it signs a request.
    public var clockWindow: Duration = .seconds(60)
    /// Whether administrators may use sudo without a password.
    public var adminsSudo = true
    /// Whether a session ends with the certificate it began with.
    public var cutAtExpiry = false
    /// For how long a host may rely on decisions after losing contact.
    public var decisionCache: Duration = .seconds(600)
    /// Networks of relays (CIDR), whose failures are not one person's.
    public var relayNetworks: [String] = []
    /// The most accounts that are pushed to a host; others are found by look-up.
    public var mostAccounts = 8000
    /// Look-ups of one host a minute.
    public var lookupsPerMinute = 240
    /// The most sessions that are remembered of one host.
    public var mostSessions = 4096
    /// How long changes are gathered before account lists are made anew.
    public var gathering: Duration = .milliseconds(50)
    /// How long to wait for a host that is to switch sign-in on or off.
    public var extensionDeadline: Duration = .seconds(60)
    /// How long a host that joined, but is not connected, is waited for before nothing can be installed on it.
    public var arrivalWait: Duration = .zero
    /// How long before its end a host's certificate is renewed.
    public var renewal: Duration = .seconds(3 * 86_400)
    /// How long a machine may take to make a credential for a desktop.
    public var desktopDeadline: Duration = .seconds(6)
    /// Where the control channel is.
    public var controlPath = "/hosts/v1/control"

    /// The usual bounds.
    public init() {}
}
