public import Vocabulary

/// A named set of permissions that can be assigned. Source: Azure role definitions.
public struct RoleDefinition: Sendable, Hashable, Codable {
    /// The resource type.
    public static let type = "Microsoft.Authorization/roleDefinitions"

    /// The identifier, the same under every scope.
    public let name: GUID
    /// The name to show, for example `Virtual Machine User Login`.
    public let roleName: String
    /// What the role is for.
    public let description: String
    /// Whether people made it, in contrast to those that come with the program.
    public let isCustom: Bool
    /// What it allows; an action is allowed when one of these allows it.
    public let permissions: [Permission]
    /// The scopes at and below which it can be assigned; the root for roles that come with the program.
    public let assignableScopes: [ResourcePath]
    /// When it was made.
    public let createdOn: Instant
    /// When it was last changed.
    public let updatedOn: Instant
    /// Who made it; nil for the system.
    public let createdBy: GUID?
    /// Who changed it last; nil for the system.
    public let updatedBy: GUID?

    /// Describes a role.
    public init(
        name: GUID,
        roleName: String,
        description: String,
        isCustom: Bool,
        permissions: [Permission],
        assignableScopes: [ResourcePath],
        createdOn: Instant,
        updatedOn: Instant,
        createdBy: GUID? = nil,
        updatedBy: GUID? = nil
    ) {
        self.name = name
        self.roleName = roleName
        self.description = description
        self.isCustom = isCustom
        self.permissions = permissions
        self.assignableScopes = assignableScopes
        self.createdOn = createdOn
        self.updatedOn = updatedOn
        self.createdBy = createdBy
        self.updatedBy = updatedBy
    }

    /// Whether any permission gives a data action.
    public var givesDataActions: Bool {
        self.permissions.contains { !$0.dataActions.isEmpty }
    }

    /// The role's id as seen from a scope.
    ///
    /// Always `/subscriptions/{sub}/providers/…` inside a subscription, because the Azure CLI compares ids as strings;
    /// without a prefix outside of one.
    public static func id(of name: GUID, seenFrom scope: ResourcePath) -> String {
        let prefix = scope.subscription.map { "/subscriptions/\($0)" } ?? ""
        return "\(prefix)/providers/\(Self.type)/\(name)"
    }
}

/// One block of a role: what it gives, less what it leaves out. Leaving out is not forbidding: another role may give
/// it.
public struct Permission: Sendable, Hashable, Codable {
    /// Patterns of control actions.
    public let actions: [String]
    /// Patterns taken out of `actions`.
    public let notActions: [String]
    /// Patterns of data actions.
    public let dataActions: [String]
    /// Patterns taken out of `dataActions`.
    public let notDataActions: [String]
    /// A condition on the request, in the form that `AccessCondition` reads.
    public let condition: String?

    /// Describes a permission.
    public init(
        actions: [String] = [],
        notActions: [String] = [],
        dataActions: [String] = [],
        notDataActions: [String] = [],
        condition: String? = nil
    ) {
        self.actions = actions
        self.notActions = notActions
        self.dataActions = dataActions
        self.notDataActions = notDataActions
        self.condition = condition
    }
}

/// What somebody asks for when making or changing a custom role.
public struct RoleDefinitionDraft: Sendable, Hashable {
    /// The identifier.
    public var name: GUID
    /// The name to show, unique in the tenant, at most 512 characters.
    public var roleName: String
    /// At most 2,048 characters.
    public var description: String
    /// What it allows.
    public var permissions: [Permission]
    /// Where it can be assigned: at most one management group, never the root, no wildcards.
    public var assignableScopes: [ResourcePath]

    /// Describes the wish.
    public init(
        name: GUID,
        roleName: String,
        description: String = "",
        permissions: [Permission],
        assignableScopes: [ResourcePath]
    ) {
        self.name = name
        self.roleName = roleName
        self.description = description
        self.permissions = permissions
        self.assignableScopes = assignableScopes
    }
}
