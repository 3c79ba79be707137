public import AccessControl
public import Vocabulary

/// What deployments need from the directory, which they do not know.
public struct DeploymentHooks: Sendable {
    /// Somebody as they are now: with the groups of now; nil when they may not act any more. Asked before each resource.
    public var current: @Sendable (Subject) async throws -> Subject?
    /// What kind of principal has an object id; nil when there is none.
    public var principalType: @Sendable (GUID) async throws -> PrincipalType?

    /// Names the two.
    public init(
        current: @escaping @Sendable (Subject) async throws -> Subject?,
        principalType: @escaping @Sendable (GUID) async throws -> PrincipalType?
    ) {
        self.current = current
        self.principalType = principalType
    }
}
