import Resources
public import AccessControl
public import Vocabulary

/// The server's settings after they were read and checked.
public struct ServerConfiguration: Sendable {
    /// Where everything is kept.
    public var dataDirectory = "/var/lib/sallyport"
    /// What the server listens on.
    public var address = "0.0.0.0"
    /// The one TLS port.
    public var port = 8443
    /// What people and machines use, without a slash at the end.
    public var publicURL = "https://localhost:8443"
    /// More names of the server's own certificate.
    public var names: [String] = []
    /// PEM files of somebody else's certificate; nil for one of our own authority.
    public var tlsFiles: (certificate: String, key: String)?
    /// Loopback port for metrics; 0 for none.
    public var metricsPort = 0
    /// The least important messages to log.
    public var logLevel = "info"
    /// Where the log is appended; nil for standard error.
    public var logFile: String?
    /// Domain of the tenant, for the first start.
    public var tenantDomain: String?
    /// Object id of the tenant, for the first start.
    public var tenantID: String?
    /// Name of the first administrator, for the first start.
    public var administrator = "admin"
    /// Type of new SSH authority keys.
    public var sshCAType = "ed25519"
    /// Life of an SSH certificate.
    public var certificateLife: Duration = .seconds(3600)
    /// Longest life that may be asked for.
    public var longestCertificateLife: Duration = .seconds(28_800)
    /// Whether sessions end with their certificate.
    public var cutAtExpiry = false
    /// How long machines may repeat a decision without the server.
    public var decisionCache: Duration = .seconds(600)
    /// How long a tunnel may rest; nil for ever.
    public var tunnelIdleLimit: Duration? = .seconds(14_400)
    /// How long a tunnel may last; nil for ever.
    public var tunnelTotalLimit: Duration? = .seconds(86_400)
    /// Certificate and key that sign Remote Desktop files; nil for the server's own.
    public var signingFiles: (certificate: String, key: String)?
    /// What has to be agreed to before a desktop opens.
    public var desktopConsent: String?
    /// What is shown when a desktop opens.
    public var desktopMessage: String?
    /// Whether a connection file that asks for a web account tells the client so.
    public var desktopWebAccount = true
    /// Networks that the bastion dials from, as machines see them.
    public var relayNetworks: [String] = []
    /// Ranges of public addresses.
    public var publicAddresses: [String] = []
    /// How long tunnels have to end at a stop.
    public var drain: Duration = .seconds(3)
    /// `none`, `namespaces` or `auto`.
    public var fabric = "auto"
    /// Bounds of role assignments.
    public var assignmentPolicy = AssignmentPolicy()

