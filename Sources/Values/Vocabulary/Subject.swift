/// Somebody about whom access is decided: an identity with its groups, as of now.
public struct Subject: Sendable, Hashable {
    /// What kind of identity it is.
    public enum Kind: String, Sendable, Hashable, Codable {
        case member
        case guest
        case servicePrincipal
        case managedIdentity
    }

    /// The immutable object id.
    public let id: GUID
    /// The kind.
    public let kind: Kind
    /// The name to show: a user principal name in lower case, or an application's name.
    public let name: String
    /// The object ids of every group it is in, directly or through other groups.
    public let groups: Set<GUID>

    /// Makes a subject.
    public init(id: GUID, kind: Kind, name: String, groups: Set<GUID>) {
        self.id = id
        self.kind = kind
        self.name = name
        self.groups = groups
    }
}
