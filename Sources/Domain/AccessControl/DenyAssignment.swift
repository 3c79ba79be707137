public import Vocabulary

/// Forbids actions on a scope, whatever roles say: Owners included. Source: Azure deny assignments.
public struct DenyAssignment: Sendable, Hashable, Codable {
    /// The resource type.
    public static let type = "Microsoft.Authorization/denyAssignments"

    /// The identifier.
    public let name: GUID
    /// The name to show.
    public let denyName: String
    /// Why.
    public let description: String
    /// Where it holds.
    public let scope: ResourcePath
    /// Whether it holds at the scope alone and not below.
    public let sparesChildren: Bool
    /// What is forbidden, `notActions` being left out of it. Conditions are not read here.
    public let permissions: [Permission]
    /// Who is meant; empty for everybody.
    public let principals: Set<GUID>
    /// Who is not meant, even as a member of somebody who is.
    public let excludedPrincipals: Set<GUID>
    /// Whether the system made it, so that people cannot take it away.
    public let isSystemProtected: Bool

    /// Describes a denial.
    public init(
        name: GUID,
        denyName: String,
        description: String = "",
        scope: ResourcePath,
        sparesChildren: Bool = false,
        permissions: [Permission],
        principals: Set<GUID>,
        excludedPrincipals: Set<GUID> = [],
        isSystemProtected: Bool = true
    ) {
        self.name = name
        self.denyName = denyName
        self.description = description
        self.scope = scope
        self.sparesChildren = sparesChildren
        self.permissions = permissions
        self.principals = principals
        self.excludedPrincipals = excludedPrincipals
        self.isSystemProtected = isSystemProtected
    }

    func concerns(_ path: ResourcePath, in tree: ScopeTree) -> Bool {
        self.sparesChildren ? self.scope == path : tree.covers(self.scope, path)
    }

    func concerns(_ identities: Set<GUID>) -> Bool {
        guard self.excludedPrincipals.isDisjoint(with: identities) else { return false }
        return self.principals.isEmpty || !self.principals.isDisjoint(with: identities)
    }
}

extension DenyAssignment {
    /// Reads what the store holds; those of older versions were all made by the system.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try fields.decode(GUID.self, forKey: .name),
            denyName: try fields.decode(String.self, forKey: .denyName),
            description: try fields.decode(String.self, forKey: .description),
            scope: try fields.decode(ResourcePath.self, forKey: .scope),
            sparesChildren: try fields.decode(Bool.self, forKey: .sparesChildren),
            permissions: try fields.decode([Permission].self, forKey: .permissions),
            principals: try fields.decode(Set<GUID>.self, forKey: .principals),
            excludedPrincipals: try fields.decode(Set<GUID>.self, forKey: .excludedPrincipals),
            isSystemProtected: try fields.decodeIfPresent(Bool.self, forKey: .isSystemProtected) ?? true
        )
    }
}
