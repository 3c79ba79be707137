public import Vocabulary

/// One thing that happened and that somebody may have to answer for.
public struct AuditEvent: Sendable, Hashable, Codable {
    /// How it ended.
    public enum Outcome: String, Sendable, Hashable, Codable {
        case success
        case refused
        case failed
    }

    /// When.
    public var at: Instant
    /// The object id of who did it; nil for the system itself and for people nobody recognised.
    public var actor: GUID?
    /// The name of who did it, as known at the time.
    public var actorName: String
    /// What, as `noun.verb`, for example `sshCertificate.issue`, `tunnel.open`, `roleAssignment.write`.
    public var action: String
    /// On what: a resource path, an object id, a serial.
    public var target: String
    /// How it ended.
    public var outcome: Outcome
    /// Why, in one sentence: the refusal's or problem's text; empty for success.
    public var reason: String
    /// Joins the lines that belong to one request.
    public var correlation: String
    /// The network address it came from, as the connection says.
    public var source: String
    /// More facts, never secrets.
    public var details: [String: String]

    /// Makes an event.
    public init(
        at: Instant,
        actor: GUID?,
        actorName: String,
        action: String,
        target: String,
        outcome: Outcome,
        reason: String = "",
        correlation: String = "",
        source: String = "",
        details: [String: String] = [:]
    ) {
        self.at = at
        self.actor = actor
        self.actorName = actorName
        self.action = action
        self.target = target
        self.outcome = outcome
        self.reason = reason
        self.correlation = correlation
        self.source = source
        self.details = details
        self = self.cleaned
    }

    /// The event as it is kept: without control characters and at a bounded length, whatever was set after it was made.
    var cleaned: AuditEvent {
        var event = self
        event.actorName = PrintableText.of(self.actorName)
        event.action = PrintableText.of(self.action)
        event.target = PrintableText.of(self.target, limit: 2048)
        event.reason = PrintableText.of(self.reason, limit: 1024)
        event.correlation = PrintableText.of(self.correlation)
        event.source = PrintableText.of(self.source)
        event.details = Dictionary(
            self.details.map { (PrintableText.of($0.key), PrintableText.of($0.value, limit: 1024)) },
            uniquingKeysWith: { first, _ in first }
        )
        return event
    }
}
