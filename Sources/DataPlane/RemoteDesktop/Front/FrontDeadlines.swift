/// How long each step of a sign-in may take; a step that takes longer ends the connection.
public struct FrontDeadlines: Hashable, Sendable {
    /// For the client's first message, and for its TLS.
    public var client: Duration
    /// For a person who signs in to a web account in the middle of it, with every factor that is asked for.
    public var person: Duration
    /// For the decision and the one-time credential.
    public var judgement: Duration
    /// For the host's first message and its TLS. Clients of the FreeRDP family give up after nine seconds, and then show no reason.
    public var hostAnswer: Duration
    /// For the host's sign-in and its settings.
    public var host: Duration
    /// For the messages between settings and sign-in.
    public var joining: Duration
    /// For the last words to reach the client.
    public var linger: Duration

    /// Makes deadlines.
    public init(
        client: Duration = .seconds(15),
        person: Duration = .seconds(300),
        judgement: Duration = .seconds(45),
        hostAnswer: Duration = .seconds(6),
        host: Duration = .seconds(20),
        joining: Duration = .seconds(30),
        linger: Duration = .seconds(2)
    ) {
        self.client = client
        self.person = person
        self.judgement = judgement
        self.hostAnswer = hostAnswer
        self.host = host
        self.joining = joining
        self.linger = linger
    }

    /// What suits people and networks.
    public static let standard = FrontDeadlines()
}
