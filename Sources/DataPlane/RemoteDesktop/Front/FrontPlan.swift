public import NIOCore
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
        /// The front signs in by Kerberos, with the name, the domain and the password that `prepare` gives. A host that takes no Kerberos is
        /// refused; nothing else is tried with it.
        case kerberos(CallController)

        /// Whether the host is left to ask.
        var isPassword: Bool {
            if case .password = self { true } else { false }
        }

        /// Whether the host must prove itself before it sees a password.
        var needsCredSSP: Bool {
            if case .kerberos = self { true } else { false }
        }
    }

    /// Dials the controller of the person's domain; the channel is not read before it is taken over. A refusal in a `DialError` is shown to the
    /// person.
    public typealias CallController = @Sendable (any EventLoop) -> EventLoopFuture<any Channel>

    /// Decides about a proof, and gets the credential for the host.
    public typealias Prepare = @Sendable (DesktopProof) async -> Verdict<DesktopCredentials>

    /// Whether the front signs in or the host is left to ask.
    public let signIn: SignIn
    /// The name by which the host calls itself, which is the one that its domain knows.
    public let hostName: String
    /// The front's own TLS towards the client, with a certificate for the host's name.
    public let certificate: NIOSSLContext
    /// The SHA-256 of the host's certificate as its agent reported it; nil when the host has no agent, and then none is checked.
    public let pinned: [UInt8]?
    /// Which of the client's static channels the host gets to see.
    public let channels: ChannelPolicy
    /// Decides, as things are now, and gets the credential that is good for this one sign-in. The refusal's sentence reaches the person.
    public let prepare: Prepare
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
        recorder: (any DesktopRecorder)? = nil,
        settled: @escaping @Sendable () -> Void = {},
        prepare: @escaping Prepare
    ) {
        self.signIn = signIn
        self.hostName = hostName
        self.certificate = certificate
        self.pinned = pinned
        self.channels = channels
        self.prepare = prepare
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
