public import Vocabulary

/// An application that an administrator registered: what a service principal is made from, with credentials of its own.
///
/// Source: Microsoft Graph, "application resource type".
public struct AppRegistration: Sendable, Hashable {
    /// The immutable object id; another one than the application id.
    public let id: GUID
    /// The application (client) id.
    public let appID: GUID
    /// The name to show; not unique.
    public let displayName: String
    /// The further names that its service principal is found by; nothing else in the tenant has them.
    public let identifierURIs: [String]
    /// When it was registered.
    public let createdAt: Instant
}

/// What is wanted of an application's registration. Nil identifier URIs stay as they are.
public struct AppRegistrationDraft: Sendable, Hashable {
    /// The object id; nil registers a new application, unless there is one with the application id.
    public var id: GUID?
    /// The application id; nil makes one up for a new application.
    public var appID: GUID?
    /// The name to show.
    public var displayName: String
    /// The further names.
    public var identifierURIs: [String]?

    /// Makes a draft.
    public init(id: GUID? = nil, appID: GUID? = nil, displayName: String, identifierURIs: [String]? = nil) {
        self.id = id
        self.appID = appID
        self.displayName = displayName
        self.identifierURIs = identifierURIs
    }
}