    /// The host name in the public address.
    public var publicHost: String {
        let rest = self.publicURL.dropFirst("https://".count)
        if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
            return String(rest[rest.index(after: rest.startIndex)..<end])
        }
        return String(rest.prefix { $0 != ":" })
    }

    /// Reads settings; the first source that has a value wins. Throws a `Problem` that names the setting and says what it wants.
    public init(flags: [Setting: String], environment: [String: String], file: [String: String]) throws(Problem) {
        for name in file.keys.sorted() where Setting(rawValue: name) == nil {
            throw Problem(
                "UnknownSetting",
                shown: "The configuration file has an unknown setting '\(PrintableText.of(name))'. Known are: "
                    + Setting.allCases.map(\.rawValue).joined(separator: ", ") + "."
            )
        }
        let given = GivenSettings(flags: flags, environment: environment, file: file)
        try self.takePlace(given)
        try self.takeBeginning(given)
        try self.takeLives(given)
        try self.takeSurroundings(given)
        try self.takeDesktops(given)
    }

    // Where the server is, and under which names.
    private mutating func takePlace(_ given: GivenSettings) throws(Problem) {
        self.dataDirectory = given.text(.data) ?? self.dataDirectory
        self.address = given.text(.address) ?? self.address
        self.port = try given.number(.port, 1...65_535) ?? self.port
        self.publicURL = given.text(.publicURL) ?? "https://localhost:\(self.port)"
        while self.publicURL.hasSuffix("/") { self.publicURL.removeLast() }
        guard self.publicURL.hasPrefix("https://"), !self.publicHost.isEmpty,
            !self.publicURL.dropFirst("https://".count).contains("/")
        else {
            throw GivenSettings.invalid(.publicURL, "https://host or https://host:port without a path", self.publicURL)
        }
        self.names = given.list(.names)
        switch (given.text(.tlsCertificate), given.text(.tlsKey)) {
        case (nil, nil): break
        case (let certificate?, let key?): self.tlsFiles = (certificate, key)
        default:
            throw Problem("InvalidSetting", shown: "tls-certificate and tls-key go together: give both or neither.")
        }
    }

    // The log, and what counts at the first start.
    private mutating func takeBeginning(_ given: GivenSettings) throws(Problem) {
        self.metricsPort = try given.number(.metricsPort, 0...65_535) ?? 0
        self.logLevel = given.text(.logLevel) ?? self.logLevel
        guard ["trace", "debug", "info", "notice", "warning", "error"].contains(self.logLevel) else {
            throw GivenSettings.invalid(.logLevel, "trace, debug, info, notice, warning or error", self.logLevel)
        }
        self.logFile = given.text(.logFile)
        self.tenantDomain = given.text(.tenantDomain)
        self.tenantID = given.text(.tenantID)
        if let id = self.tenantID, GUID(id) == nil { throw GivenSettings.invalid(.tenantID, "a GUID", id) }
        self.administrator = given.text(.administrator) ?? self.administrator
    }

    // How long things last.
    private mutating func takeLives(_ given: GivenSettings) throws(Problem) {
        self.sshCAType = given.text(.sshCAType) ?? self.sshCAType
        guard ["ed25519", "ecdsa-p256", "rsa-3072"].contains(self.sshCAType) else {
            throw GivenSettings.invalid(.sshCAType, "ed25519, ecdsa-p256 or rsa-3072", self.sshCAType)
        }
        let day = 86_400
        self.longestCertificateLife = .seconds(try given.number(.longestCertificateLife, 300...7 * day) ?? 28_800)
        self.certificateLife = .seconds(try given.number(.certificateLife, 300...7 * day) ?? 3600)
        guard self.certificateLife <= self.longestCertificateLife else {
            throw Problem("InvalidSetting", shown: "certificate-life must not exceed longest-certificate-life.")
        }
        self.cutAtExpiry = try given.flag(.cutAtExpiry, default: false)
        self.decisionCache = .seconds(try given.number(.decisionCache, 0...day) ?? 600)
        self.tunnelIdleLimit = try Self.limit(given.number(.tunnelIdleLimit, 0...365 * day) ?? 14_400)
        self.tunnelTotalLimit = try Self.limit(given.number(.tunnelTotalLimit, 0...365 * day) ?? day)
    }

    // Networks, machines and roles.
    private mutating func takeSurroundings(_ given: GivenSettings) throws(Problem) {
        self.relayNetworks = given.list(.relayNetworks)
        self.publicAddresses = given.list(.publicAddresses)
        if let wrong = self.publicAddresses.first(where: { AddressPrefix($0) == nil }) {
            throw Problem("InvalidSetting", shown: "public-addresses: '\(wrong)' is not a range such as 192.0.2.0/28.")
        }
        self.drain = .seconds(try given.number(.drain, 0...600) ?? 3)
        self.fabric = given.text(.fabric) ?? self.fabric
        guard ["none", "namespaces", "auto"].contains(self.fabric) else {
            throw GivenSettings.invalid(.fabric, "none, namespaces or auto", self.fabric)
        }
        self.assignmentPolicy.perSubscription = try given.number(.roleAssignmentLimit, 1...10_000_000) ?? 4000
        self.assignmentPolicy.allowsLoginRolesAtManagementGroups = try given.flag(
            .loginRolesAtManagementGroups,
            default: true
        )
    }

    // What desktops come with.
    private mutating func takeDesktops(_ given: GivenSettings) throws(Problem) {
        switch (given.text(.rdpSigningCertificate), given.text(.rdpSigningKey)) {
        case (nil, nil): break
        case (let certificate?, let key?): self.signingFiles = (certificate, key)
        default:
            throw Problem(
                "InvalidSetting",
                shown: "rdp-signing-certificate and rdp-signing-key go together: give both or neither."
            )
        }
        self.desktopConsent = given.text(.desktopConsent)
        self.desktopMessage = given.text(.desktopMessage)
        self.desktopWebAccount = try given.flag(.desktopWebAccount, default: true)
        for (setting, text) in [(Setting.desktopConsent, self.desktopConsent), (.desktopMessage, self.desktopMessage)] {
            guard let text, text.utf16.count > 4000 else { continue }
            throw GivenSettings.invalid(setting, "at most 4000 characters", "\(text.utf16.count)")
        }
    }

    private static func limit(_ seconds: Int) throws(Problem) -> Duration? {
        seconds == 0 ? nil : .seconds(seconds)
    }
}
