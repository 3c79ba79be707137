public import Vocabulary

/// A management group: a scope above subscriptions, for rights that hold in many of them. Source: Azure management
/// groups.
public struct ManagementGroup: Sendable, Hashable {
    /// The resource type.
    public static let type = "Microsoft.Management/managementGroups"
    /// Levels below the root group, subscriptions not counted.
    public static let deepest = 6

    /// The identifier, unique in the tenant in any letter case, for example `contoso-production`.
    public let name: String
    /// The name to show.
    public let displayName: String
    /// The group it lies in, by identifier; nil for the root group alone.
    public let parent: String?
    /// Grows by one with each change.
    public let version: Int
    /// When it was last changed.
    public let updatedOn: Instant
    /// Who changed it last; nil for the system.
    public let updatedBy: GUID?

    /// The identifier in lower case, by which groups are told apart.
    public var key: String { self.name.lowercased() }
    /// The scope.
    public var path: ResourcePath { Self.path(self.name) }
    /// Whether it is the group of the whole tenant, which cannot be moved or deleted.
    public var isRoot: Bool { self.parent == nil }

    /// The scope of the group with an identifier that `isName` allows.
    static func path(_ name: String) -> ResourcePath {
        ResourcePath.root.appending("providers", "Microsoft.Management", "managementGroups", name)
    }

    /// Whether a text can be a group's identifier. Source: Azure naming rules, Microsoft.Management.
    public static func isName(_ text: String) -> Bool {
        let units = Array(text.utf8)
        let isAllowed = { (unit: UInt8) in
            switch unit {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_().".utf8.contains(unit)
            }
        }
        return (1...90).contains(units.count) && units.allSatisfy(isAllowed) && units.last != UInt8(ascii: ".")
            && text != "."
    }
}

/// What somebody asks for when making or changing a management group; nil leaves what is there.
public struct ManagementGroupDraft: Sendable, Hashable {
    /// The identifier.
    public var name: String
    /// The name to show, 1 to 90 characters; the identifier for a new group when nil.
    public var displayName: String?
    /// The identifier of the group above it; the root group for a new group when nil.
    public var parent: String?

    /// Describes the wish.
    public init(name: String, displayName: String? = nil, parent: String? = nil) {
        self.name = name
        self.displayName = displayName
        self.parent = parent
    }
}

extension ResourcePath {
    /// The management group that the path lies in or is.
    public var managementGroup: String? {
        guard
            self.segments.count >= 4,
            self.key.hasPrefix("/providers/microsoft.management/managementgroups/")
        else { return nil }
        return self.segments[3]
    }
}
