public import Vocabulary

/// What stands behind a gateway token: one person, one machine, one port, one client address, one use.
struct GatewayTicket: Sendable {
    /// The session it opens, as it was admitted.
    let session: Session
    /// The names by which the client may ask for the machine, in lower case.
    let names: [String]
    /// Whether the person needs no password of theirs.
    let isPasswordless: Bool
    /// Until when it can be used.
    let expiresAt: Instant
    /// How long its use or end is remembered, so that the next one who brings it is told apart from a stranger.
    let forgetAt: Instant
    /// When it was used.
    var spentAt: Instant?

    var opening: GatewayOpening {
        GatewayOpening(session: self.session, isPasswordless: self.isPasswordless, names: self.names)
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
    /// Whether the person needs no password of theirs, because the token says who they are.
    public let isPasswordless: Bool
    let names: [String]
}
