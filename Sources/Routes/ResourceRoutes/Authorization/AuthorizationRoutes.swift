public import AccessControl
import Federation
public import Hummingbird
import HTTPTypes
public import Identity
public import Resources
public import Vocabulary

/// Who may do what, over HTTP: role definitions, role assignments, permissions, `checkaccess`, and the reason for a
/// refusal.
///
/// Takes every path that ends in one of its types, under any scope. Source: Azure Authorization REST API, version
/// 2022-04-01.
public struct AuthorizationRoutes: Sendable {
    let access: AccessControl
    let directory: Directory
    let conventions: ARMConventions
    let authenticate: Authenticate
    let surroundings: ResourceSurroundings

    /// Puts the routes together; `surroundings` tells what only the resources know.
    public init(
        accessControl: AccessControl,
        directory: Directory,
        conventions: ARMConventions,
        authenticate: @escaping Authenticate,
        surroundings: ResourceSurroundings = ResourceSurroundings()
    ) {
        self.access = accessControl
        self.directory = directory
        self.conventions = conventions
        self.authenticate = authenticate
        self.surroundings = surroundings
    }

    /// Adds the routes. Call it before routes with wildcards under `/subscriptions` are added: those would take the
    /// requests.
    public func add<Context: RequestContext>(to router: Router<Context>) {
        router.add(
            middleware: ARMMiddleware<Context>(
                accepts: { Self.isOurs($0) },
                respond: { await self.response(to: $0) }
            )
        )
        ManagementGroupRoutes(authorization: self).add(to: router)
    }

    /// The types that are answered here, in lower case, by namespace.
    private static let types: [String: Set<String>] = [
        "microsoft.authorization": [
            "roleassignments", "roledefinitions", "roleassignmentsusagemetrics", "denyassignments", "permissions",
            "checkaccess", "elevateaccess", "roleeligibilityschedules", "roleeligibilityscheduleinstances",
            "roleeligibilityschedulerequests", "roleassignmentschedules", "roleassignmentscheduleinstances",
            "roleassignmentschedulerequests", "rolemanagementpolicies", "rolemanagementpolicyassignments",
            "roleassignmentapprovals",
        ],
        "microsoft.insights": ["eventtypes"],
        "sallyport.access": ["effectiveaccess"],
    ]

    private static func isOurs(_ path: ResourcePath) -> Bool {
        guard let provider = path.provider, let type = provider.rest.first else { return false }
        let namespace = provider.namespace.lowercased()
        return Self.types[namespace]?.contains(type.lowercased()) == true
            && provider.rest.count <= (namespace == "microsoft.insights" ? 4 : 2)
    }

    private func response(to request: Request) async -> Response {
        await self.conventions.answer(request, authenticate: self.authenticate) { request, caller throws(Problem) in
            guard let provider = request.path.provider, let type = provider.rest.first?.lowercased() else {
                throw Problem("InvalidRequestUri", shown: "The request's address cannot be read.")
            }
            let call = AuthorizationCall(request: request, caller: caller, scope: provider.scope)
            let name = provider.rest.count == 2 ? provider.rest[1] : nil
            switch (type, name, request.method) {
            case ("roleassignments", nil, .get): return try await self.listAssignments(call)
            case ("roleassignments", let name?, .get): return try await self.readAssignment(name, call)
            case ("roleassignments", let name?, .put): return try await self.putAssignment(name, call)
            case ("roleassignments", let name?, .delete): return try await self.deleteAssignment(name, call)
            case ("roledefinitions", nil, .get): return try self.listDefinitions(call)
            case ("roledefinitions", let name?, .get): return try self.readDefinition(name, call)
            case ("roledefinitions", let name?, .put): return try await self.putDefinition(name, call)
            case ("roledefinitions", let name?, .delete): return try await self.deleteDefinition(name, call)
            case ("roleassignmentsusagemetrics", nil, .get): return try self.readUsage(call)
            case ("denyassignments", nil, .get): return try self.listDenials(call)
            case ("denyassignments", let name?, .get): return try self.readDenial(name, call)
            case ("denyassignments", let name?, .put): return try await self.putDenial(name, call)
            case ("denyassignments", let name?, .delete): return try await self.deleteDenial(name, call)
            case ("permissions", nil, .get): return self.listPermissions(call)
            case ("elevateaccess", nil, .post): return try await self.elevate(call)
            case ("eventtypes", _, _): throw Self.noChangeLog
            case _ where Self.isEligibility(type): throw Self.noEligibility
            case ("checkaccess", nil, .post): return try await self.checkAccess(call)
            case ("effectiveaccess", nil, .get): return try await self.explainAccess(call)
            default: throw .methodNotAllowed(request)
            }
        }
    }
}

/// One request to the authorization routes: who asks what about which scope.
struct AuthorizationCall: Sendable {
    let request: ARMRequest
    let caller: Caller
    let scope: ResourcePath

    var subject: Subject { self.caller.subject }
    var correlation: String { self.request.correlation.description }
    var source: String { self.request.source }
}

/// What only the resources know and answers about access need.
public struct ResourceSurroundings: Sendable {
    /// Whether there is such a scope.
    public var exists: @Sendable (ResourcePath) -> Bool
    /// What somebody must be able to read in order to reach a machine through a bastion: network interfaces, networks,
    /// bastions.
    public var related: @Sendable (ResourcePath) -> [ResourcePath]
    /// Throws ScopeLocked when a management lock forbids changing, or removing, assignments at a scope.
    public var checkLocks: @Sendable (LockedOperation, ResourcePath) throws(Problem) -> Void
    /// Every subscription with its name.
    public var subscriptions: @Sendable () -> [(id: GUID, name: String)] = { [] }
    /// Whether somebody may sign in to a machine, as the machine would be told; nil to go by account and roles alone.
    public var access: (@Sendable (GUID, ResourcePath) async throws -> Verdict<MachineAccess>)?
    /// The bastion host through which somebody would reach a machine's SSH, with the reason if it would refuse; nil when
    /// there is none.
    public var connection: @Sendable (Subject, ResourcePath) -> (bastion: ResourcePath, refusal: Refusal?)? = { _, _ in
        nil
    }

    /// Every scope exists and nothing is related, unless told otherwise.
    public init(
        exists: @escaping @Sendable (ResourcePath) -> Bool = { _ in true },
        related: @escaping @Sendable (ResourcePath) -> [ResourcePath] = { _ in [] },
        checkLocks: @escaping @Sendable (LockedOperation, ResourcePath) throws(Problem) -> Void = { _, _ in }
    ) {
        self.exists = exists
        self.related = related
        self.checkLocks = checkLocks
    }
}
