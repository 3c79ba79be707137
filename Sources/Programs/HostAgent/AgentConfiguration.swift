import FoundationEssentials
public import Vocabulary

/// The agent's configuration file, `/etc/sallyport/agent.json`. `join` writes it; everything but the identity has a default.
public struct AgentConfiguration: Hashable, Sendable, Codable {
    /// The server, for example `https://sallyport.example`.
    public var server: String
    /// A PEM file with the authorities that may have signed the server's certificate; the host's own list when absent.
    public var caFile: String?
    /// Who this host is.
    public var hostId: GUID
    /// The tenant it belongs to.
    public var tenantId: GUID
    /// The resource it is.
    public var resourceId: String
    /// The path of the control channel.
    public var controlPath: String
    /// A proxy to reach the server through, `http://[user:password@]host:port`; the variables `https_proxy` and `no_proxy` when absent.
    public var proxy: String?
    /// Where the instance metadata service listens: `address:port`, `auto` (the usual address where possible, else the loopback port), or `off`.
    public var metadata: String?
    /// Where home directories are made.
    public var homeBase: String?
    /// The login shell.
    public var shell: String?
    /// What new home directories begin with.
    public var skeleton: String?
    /// The sshd program.
    public var sshd: String?
    /// sshd's main configuration file.
    public var sshdConfiguration: String?
    /// sshd's process id file.
    public var sshdPidFile: String?
    /// A command that makes sshd read its configuration again, instead of a signal.
    public var sshdReload: [String]?
    /// Where the modules to install are.
    public var modules: String?
    /// A program that sets and takes back passwords, for hosts whose desktop service does not ask PAM; see `CredentialCommand`.
    public var desktopCredentialCommand: [String]?
    /// The port of the desktop service, where xrdp's own settings do not say it.
    public var desktopPort: Int?
    /// The certificate of the desktop service (PEM or DER), where it is not xrdp's.
    public var desktopCertificate: String?
    /// What the desktop service is, where it is not xrdp.
    public var desktopProduct: String?

    /// Makes a configuration with the defaults for everything else.
    public init(server: String, caFile: String?, identity: Identity) {
        self.server = server
        self.caFile = caFile
        self.hostId = identity.hostId
        self.tenantId = identity.tenantId
        self.resourceId = identity.resourceId
        self.controlPath = identity.controlPath
    }

    /// Whether this host is a machine outside the cloud (Azure Arc), whose metadata service is another than a virtual machine's.
    var isOutsideTheCloud: Bool { self.resourceId.lowercased().contains("/microsoft.hybridcompute/") }

    /// What a join tells a host about itself.
    public struct Identity: Hashable, Sendable {
        /// Who this host is.
        public var hostId: GUID
        /// The tenant it belongs to.
        public var tenantId: GUID
        /// The resource it is.
        public var resourceId: String
        /// The path of the control channel.
        public var controlPath: String

        /// Makes an identity.
        public init(hostId: GUID, tenantId: GUID, resourceId: String, controlPath: String) {
            self.hostId = hostId
            self.tenantId = tenantId
            self.resourceId = resourceId
            self.controlPath = controlPath
        }
    }

    /// Reads the file.
    static func load(_ layout: HostLayout) throws(HostAgentError) -> AgentConfiguration {
        guard let bytes = try HostFile.read(layout.configurationFile) else {
            throw .configuration(
                "this host has not joined (\(layout.configurationFile) is missing): run sally-agent join"
            )
        }
        do {
            return try JSONDecoder().decode(AgentConfiguration.self, from: Data(bytes))
        } catch {
            throw .configuration("\(layout.configurationFile): \(error)")
        }
    }

    /// Writes the file.
    func save(_ layout: HostLayout) throws(HostAgentError) {
        try HostFile.makeDirectory(layout.configurationDirectory, mode: 0o755)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        guard let data = try? encoder.encode(self) else { throw .configuration("the configuration cannot be written") }
        try HostFile.replace(layout.configurationFile, with: Array(data) + [0x0a], .root(0o644))
    }
}
