/// How a host is, as it reports itself at connect, on change and every minute.
public struct HostStatus: Hashable, Sendable, Codable {
    /// How far signing in with the directory has been set up.
    public enum LoginState: String, Hashable, Sendable, Codable {
        /// Set up and checked.
        case enabled
        /// Not set up.
        case disabled
        /// Wanted but not to be had; `exitCode` and `message` say why.
        case failed
    }

    /// How far signing in has been set up.
    public var loginState: LoginState
    /// Zero, or the exit code of the virtual machine extension: 51 unsupported system, 52 missing dependency, 53 configuration, 21 self-check.
    public var exitCode: Int
    /// One sentence for the administrator; empty when all is well.
    public var message: String
    /// The agent's version.
    public var agentVersion: String
    /// The distribution's name, from os-release.
    public var osName: String
    /// The distribution's version, from os-release.
    public var osVersion: String
    /// The host's name.
    public var hostname: String
    /// The host's addresses without loopback.
    public var addresses: [String]
    /// The host's public SSH keys, as OpenSSH lines.
    public var hostKeys: [String]
    /// The sessions that run now.
    public var sessions: [SessionReport]
    /// The desktop service that people of the directory can use; nil where there is none, and from an agent that knows of none.
    public var desktop: DesktopReport?

    /// Makes a status.
    public init(
        loginState: LoginState,
        exitCode: Int = 0,
        message: String = "",
        agentVersion: String,
        osName: String,
        osVersion: String,
        hostname: String,
        addresses: [String],
        hostKeys: [String],
        sessions: [SessionReport] = [],
        desktop: DesktopReport? = nil
    ) {
        self.loginState = loginState
        self.exitCode = exitCode
        self.message = message
        self.agentVersion = agentVersion
        self.osName = osName
        self.osVersion = osVersion
        self.hostname = hostname
        self.addresses = addresses
        self.hostKeys = hostKeys
        self.sessions = sessions
        self.desktop = desktop
    }
}

/// What a host sends to join: the body of `POST /hosts/v1/join`.
public struct JoinRequest: Hashable, Sendable, Codable {
    /// The single-use enrolment token.
    public var token: String
    /// The public half of the key that the host made for itself, an OpenSSH `ssh-ed25519` line.
    public var machineKey: String
    /// The host's name.
    public var hostname: String
    /// The host's public SSH keys, as OpenSSH lines.
    public var hostKeys: [String]
    /// The distribution's name.
    public var osName: String
    /// The distribution's version.
    public var osVersion: String
    /// The agent's version.
    public var agentVersion: String
    /// The host's addresses without loopback.
    public var addresses: [String]

    /// Makes a request.
    public init(
        token: String,
        machineKey: String,
        hostname: String,
        hostKeys: [String],
        osName: String,
        osVersion: String,
        agentVersion: String,
        addresses: [String]
    ) {
        self.token = token
        self.machineKey = machineKey
        self.hostname = hostname
        self.hostKeys = hostKeys
        self.osName = osName
        self.osVersion = osVersion
        self.agentVersion = agentVersion
        self.addresses = addresses
    }
}
