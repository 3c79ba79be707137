public import Vocabulary

/// Anything that a role can be assigned to.
public enum Principal: Sendable, Hashable {
    case user(User)
    case group(Group)
    case servicePrincipal(ServicePrincipal)

    /// The immutable object id.
    public var id: GUID {
        switch self {
        case .user(let user): user.id
        case .group(let group): group.id
        case .servicePrincipal(let principal): principal.id
        }
    }

    /// The name to show.
    public var displayName: String {
        switch self {
        case .user(let user): user.displayName
        case .group(let group): group.displayName
        case .servicePrincipal(let principal): principal.displayName
        }
    }
}

/// What of the directory changed. After a change of a group, every decision about its members, direct or not, may be another.
public enum DirectoryChange: Sendable, Hashable {
    case user(GUID)
    case group(GUID)
    case servicePrincipal(GUID)
}

/// Who makes a change, for the audit.
public struct Author: Sendable, Hashable {
    /// The object id; nil for the system itself.
    public let id: GUID?
    /// The name.
    public let name: String
    /// Joins the audit lines of one request.
    public let correlation: String
    /// The network address it came from.
    public let source: String

    /// Makes an author.
    public init(id: GUID?, name: String, correlation: String = "", source: String = "") {
        self.id = id
        self.name = name
        self.correlation = correlation
        self.source = source
    }

    /// The author that a subject is.
    public init(_ subject: Subject, correlation: String = "", source: String = "") {
        self.init(id: subject.id, name: subject.name, correlation: correlation, source: source)
    }

    /// The installation itself: setup, `apply`, expiry.
    public static let system = Author(id: nil, name: "sallyport")
}

/// The outcome of bringing something into a wanted state.
public struct PutOutcome<Value: Sendable>: Sendable {
    /// The state now; in a dry run, the state that it would be in.
    public let value: Value
    /// Whether it is new.
    public let isNew: Bool
    /// The properties that changed, by their names in Microsoft Graph; never empty for something new, empty when nothing was to do.
    public let changed: [String]

    /// Whether anything changed.
    public var isChange: Bool { !self.changed.isEmpty }
}

/// What a decision about a token or a session needs to know of its holder, from memory.
public struct Account: Sendable, Hashable {
    /// The identity with its groups.
    public let subject: Subject
    /// Whether it may sign in.
    public let isEnabled: Bool
    /// Tokens issued before this are revoked; see `User.tokensValidFrom`.
    public let tokensValidFrom: Instant
}
