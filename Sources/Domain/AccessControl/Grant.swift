public import Vocabulary

/// Proof that somebody may reach a target; spent by dialling. Only `AccessControl` makes one, from a decision.
public struct Grant: ~Copyable, Sendable {
    /// The machine that the decision was about.
    public let target: ResourcePath
    /// Where it is reached.
    public let endpoint: Endpoint
    /// The object id of who was granted it.
    public let user: GUID
    /// The session that it was granted for.
    public let session: GUID

    init(target: ResourcePath, endpoint: Endpoint, user: GUID, session: GUID) {
        self.target = target
        self.endpoint = endpoint
        self.user = user
        self.session = session
    }
}
