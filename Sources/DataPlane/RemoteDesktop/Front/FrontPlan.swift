public import NIOSSL
public import RDPWire
public import Vocabulary

/// How somebody who opens a desktop has proved who they are.
public enum DesktopProof: Hashable, Sendable {
    /// By the token of the gateway, which was spent for this connection.
    case admitted
    /// By a web account: the assertion of RDS-AAD as the client sent it, and the nonce that it had to answer.
    case assertion(String, nonce: String)
}

/// How the front treats one connection; made by whoever admitted it.
public struct FrontPlan: Sendable {
    /// What the client's sign-in is about.
    public enum SignIn: Sendable {
        /// Every byte goes through untouched and the host asks for a name and a password itself, unless the client asks for a web account.
        /// Where a policy closes a channel there is no such connection.
        case password
        /// The front signs in for the person, without a password of theirs.
        case passwordless
    }

    /// Whether the front signs in or the host is left to ask.
    public let signIn: SignIn
    /// The name by which the client knows the host, up to the first dot: what an RDS-AAD assertion must be about.
    public let hostName: String
    /// The front's own TLS towards the client, with a certificate for the host's name.
    public let certificate: NIOSSLContext
    /// The SHA-256 of the host's certificate as its agent reported it; nil when the host has no agent, and then none is checked.
    public let pinned: [UInt8]?
    /// Which of the client's static channels the host gets to see.
    public let channels: ChannelPolicy
    /// Decides, as things are now, and gets the credential that is good for this one sign-in. The refusal's sentence reaches the person.
    public let prepare: @Sendable (DesktopProof) async -> Verdict<DesktopCredentials>
    /// The realm whose tickets prove the person to a host that asks before it shows anything; nil for a proof by NTLM.
    public let kerberos: KerberosRealm?
    /// Called when the host has no more use for the credential: it says that the person is signed in, or the connection has ended. Maybe twice.
    public let settled: @Sendable () -> Void
    /// Gets a copy of both directions from the sign-in on; nil when nothing is recorded.
    public let recorder: (any DesktopRecorder)?

    /// Makes a plan.
    public init(
        signIn: SignIn,
        hostName: String,
        certificate: NIOSSLContext,
        pinned: [UInt8]?,
        channels: ChannelPolicy,
        kerberos: KerberosRealm? = nil,
        recorder: (any DesktopRecorder)? = nil,
        settled: @escaping @Sendable () -> Void = {},
        prepare: @escaping @Sendable (DesktopProof) async -> Verdict<DesktopCredentials>
    ) {
        self.signIn = signIn
        self.hostName = hostName
        self.certificate = certificate
        self.pinned = pinned
        self.channels = channels
        self.prepare = prepare
        self.kerberos = kerberos
        self.recorder = recorder
        self.settled = settled
    }
}

extension Refusal {
    /// Why no desktop opens by a password where a policy closes a side channel.
    public static let desktopPasswordClosed = Refusal(
        "DesktopPasswordClosed",
        reason:
            "This bastion host closes the clipboard of desktops (disableCopyPaste), which it can do only where it signs you "
            + "in itself.",
        remedy:
            "Use your organisation's account or Kerberos instead of a user name and a password of the machine, or ask "
            + "for disableCopyPaste to be switched off."
    )
}
