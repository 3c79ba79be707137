public import Vocabulary

/// A person who signs in.
public struct User: Sendable, Hashable {
    /// The immutable object id.
    public let id: GUID
    /// The name to sign in with, as it was written.
    public let userPrincipalName: String
    /// The name to show.
    public let displayName: String
    /// First name.
    public let givenName: String?
    /// Last name.
    public let surname: String?
    /// Mail address; never an identity.
    public let mail: String?
    /// Whether the person may sign in at all.
    public let accountEnabled: Bool
    /// Whether the person belongs to another organisation; guests cannot log in to machines.
    public let isGuest: Bool
    /// Whether the password is temporary: it must be changed in a browser before it works elsewhere.
    public let mustChangePassword: Bool
    /// Tokens issued before this are revoked. Always whole seconds, at or after the moment of revocation: issue tokens with an `iat` of at
    /// least this, and refuse those with a smaller one.
    public let tokensValidFrom: Instant
    /// The number of the person's accounts and private groups on hosts: allocated once, never given to anybody else.
    public let unixID: Int64
    /// Names the person had before, newest last; still found by name, and nobody else's while the person exists.
    public let formerNames: [String]
    /// When the person was added.
    public let createdAt: Instant
}

/// What is wanted of a user: the state to reach. Whatever is nil stays as it is, or takes its default in a new user.
public struct UserDraft: Sendable, Hashable {
    /// The object id; nil finds the user by name.
    public var id: GUID?
    /// The name to sign in with.
    public var userPrincipalName: String
    /// The name to show.
    public var displayName: String
    /// First name.
    public var givenName: String?
    /// Last name.
    public var surname: String?
    /// Mail address.
    public var mail: String?
    /// Default true.
    public var accountEnabled: Bool?
    /// Default: whether the name has the form `…#EXT#@…`; such a name is always a guest's.
    public var isGuest: Bool?
    /// Default false.
    public var mustChangePassword: Bool?

    /// Makes a draft.
    public init(
        id: GUID? = nil,
        userPrincipalName: String,
        displayName: String,
        givenName: String? = nil,
        surname: String? = nil,
        mail: String? = nil,
        accountEnabled: Bool? = nil,
        isGuest: Bool? = nil,
        mustChangePassword: Bool? = nil
    ) {
        self.id = id
        self.userPrincipalName = userPrincipalName
        self.displayName = displayName
        self.givenName = givenName
        self.surname = surname
        self.mail = mail
        self.accountEnabled = accountEnabled
        self.isGuest = isGuest
        self.mustChangePassword = mustChangePassword
    }
}
