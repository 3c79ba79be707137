public import Vocabulary

/// Forbids actions on a scope, whatever roles say: Owners included. Only the system makes them. Source: Azure deny
/// assignments.
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

    /// Describes a denial.
    public init(
        name: GUID,
        denyName: String,
        description: String = "",
        scope: ResourcePath,
        sparesChildren: Bool = false,
        permissions: [Permission],
        principals: Set<GUID>,
        excludedPrincipals: Set<GUID> = []
    ) {
        self.name = name
        self.denyName = denyName
        self.description = description
        self.scope = scope
        self.sparesChildren = sparesChildren
        self.permissions = permissions
        self.principals = principals
        self.excludedPrincipals = excludedPrincipals
    }

    func concerns(_ path: ResourcePath) -> Bool {
        self.sparesChildren ? self.scope == path : self.scope.contains(path)
    }

    func concerns(_ identities: Set<GUID>) -> Bool {
        guard self.excludedPrincipals.isDisjoint(with: identities) else { return false }
        return self.principals.isEmpty || !self.principals.isDisjoint(with: identities)
    }
}
