public import Vocabulary

/// Somebody who presented a token that holds: who, through which application, and how they signed in.
public struct Caller: Sendable, Hashable {
    /// Who it is, with their groups as of now.
    public let subject: Subject
    /// The application that the token was issued to.
    public let appID: GUID
    /// The token's own identifier, for the record.
    public let tokenID: String
    /// When the token was issued.
    public let issuedAt: Instant
    /// When the token ends.
    public let expiresAt: Instant
    /// How they signed in, as in the `amr` claim.
    public let methods: [String]

    /// The name to show.
    public var displayName: String { self.subject.name }
}
