import AccessControl
import Audit
import HTTPTypes
import Hummingbird
import Identity
import Passwords
import ResourceRoutes
import SQLiteStorage
import TestKit
import Testing
import Vocabulary

@testable import Federation

/// A directory with a few people, access control, and the authorization routes; the bearer token is the caller's object
/// id.
struct AuthorizationWorld {
    let directory: Directory
    let access: AccessControl
    let clock = TurnedClock()
    let random = SeededRandom()
    let admin: User
    let bob: User
    let guest: User
    let ops: Group
    let robot: ServicePrincipal
    let surroundings: ResourceSurroundings

    static let subscription = "/subscriptions/11111111-1111-4111-8111-111111111111"
    static let group = subscription + "/resourceGroups/demo"
    static let machine = group + "/providers/Microsoft.Compute/virtualMachines/myVM"
    static let api = "/providers/Microsoft.Authorization/"

    init(_ surroundings: ResourceSurroundings = ResourceSurroundings()) async throws {
        let database = try await MemoryStore.make(
            AuditLog.migrations + Directory.migrations + AccessControl.migrations
        )
        let audit = AuditLog(database: database)
        let tenant = try Tenant(id: GUID(high: 7, low: 7), displayName: "Contoso", domains: ["contoso.example"])
        self.surroundings = surroundings
        self.directory = Directory(
            tenant: tenant,
            database: database,
            audit: audit,
            clock: self.clock.source,
            random: self.random.source,
            passwords: PasswordHasher()
        )
        self.access = AccessControl(
            database: database,
            audit: audit,
            clock: self.clock.source,
            random: self.random.source
        )
        try await self.directory.load()
        try await self.access.load()
        func user(_ name: String) async throws -> User { try await self.directory.addUser(name) }
        self.admin = try await self.directory.addUser("admin")
        self.bob = try await self.directory.addUser("bob")
        self.guest = try await self.directory.addUser("erin_fabrikam.example#EXT#")
        self.ops = try await self.directory.put(group: GroupDraft(displayName: "ops")).value
        self.robot = try await self.directory.put(servicePrincipal: ServicePrincipalDraft(displayName: "ci-robot"))
            .value
        try await self.assign(RoleDefinition.owner, to: self.admin.id, at: Self.subscription)
    }

    @discardableResult
    func assign(_ role: GUID, to principal: GUID, at scope: String) async throws -> RoleAssignment {
        try await self.access.assign(
            RoleAssignmentDraft(
                name: GUID(from: self.random.source),
                scope: #require(ResourcePath(scope)),
                roleDefinition: role,
                principal: principal,
                principalType: .user
            ),
            by: nil
        ).0
    }

    func send(
        _ method: HTTPRequest.Method,
        _ uri: String,
        as caller: GUID?,
        _ body: JSONValue? = nil,
        headers: HTTPFields = [:]
    ) async throws -> RouteAnswer {
        let router = Router()
        AuthorizationRoutes(
            accessControl: self.access,
            directory: self.directory,
            conventions: ARMConventions(
                authority: "https://localhost:8443/tenant",
                clock: self.clock.source,
                random: self.random.source
            ),
            authenticate: { [directory, clock] header throws(Problem) in
                guard let header, let id = GUID(header.dropFirst("Bearer ".count)) else {
                    throw Problem(
                        "AuthenticationFailed",
                        shown: "Authentication failed. The \"Authorization\" header is missing."
                    )
                }
                guard let subject = try? await directory.subject(id) else {
                    throw Problem("InvalidAuthenticationToken", shown: "The access token is invalid.")
                }
                return Caller(
                    subject: subject,
                    appID: .zero,
                    tokenID: "t",
                    issuedAt: clock.now,
                    expiresAt: clock.now + .seconds(60),
                    methods: []
                )
            },
            surroundings: self.surroundings
        ).add(to: router)
        router.get("/subscriptions/**") { _, _ in "resources" }
        return try await router.answer(
            method,
            uri,
            authorization: caller.map { "Bearer \($0)" },
            headers: headers,
            body: body
        )
    }

    /// PUTs a new assignment as `az role assignment create` does.
    func create(
        _ role: GUID,
        to principal: GUID,
        type: String? = "User",
        at scope: String,
        as caller: GUID,
        name: GUID? = nil
    ) async throws -> RouteAnswer {
        let name = name ?? GUID(from: self.random.source)
        var properties: JSONValue = [
            "roleDefinitionId": .string("\(Self.subscription)\(Self.api)roleDefinitions/\(role)"),
            "principalId": .string(principal.description),
        ]
        properties["principalType"] = type.map(JSONValue.string)
        return try await self.send(
            .put,
            "\(scope)\(Self.api)roleAssignments/\(name)?api-version=2022-04-01",
            as: caller,
            ["properties": properties]
        )
    }
}

extension Directory {
    func addUser(_ name: String) async throws -> User {
        try await self.put(
            user: UserDraft(userPrincipalName: "\(name)@contoso.example", displayName: name)
        ).value
    }
}
