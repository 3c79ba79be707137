import Audit
import GraphRoutes
import HTTPTypes
import Hummingbird
import Identity
import Passwords
import SQLiteStorage
import TestKit
import Testing
import Vocabulary

@testable import Federation

/// A directory with a few objects and the routes on it; the bearer token is the caller's object id.
struct GraphWorld {
    let directory: Directory
    let clock = TurnedClock()
    let random = SeededRandom()
    let alice: User
    let bob: User
    let erin: User
    let ops: Group
    let robot: ServicePrincipal

    init() async throws {
        let database = try await MemoryStore.make(AuditLog.migrations + Directory.migrations)
        self.directory = Directory(
            tenant: try Tenant(id: GUID(high: 7, low: 7), displayName: "Contoso", domains: ["contoso.example"]),
            database: database,
            audit: AuditLog(database: database),
            clock: self.clock.source,
            random: self.random.source,
            passwords: PasswordHasher()
        )
        try await self.directory.load()
        self.alice = try await Self.add("alice", "Alice Adams", to: self.directory)
        self.bob = try await Self.add("bob", "Bob O'Brien", to: self.directory)
        self.erin = try await Self.add("erin_fabrikam.example#EXT#", "Erin", to: self.directory)
        self.ops = try await self.directory.put(group: GroupDraft(displayName: "ops", description: "runs things")).value
        self.robot = try await self.directory.put(
            servicePrincipal: ServicePrincipalDraft(displayName: "ci-robot", names: ["http://ci-robot"])
        ).value
        _ = try await self.directory.add(member: self.bob.id, to: self.ops.id)
        _ = try await self.directory.add(member: self.robot.id, to: self.ops.id)
    }

    static func add(_ name: String, _ displayName: String, to directory: Directory) async throws -> User {
        try await directory.put(
            user: UserDraft(userPrincipalName: "\(name)@contoso.example", displayName: displayName)
        ).value
    }

    func get(_ uri: String, as caller: GUID?) async throws -> RouteAnswer {
        try await self.send(.get, uri, as: caller)
    }

    func send(_ method: HTTPRequest.Method, _ uri: String, as caller: GUID?, _ body: JSONValue? = nil) async throws
        -> RouteAnswer
    {
        let router = Router()
        GraphRoutes(
            directory: self.directory,
            base: "https://localhost:8443",
            clock: self.clock.source,
            random: self.random.source,
            authenticate: { [directory, clock] header throws(Problem) in
                guard
                    let id = header.flatMap({ GUID($0.dropFirst("Bearer ".count)) }),
                    let subject = try? await directory.subject(id)
                else { throw Problem("InvalidAuthenticationToken", shown: "Access token is empty.") }
                return Caller(
                    subject: subject,
                    appID: .zero,
                    tokenID: "t",
                    issuedAt: clock.now,
                    expiresAt: clock.now + .seconds(60),
                    methods: []
                )
            }
        ).add(to: router)
        return try await router.answer(method, uri, authorization: caller.map { "Bearer \($0)" }, body: body)
    }
}

extension RouteAnswer {
    /// The display names in a list.
    var names: [String?] { self.values.map { $0["displayName"]?.string } }
}
