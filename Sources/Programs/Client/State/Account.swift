public import Vocabulary

/// Somebody signed in on this computer, with what renews the sign-in. Kept in `account.json`, mode 0600.
public struct Account: Codable, Sendable {
    /// How the sign-in was made, which decides how it is renewed.
    public enum Kind: String, Codable, Sendable {
        case user
        case servicePrincipal
        case managedIdentity
    }

    /// The server's address.
    public var url: String
    /// The CA file to trust; nil for the system's.
    public var authorityFile: String?
    /// The tenant.
    public var tenantID: GUID
    /// How it was made.
    public var kind: Kind
    /// The user name, or the application id.
    /// The subscription's name.
    public var name: String
    /// The object id, when known.
    public var objectID: GUID?
    /// The chosen subscription.
    public var subscription: GUID?
    /// Renews tokens of a person.
    public var refreshToken: String?
    /// Renews tokens of a service principal.
    public var clientSecret: String?
    /// The PEM file with key and certificate of a service principal.
    public var certificateFile: String?
    /// Access tokens by scope.
    public var tokens: [String: AccessToken]
    /// Names of accounts and subscriptions for `account list`.
    public var subscriptions: [SubscriptionSummary]

    /// The file it is kept in.
    public static let file = "account.json"

    /// Makes an account that has no tokens yet.
    public init(url: String, authorityFile: String?, tenantID: GUID, kind: Kind, name: String) {
        self.url = url
        self.authorityFile = authorityFile
        self.tenantID = tenantID
        self.kind = kind
        self.name = name
        self.tokens = [:]
        self.subscriptions = []
    }
}

/// A token that opens one service for a while.
public struct AccessToken: Codable, Sendable {
    /// The token itself.
    public var token: String
    /// When it stops working.
    public var expiresAt: Instant

    /// Makes a token.
    public init(token: String, expiresAt: Instant) {
        self.token = token
        self.expiresAt = expiresAt
    }
}

/// A subscription as `account list` shows it.
public struct SubscriptionSummary: Codable, Sendable {
    /// The subscription's id.
    public var id: GUID
    /// Its name to show.
    public var name: String

    /// Makes a summary.
    public init(id: GUID, name: String) {
        self.id = id
        self.name = name
    }
}
