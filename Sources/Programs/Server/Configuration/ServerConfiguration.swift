public import Vocabulary

/// The server's settings after they were read and checked.
public struct ServerConfiguration: Sendable {
    public var dataDirectory = "/var/lib/sallyport"
    public var address = "0.0.0.0"
    public var port = 8443
    public var publicURL = "https://localhost:8443"
    public var names: [String] = []
    public var tlsFiles: (certificate: String, key: String)?
    public var metricsPort = 0
    public var logLevel = "info"
    public var logFile: String?
    public var tenantDomain: String?
    public var tenantID: String?
    public var administrator = "admin"
    public var sshCAType = "ed25519"
    public var certificateLife: Duration = .seconds(3600)
    public var longestCertificateLife: Duration = .seconds(28_800)
    public var cutAtExpiry = false
    public var decisionCache: Duration = .seconds(600)
    public var tunnelIdleLimit: Duration? = .seconds(14_400)
    public var tunnelTotalLimit: Duration? = .seconds(86_400)
    public var relayNetworks: [String] = []
    public var drain: Duration = .seconds(3)

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
        func text(_ setting: Setting) -> String? {
            flags[setting] ?? environment[setting.variable] ?? file[setting.rawValue]
        }
        func number(_ setting: Setting, _ range: ClosedRange<Int>) throws(Problem) -> Int? {
            guard let text = text(setting) else { return nil }
            guard let value = Int(text), range.contains(value) else {
                throw Self.invalid(setting, "a whole number from \(range.lowerBound) to \(range.upperBound)", text)
            }
            return value
        }
        func list(_ setting: Setting) -> [String] {
            (text(setting) ?? "").split(separator: ",").map { String($0.trimmingPrefix(" ")) }.filter { !$0.isEmpty }
        }
        self.dataDirectory = text(.data) ?? self.dataDirectory
        self.address = text(.address) ?? self.address
        self.port = try number(.port, 1...65_535) ?? self.port
        self.publicURL = text(.publicURL) ?? "https://localhost:\(self.port)"
        while self.publicURL.hasSuffix("/") { self.publicURL.removeLast() }
        guard self.publicURL.hasPrefix("https://"), !self.publicHost.isEmpty,
            !self.publicURL.dropFirst("https://".count).contains("/")
        else { throw Self.invalid(.publicURL, "https://host or https://host:port without a path", self.publicURL) }
        self.names = list(.names)
        switch (text(.tlsCertificate), text(.tlsKey)) {
        case (nil, nil): break
        case (let certificate?, let key?): self.tlsFiles = (certificate, key)
        default:
            throw Problem("InvalidSetting", shown: "tls-certificate and tls-key go together: give both or neither.")
        }
        self.metricsPort = try number(.metricsPort, 0...65_535) ?? 0
        self.logLevel = text(.logLevel) ?? self.logLevel
        guard ["trace", "debug", "info", "notice", "warning", "error"].contains(self.logLevel) else {
            throw Self.invalid(.logLevel, "trace, debug, info, notice, warning or error", self.logLevel)
        }
        self.logFile = text(.logFile)
        self.tenantDomain = text(.tenantDomain)
        self.tenantID = text(.tenantID)
        if let id = self.tenantID, GUID(id) == nil { throw Self.invalid(.tenantID, "a GUID", id) }
        self.administrator = text(.administrator) ?? self.administrator
        self.sshCAType = text(.sshCAType) ?? self.sshCAType
        guard ["ed25519", "ecdsa-p256", "rsa-3072"].contains(self.sshCAType) else {
            throw Self.invalid(.sshCAType, "ed25519, ecdsa-p256 or rsa-3072", self.sshCAType)
        }
        let day = 86_400
        self.longestCertificateLife = .seconds(try number(.longestCertificateLife, 300...7 * day) ?? 28_800)
        self.certificateLife = .seconds(try number(.certificateLife, 300...7 * day) ?? 3600)
        guard self.certificateLife <= self.longestCertificateLife else {
            throw Problem("InvalidSetting", shown: "certificate-life must not exceed longest-certificate-life.")
        }
        switch text(.cutAtExpiry) {
        case nil, "false": self.cutAtExpiry = false
        case "true": self.cutAtExpiry = true
        case let other?: throw Self.invalid(.cutAtExpiry, "true or false", other)
        }
        self.decisionCache = .seconds(try number(.decisionCache, 0...day) ?? 600)
        self.tunnelIdleLimit = try Self.limit(number(.tunnelIdleLimit, 0...365 * day) ?? 14_400)
        self.tunnelTotalLimit = try Self.limit(number(.tunnelTotalLimit, 0...365 * day) ?? day)
        self.relayNetworks = list(.relayNetworks)
        self.drain = .seconds(try number(.drain, 0...600) ?? 3)
    }

    private static func limit(_ seconds: Int) throws(Problem) -> Duration? {
        seconds == 0 ? nil : .seconds(seconds)
    }

    private static func invalid(_ setting: Setting, _ wanted: String, _ got: String) -> Problem {
        Problem(
            "InvalidSetting",
            shown: "The setting \(setting.rawValue) must be \(wanted); it is '\(PrintableText.of(got, limit: 100))'."
        )
    }
}
