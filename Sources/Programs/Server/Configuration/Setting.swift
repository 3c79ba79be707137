/// Every setting of the server: its name in the file (`public-url:`), on the command line (`--public-url`) and in the environment
/// (`SALLYPORT_SERVE_PUBLIC_URL`), with what `--help` says about it.
public enum Setting: String, CaseIterable, Sendable {
    case data
    case address
    case port
    case publicURL = "public-url"
    case names
    case tlsCertificate = "tls-certificate"
    case tlsKey = "tls-key"
    case metricsPort = "metrics-port"
    case logLevel = "log-level"
    case logFile = "log-file"
    case tenantDomain = "tenant-domain"
    case tenantID = "tenant-id"
    case administrator
    case sshCAType = "ssh-ca-type"
    case certificateLife = "certificate-life"
    case longestCertificateLife = "longest-certificate-life"
    case cutAtExpiry = "cut-at-expiry"
    case decisionCache = "decision-cache"
    case tunnelIdleLimit = "tunnel-idle-limit"
    case tunnelTotalLimit = "tunnel-total-limit"
    case rdpSigningCertificate = "rdp-signing-certificate"
    case rdpSigningKey = "rdp-signing-key"
    case desktopConsent = "desktop-consent"
    case desktopMessage = "desktop-message"
    case desktopWebAccount = "desktop-web-account"
    case relayNetworks = "relay-networks"
    case publicAddresses = "public-addresses"
    case drain
    case fabric
    case roleAssignmentLimit = "role-assignment-limit"
    case loginRolesAtManagementGroups = "login-roles-at-management-groups"

    /// One line for `--help`.
    public var help: String {
        switch self {
        case .data: "Data directory, made with mode 0700 (default: /var/lib/sallyport)."
        case .address: "Address to listen on (default: 0.0.0.0)."
        case .port: "TCP port for everything, TLS only (default: 8443)."
        case .publicURL:
            "Address that people and machines use, as https://host[:port] (default: https://localhost:<port>)."
        case .names: "More DNS names or addresses for the server's own certificate, separated by commas."
        case .tlsCertificate:
            "PEM file with the server's certificate chain (default: made by a private CA in the data directory)."
        case .tlsKey: "PEM file with the key of tls-certificate."
        case .metricsPort: "Loopback port for Prometheus metrics, 0 for none (default: 0)."
        case .logLevel: "trace, debug, info, notice, warning or error (default: info)."
        case .logFile: "File that the log is appended to (default: standard error)."
        case .tenantDomain: "Domain of the tenant, needed at the first start only, for example contoso.example."
        case .tenantID: "Object id of the tenant, at the first start only (default: random)."
        case .administrator: "Name of the first administrator, at the first start only (default: admin)."
        case .sshCAType: "Type of new SSH authority keys: ed25519, ecdsa-p256 or rsa-3072 (default: ed25519)."
        case .certificateLife: "Life of an SSH certificate in seconds (default: 3600)."
        case .longestCertificateLife:
            "Longest life of an SSH certificate that may be asked for, in seconds (default: 28800)."
        case .cutAtExpiry: "true to end SSH sessions when their certificate expires (default: false)."
        case .decisionCache:
            "Seconds for which a machine may repeat a decision while it cannot reach the server (default: 600)."
        case .tunnelIdleLimit: "Seconds without a byte after which a tunnel is closed, 0 for never (default: 14400)."
        case .tunnelTotalLimit: "Seconds after which a tunnel is closed in any case, 0 for never (default: 86400)."
        case .rdpSigningCertificate:
            "PEM file with the certificate chain that signs Remote Desktop files (default: the server's own certificate)."
        case .rdpSigningKey: "PEM file with the key of rdp-signing-certificate."
        case .desktopConsent:
            "Text that everybody has to agree to before a desktop opens through the gateway (default: none)."
        case .desktopMessage: "Message that is shown when a desktop opens through the gateway (default: none)."
        case .desktopWebAccount:
            "false where files that ask for a web account are opened by mstsc, which knows Microsoft's authority only: the gateway's token then says who the person is (default: true)."
        case .relayNetworks:
            "Networks from which the bastion reaches machines, for sshd's penalty exemption, separated by commas."
        case .publicAddresses:
            "Ranges that public IP resources get their addresses from, such as 192.0.2.0/28, separated by commas."
        case .fabric:
            "What makes machines: none, namespaces ('sallyport fabric' on this box), or auto for the latter if it answers or once did (default: auto)."
        case .drain: "Seconds that open tunnels get to end when the server is told to stop (default: 3)."
        case .roleAssignmentLimit: "Role assignments of a subscription and everything in it (default: 4000)."
        case .loginRolesAtManagementGroups:
            "false to refuse the login roles, and other roles with data actions, at management groups (default: true)."
        }
    }

    /// The name in the environment.
    public var variable: String {
        "SALLYPORT_SERVE_" + self.rawValue.uppercased().replacing("-", with: "_")
    }
}
