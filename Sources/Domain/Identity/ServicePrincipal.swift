public import Vocabulary

/// A program's identity in the tenant.
public struct ServicePrincipal: Sendable, Hashable {
    /// Where the identity comes from.
    public enum Kind: String, Sendable, Hashable, Codable {
        /// A registered application, which signs in with a secret or a certificate.
        case application
        /// A machine's own identity, which has no credential outside the machine.
        case managedIdentity
    }

    /// The immutable object id.
    public let id: GUID
    /// The application (client) id.
    public let appID: GUID
    /// The name to show; not unique.
    public let displayName: String
    /// The names that it is found by, the application id among them.
    public let names: [String]
    /// Where the identity comes from.
    public let kind: Kind
    /// Whether it may sign in at all.
    public let accountEnabled: Bool
    /// The machine that a managed identity belongs to.
    public let resource: ResourcePath?
    /// Tokens issued before this are revoked; see `User.tokensValidFrom`.
    public let tokensValidFrom: Instant
    /// The number of its accounts on hosts: allocated once, never given to anybody else.
    public let unixID: Int64
    /// When it was added.
    public let createdAt: Instant
}

/// What is wanted of a service principal. Whatever is nil stays as it is, or takes its default in a new one.
public struct ServicePrincipalDraft: Sendable, Hashable {
    /// The object id; nil finds it by application id, or else by name when only one has it.
    public var id: GUID?
    /// The application id; made when nil.
    public var appID: GUID?
    /// The name to show.
    public var displayName: String
    /// Further names to find it by; the application id is always one.
    public var names: [String]?
    /// Default true.
    public var accountEnabled: Bool?

    /// Makes a draft.
    public init(
        id: GUID? = nil,
        appID: GUID? = nil,
        displayName: String,
        names: [String]? = nil,
        accountEnabled: Bool? = nil
    ) {
        self.id = id
        self.appID = appID
        self.displayName = displayName
        self.names = names
        self.accountEnabled = accountEnabled
    }
}

/// A service principal's means to prove itself, without the secret part.
public struct Credential: Sendable, Hashable {
    /// What it is.
    public enum Kind: String, Sendable, Hashable, Codable {
        case secret
        case certificate
    }

    /// Its identifier.
    public let id: GUID
    /// What it is.
    public let kind: Kind
    /// A name to know it by.
    public let displayName: String
    /// When it was added.
    public let createdAt: Instant
    /// When it stops working; nil for never.
    public let expiresAt: Instant?
}
