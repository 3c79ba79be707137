public import Vocabulary

/// What stands behind a gateway token: one person, one machine, one port, one client address, one use.
struct GatewayTicket: Sendable {
    /// The session it opens, as it was admitted.
    let session: Session
    /// The names by which the client may ask for the machine, in lower case.
    let names: [String]
    /// How the person signs in to the machine.
    let signIn: GatewaySignIn
    /// Until when it can be used.
    let expiresAt: Instant
    /// How long its use or end is remembered, so that the next one who brings it is told apart from a stranger.
    let forgetAt: Instant
    /// When it was used.
    var spentAt: Instant?
    /// Why it opened no desktop, although it was good.
    var refusal: Refusal?

    var opening: GatewayOpening {
        GatewayOpening(session: self.session, signIn: self.signIn, names: self.names)
    }
}

/// What somebody gets who may open a desktop through the gateway.
public struct GatewayAdmission: Sendable {
    /// Opens one desktop, once: goes into the connection file and nowhere else.
    public let token: Secret<String>
    /// Until when.
    public let expiresAt: Instant
    /// The session.
    public let session: GUID
}

/// A gateway token that was spent: what it may be used for, once.
public struct GatewayOpening: Sendable {
    /// The session.
    public let session: Session
    /// How the person signs in to the machine.
    public let signIn: GatewaySignIn
    let names: [String]
}

/// How somebody whom the gateway lets through signs in to the machine.
public enum GatewaySignIn: Hashable, Sendable {
    /// With a name and a password that the machine asks for.
    case password
    /// Without a password of theirs, because the token says who they are.
    case passwordless
    /// With a name and a password of the machine's domain, which they have given together with the question for the token.
    case domain
}
