public import AccessControl
public import Vocabulary

/// One person's way through the bastion to one target: admitted once, carried by one or more sockets, ended once.
public struct Session: Sendable, Hashable {
    /// How the client comes to the bastion host.
    public enum Way: Hashable, Sendable {
        /// A WebSocket with the target's own bytes.
        case tunnel
        /// The Remote Desktop gateway.
        case gateway
    }

    /// The identifier that audit lines, metrics and administrators use; it opens nothing.
    public let id: GUID
    /// Who.
    public let subject: Subject
    /// Through which bastion host.
    public let bastion: ResourcePath
    /// To which machine, or the bastion's IP-connect pseudo-resource.
    public let target: ResourcePath
    /// The network endpoint that is dialled.
    public let endpoint: Endpoint
    /// The network address the person came from, as the connection said.
    public let source: String
    /// When it was admitted.
    public let admittedAt: Instant
    /// How the client comes.
    public let way: Way
    /// The machine that this session has signed the person in to, so that it lasts no longer than their right to sign in there does.
    public internal(set) var signedInTo: ResourcePath?
    /// How many sockets carry it now.
    public internal(set) var sockets = 0
    /// Bytes towards the target, of sockets that are closed.
    public internal(set) var bytesSent: UInt64 = 0
    /// Bytes from the target, of sockets that are closed.
    public internal(set) var bytesReceived: UInt64 = 0
}

/// Who asks to be let through, and where to.
public struct AdmissionRequest: Sendable {
    /// Who, as the access token says.
    public let subject: Subject
    /// The bastion host that was asked.
    public let bastion: ResourcePath
    /// The machine, or `…/Microsoft.Network/bh-hostConnect/{address}`.
    public let target: ResourcePath
    /// The TCP port on the target.
    public let port: Int
    /// The session that another socket is wanted for: the `authToken` of the first answer.
    public let continuing: String?
    /// The network address it came from.
    public let source: String
    /// Joins the audit lines of one request.
    public let correlation: String

    /// Makes a request.
    public init(
        subject: Subject,
        bastion: ResourcePath,
        target: ResourcePath,
        port: Int,
        continuing: String? = nil,
        source: String,
        correlation: String
    ) {
        self.subject = subject
        self.bastion = bastion
        self.target = target
        self.port = port
        self.continuing = continuing
        self.source = source
        self.correlation = correlation
    }
}

/// What an admitted person gets: three opaque strings, in the names of the bastion's data-plane protocol.
public struct Admission: Sendable {
    /// Names the session towards the client: continues it and ends it.
    public let authToken: String
    /// Opens one socket, once, within a minute.
    public let websocketToken: String
    /// The node that holds the session.
    public let nodeID: String
    /// The session.
    public let session: GUID
}

/// What decides whether somebody may be connected, asked at admission, at each socket, and whenever rights change.
public struct ConnectionJudge: Sendable {
    /// What an allowed connection consists of.
    public struct Allowed: Sendable {
        /// The decision that lets it through.
        public let decision: Decision.Allowed
        /// Where it leads.
        public let endpoint: Endpoint

        /// Makes an answer.
        public init(decision: Decision.Allowed, endpoint: Endpoint) {
            self.decision = decision
            self.endpoint = endpoint
        }
    }

    let judge: @Sendable (Subject, _ bastion: ResourcePath, _ target: ResourcePath, _ port: Int) -> Verdict<Allowed>
    let current: @Sendable (GUID) async throws -> Subject?
    let goesOn: @Sendable (Subject, _ bastion: ResourcePath, _ target: ResourcePath, _ port: Int) -> Verdict<Allowed>
    let entry: @Sendable (GUID, _ target: ResourcePath) async throws -> Refusal?

    /// Makes a judge from the two questions it asks.
    /// - Parameters:
    ///   - judge: whether the connection is allowed by rights, reach and features; must answer from memory.
    ///   - current: the person as of now; nil when unknown or disabled.
    ///   - goesOn: whether a connection that is open may stay open: rights and reach, but no switch of the bastion host, which is about the
    ///     next connection; the same as `judge` when left out.
    ///   - entry: why somebody may not be signed in to a machine, nil when they may; asked of sessions that signed somebody in.
    public init(
        judge: @escaping @Sendable (Subject, ResourcePath, ResourcePath, Int) -> Verdict<Allowed>,
        current: @escaping @Sendable (GUID) async throws -> Subject?,
        goesOn: (@Sendable (Subject, ResourcePath, ResourcePath, Int) -> Verdict<Allowed>)? = nil,
        entry: @escaping @Sendable (GUID, ResourcePath) async throws -> Refusal? = { _, _ in nil }
    ) {
        self.entry = entry
        self.judge = judge
        self.goesOn = goesOn ?? judge
        self.current = current
    }
}
