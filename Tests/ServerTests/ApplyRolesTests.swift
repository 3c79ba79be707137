import AccessControl
import Identity
import Testing
import Vocabulary

@testable import Server

@Suite("Roles of an apply file")
struct ApplyRolesTests {
    private static let people = """
        apiVersion: 1
        subscriptions:
          - {id: 5a11b0a7-0000-4000-8000-000000000002, displayName: Demo}
        users:
          - {upn: alice}
        resourceGroups:
          - {name: demo}
        roleAssignments:

        """

    private func house(_ directory: TemporaryDirectory) async throws -> House {
        let configuration = try ServerConfiguration(
            flags: [.data: directory.path + "/data"],
            environment: [:],
            file: [:]
        )
        let tenant = try Tenant(id: GUID(from: .system), displayName: "Contoso", domains: ["contoso.example"])
        return try await House(configuration, in: try DataDirectory(configuration.dataDirectory), tenant: tenant)
    }

    private func apply(_ roles: String, _ house: House) async throws -> [String] {
        try await Applier(
            directory: house.directory,
            accessControl: house.accessControl,
            resources: house.resources,
            networks: house.networks,
            random: .system,
            dryRun: false,
            secrets: [:]
        ).apply(try ApplyFile(parsing: Self.people + roles)).filter { $0.contains("for alice at") }
    }

    @Test("are given once when the file says them twice, and not again the next time")
    func twice() async throws {
        let directory = try TemporaryDirectory()
        let house = try await self.house(directory)
        let roles = """
              - {principal: alice, role: Reader, scope: demo}
              - {principal: alice, role: Reader, scope: DEMO}
            """
        #expect(try await self.apply(roles, house).count == 1)
        #expect(try await self.apply(roles, house).isEmpty)
        #expect(house.accessControl.assignments(at: .root).count == 1)
    }

    @Test("are taken away by a later line of the same file")
    func removed() async throws {
        let directory = try TemporaryDirectory()
        let house = try await self.house(directory)
        let roles = """
              - {principal: alice, role: Reader, scope: demo}
              - {principal: alice, role: Contributor, scope: demo}
              - {principal: alice, role: Reader, scope: demo, removed: true}
            """
        #expect(try await self.apply(roles, house).count == 3)
        #expect(house.accessControl.assignments(at: .root).count == 1)
    }

    @Test("keep to the limit of the subscription when they are given together")
    func limit() async throws {
        let directory = try TemporaryDirectory()
        let configuration = try ServerConfiguration(
            flags: [.data: directory.path + "/data", .roleAssignmentLimit: "2"],
            environment: [:],
            file: [:]
        )
        let tenant = try Tenant(id: GUID(from: .system), displayName: "Contoso", domains: ["contoso.example"])
        let house = try await House(configuration, in: try DataDirectory(configuration.dataDirectory), tenant: tenant)
        let roles = ["Reader", "Contributor", "Owner"].map { "  - {principal: alice, role: \($0), scope: demo}" }
        let problem = await #expect(throws: Problem.self) {
            try await self.apply(roles.joined(separator: "\n"), house)
        }
        #expect(problem?.code == "RoleAssignmentLimitExceeded")
        #expect(house.accessControl.assignments(at: .root).isEmpty)
    }
}
