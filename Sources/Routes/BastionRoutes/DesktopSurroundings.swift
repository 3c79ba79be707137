public import RDPWire
public import RemoteDesktop
public import Sessions
public import Vocabulary

/// What the data plane has to know about desktops, from wherever it is known.
public struct DesktopSurroundings: Sendable {
    /// A machine as Remote Desktop clients know it.
    public struct Machine: Sendable {
        /// Its resource; nil for an address that belongs to no declared machine.
        public let path: ResourcePath?
        /// The host name as the machine's agent reported it, or as the resource says; for a bare address, that.
        public let hostName: String
        /// The port on which its agent found Remote Desktop; nil when nobody reported one.
        public let port: Int?
        /// Whether its agent is known to the server, so that a sign-in without password can work.
        public let isEnrolled: Bool

        /// Describes a machine.
        public init(path: ResourcePath?, hostName: String, port: Int? = nil, isEnrolled: Bool) {
            self.path = path
            self.hostName = hostName
            self.port = port
            self.isEnrolled = isEnrolled
        }
    }

    /// Host, and port unless it is 443, of the gateway as clients reach it.
    public var gateway: String
    /// What is behind a target: a machine, or the address of one, through a bastion host.
    public var machine: @Sendable (_ target: ResourcePath, _ bastion: ResourcePath) -> Machine
    /// The enrolled machines that go by a host name, among those that somebody may see.
    public var namesakes: @Sendable (_ hostName: String, _ subject: Subject) -> [ResourcePath] = { _, _ in [] }
    /// Which side channels a bastion host opens.
    public var channels: @Sendable (_ bastion: ResourcePath) -> ChannelPolicy = { _ in .open }
    /// A text that everybody has to agree to before a desktop opens; nil for none.
    public var consent: String?
    /// A message that is shown when a desktop opens; nil for none.
    public var message: String?
    /// Whether files that ask for a web account tell the client so; otherwise the token in them says who the person is.
    public var announcesWebAccounts = true
    /// Makes a detached CMS signature of a message; nil when connection files are not signed.
    public var sign: (@Sendable ([UInt8]) throws -> [UInt8])?
    /// How the front treats a session; nil when there is no front, and every desktop asks for a password itself.
    public var plan: (@Sendable (_ session: Session, _ signIn: GatewaySignIn) async throws -> FrontPlan)?
    /// Why nobody signs in with an account of a domain through a bastion host; nil when that works.
    public var domainRefusal: @Sendable (_ bastion: ResourcePath) -> Refusal? = { _ in
        Refusal("KerberosDisabled", reason: "This server signs nobody in by Kerberos.")
    }

    /// Makes surroundings without a front.
    public init(
        gateway: String,
        machine: @escaping @Sendable (ResourcePath, ResourcePath) -> Machine
    ) {
        self.gateway = gateway
        self.machine = machine
    }
}
