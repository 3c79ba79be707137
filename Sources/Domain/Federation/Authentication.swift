public import Vocabulary

/// That somebody proved who they are: who, how and when. Everything issued later goes back to one of these.
public struct Authentication: Sendable, Hashable, Codable {
    /// The person's object id.
    public let user: GUID
    /// How, as in the `amr` claim (RFC 8176), for example `pwd`.
    public let methods: [String]
    /// When.
    public let at: Instant
}

/// A person who is signed in with a browser.
public struct SignedInAccount: Sendable, Hashable {
    /// How they signed in.
    public let authentication: Authentication
    /// Their sign-in name as written.
    public let userPrincipalName: String
    /// Their name.
    public let displayName: String
}
