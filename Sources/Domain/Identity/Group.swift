public import Vocabulary

/// A named set of users, service principals and other groups. Two groups may have the same name; they never share a number.
public struct Group: Sendable, Hashable {
    /// The immutable object id.
    public let id: GUID
    /// The name to show; not unique.
    public let displayName: String
    /// What the group is for.
    public let description: String?
    /// The name that mail systems would have for it; unique to nobody.
    public let mailNickname: String?
    /// The group's number on hosts: allocated once, never given to anything else.
    public let unixID: Int64
}

/// What is wanted of a group. A nil description or nickname stays as it is.
public struct GroupDraft: Sendable, Hashable {
    /// The object id; nil finds the only group with this name.
    public var id: GUID?
    /// The name to show.
    public var displayName: String
    /// What the group is for.
    public var description: String?
    /// The name that mail systems would have for it.
    public var mailNickname: String?

    /// Makes a draft.
    public init(id: GUID? = nil, displayName: String, description: String? = nil, mailNickname: String? = nil) {
        self.id = id
        self.displayName = displayName
        self.description = description
        self.mailNickname = mailNickname
    }
}
