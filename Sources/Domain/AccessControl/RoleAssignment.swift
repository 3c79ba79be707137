public import Vocabulary

/// Somebody's role on a scope and on everything below it. Source: Azure role assignments.
public struct RoleAssignment: Sendable, Hashable {
    /// The resource type.
    public static let type = "Microsoft.Authorization/roleAssignments"

    /// The identifier, unique in the tenant.
    public let name: GUID
    /// Where it holds, as written.
    public let scope: ResourcePath
    /// The role.
    public let roleDefinition: GUID
    /// Who has it: a user, a group or a service principal.
    public let principal: GUID
    /// What kind of identity that was said to be.
    public let principalType: PrincipalType
    /// Why, in the words of whoever made it.
    public let description: String?
    /// A condition under which it counts, in the form that `AccessCondition` reads.
    public let condition: String?
    /// `delegatedManagedIdentityResourceId`, kept as the client wrote it; nothing here acts on it.
    public let delegatedIdentity: String?
    /// When it was made.
    public let createdOn: Instant
    /// When it was last changed.
    public let updatedOn: Instant
    /// Who made it; nil for the system.
    public let createdBy: GUID?
    /// Who changed it last; nil for the system.
    public let updatedBy: GUID?

    /// The id as a resource.
    public var id: String {
        let scope = self.scope == .root ? "" : self.scope.description
        return "\(scope)/providers/\(Self.type)/\(self.name)"
    }
}

/// The kind of identity that an assignment names. Source: Azure role assignments, `principalType`.
public enum PrincipalType: String, Sendable, Hashable, Codable, CaseIterable {
    case user = "User"
    case group = "Group"
    case servicePrincipal = "ServicePrincipal"
    case foreignGroup = "ForeignGroup"
    case device = "Device"

    /// Reads the name in any letter case.
    public init?(named text: String) {
        let lower = text.lowercased()
        guard let found = Self.allCases.first(where: { $0.rawValue.lowercased() == lower }) else { return nil }
        self = found
    }
}

/// What somebody asks for when giving a role.
public struct RoleAssignmentDraft: Sendable, Hashable {
    /// The identifier that the client chose.
    public var name: GUID
    /// Where it shall hold.
    public var scope: ResourcePath
    /// The role.
    public var roleDefinition: GUID
    /// Who shall have it. The caller has checked that this principal exists.
    public var principal: GUID
    /// What kind of identity that is.
    public var principalType: PrincipalType
    /// Why, at most 1,024 characters.
    public var description: String?
    /// A condition; one that `AccessCondition` cannot read is refused.
    public var condition: String?
    /// `delegatedManagedIdentityResourceId`, at most 2,048 bytes.
    public var delegatedIdentity: String?

    /// Describes the wish.
    public init(
        name: GUID,
        scope: ResourcePath,
        roleDefinition: GUID,
        principal: GUID,
        principalType: PrincipalType,
        description: String? = nil,
        condition: String? = nil,
        delegatedIdentity: String? = nil
    ) {
        self.name = name
        self.scope = scope
        self.roleDefinition = roleDefinition
        self.principal = principal
        self.principalType = principalType
        self.description = description
        self.condition = condition
        self.delegatedIdentity = delegatedIdentity
    }
}

/// Which assignments a list shall hold.
public struct RoleAssignmentFilter: Sendable, Hashable {
    /// How the assignments' scopes relate to the scope of the list.
    public enum Reach: Sendable, Hashable {
        /// At the scope, above it and below it.
        case everywhere
        /// At the scope and above it: `atScope()`.
        case atAndAbove
        /// At the scope alone: `atExactScope()`.
        case exactly
    }

    /// The relation to the scope.
    public var reach: Reach
    /// Only assignments to one of these principals, when given.
    public var principals: Set<GUID>?
    /// Only assignments of this role, when given.
    public var roleDefinition: GUID?

    /// Describes a list; all of them without arguments.
    public init(reach: Reach = .everywhere, principals: Set<GUID>? = nil, roleDefinition: GUID? = nil) {
        self.reach = reach
        self.principals = principals
        self.roleDefinition = roleDefinition
    }
}

/// What changed: whose rights, and where.
public struct AccessChange: Sendable, Hashable {
    /// The principal whose rights changed: a user, a group or a service principal; all zero when it may be anybody.
    public let principal: GUID
    /// The scope at and below which they changed.
    public let scope: ResourcePath
}
