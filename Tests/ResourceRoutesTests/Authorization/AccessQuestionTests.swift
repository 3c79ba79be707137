import AccessControl
import HTTPTypes
import Identity
import ResourceRoutes
import TestKit
import Testing
import Vocabulary

@Suite("Questions about access over HTTP")
struct AccessQuestionTests {
    static let version = "api-version=2022-04-01"

    private func why(_ world: AuthorizationWorld, _ principal: String?, as caller: GUID) async throws
        -> RouteAnswer
    {
        let option = principal.map { "&principal=\($0.replacing("#", with: "%23"))" } ?? ""
        return try await world.send(
            .get,
            "\(AuthorizationWorld.machine)/providers/Sallyport.Access/effectiveAccess?\(Self.version)\(option)",
            as: caller
        )
    }

    @Test("the administrator sees why an Owner cannot sign in and which role is missing")
    func missingLine() async throws {
        let world = try await AuthorizationWorld()
        let answer = try await self.why(world, "ADMIN@contoso.example", as: world.admin.id)
        #expect(answer.status == 200)
        #expect(answer.document["signIn"]?["level"] == "none")
        #expect(answer.document["signIn"]?["sentence"]?.string?.contains("Virtual Machine User Login") == true)
        let login = answer.document["checks"]?.array?[0]
        #expect(login?["allowed"] == false)
        #expect(login?["findings"]?.array?.first?["outcome"] == "controlOnly")
        #expect(login?["findings"]?.array?.first?["role"] == "Owner")
    }

    @Test("the path that grants is named: role, scope, group")
    func grantingPath() async throws {
        let world = try await AuthorizationWorld()
        _ = try await world.directory.add(member: world.bob.id, to: world.ops.id)
        try await world.assign(
            RoleDefinition.virtualMachineAdministratorLogin,
            to: world.ops.id,
            at: AuthorizationWorld.group
        )
        let answer = try await self.why(world, nil, as: world.bob.id)
        #expect(answer.document["signIn"]?["level"] == "administrator")
        let finding = answer.document["checks"]?.array?[0]["findings"]?.array?.first
        #expect(finding?["outcome"] == "grants")
        #expect(finding?["group"] == "ops")
        #expect(finding?["scope"]?.string == AuthorizationWorld.group)
    }

    @Test("a guest is told that guests cannot sign in, a disabled account that it is disabled")
    func guestsAndDisabled() async throws {
        let world = try await AuthorizationWorld()
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: world.guest.id, at: AuthorizationWorld.group)
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: world.bob.id, at: AuthorizationWorld.group)
        let guest = try await self.why(world, world.guest.id.description, as: world.admin.id)
        #expect(guest.document["signIn"]?["level"] == "none")
        #expect(guest.document["signIn"]?["sentence"]?.string?.contains("guests cannot log in") == true)
        _ = try await world.directory.setEnabled(world.bob.id, false)
        let bob = try await self.why(world, "bob@contoso.example", as: world.admin.id)
        #expect(bob.document["signIn"]?["sentence"]?.string?.contains("disabled") == true)
    }

    @Test("asking about others needs the right to see assignments, and does not tell who exists")
    func others() async throws {
        let world = try await AuthorizationWorld()
        for name in ["admin@contoso.example", "nobody@contoso.example"] {
            #expect(try await self.why(world, name, as: world.bob.id).code == "AuthorizationFailed")
        }
        #expect(try await self.why(world, "nobody@contoso.example", as: world.admin.id).code == "PrincipalNotFound")
        #expect(try await self.why(world, "bob@contoso.example", as: world.bob.id).status == 200)
    }

    @Test("what surrounds the machine is checked for those who may see the machine")
    func surroundings() async throws {
        let bastion = try #require(
            ResourcePath(AuthorizationWorld.group + "/providers/Microsoft.Network/bastionHosts/b")
        )
        let world = try await AuthorizationWorld(.init(related: { _ in [bastion] }))
        #expect(try await self.why(world, nil, as: world.bob.id).document["checks"]?.array?.count == 3)
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: world.bob.id, at: AuthorizationWorld.group)
        let checks = try await self.why(world, nil, as: world.bob.id).document["checks"]?.array
        #expect(checks?.count == 4)
        #expect(checks?.last?["action"] == "Microsoft.Network/bastionHosts/read")
        #expect(checks?.last?["allowed"] == false)
        #expect(checks?.last?["rolesThatAllow"]?.array?.first == "Reader")
    }

    private func check(_ id: GUID, groups: [GUID] = [], resource: String? = nil) -> JSONValue {
        var body: JSONValue = [
            "Subject": [
                "Attributes": [
                    "ObjectId": .string(id.description), "Groups": .array(groups.map { .string($0.description) }),
                ]
            ],
            "Actions": [
                ["Id": "Microsoft.Compute/virtualMachines/login/action", "IsDataAction": true, "Attributes": [:]],
                ["Id": "Microsoft.Compute/virtualMachines/write", "IsDataAction": false],
            ],
        ]
        body["Resource"] = resource.map { ["Id": .string($0), "Attributes": [:]] }
        return body
    }

    @Test("checkaccess answers with a bare array; claimed groups are not believed")
    func checkAccess() async throws {
        let world = try await AuthorizationWorld()
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: world.bob.id, at: AuthorizationWorld.group)
        try await world.assign(RoleDefinition.contributor, to: world.ops.id, at: AuthorizationWorld.group)
        let uri = "\(AuthorizationWorld.machine)\(AuthorizationWorld.api)checkaccess?api-version=2018-09-01-preview"
        let answer = try await world.send(
            .post,
            uri,
            as: world.admin.id,
            self.check(world.bob.id, groups: [world.ops.id])
        )
        #expect(answer.status == 200)
        #expect(answer.document.array?.map { $0["accessDecision"]?.string } == ["Allowed", "NotAllowed"])
        #expect(answer.document.array?.first?["roleAssignment"]?["principalId"]?.string == world.bob.id.description)
        _ = try await world.directory.add(member: world.bob.id, to: world.ops.id)
        let member = try await world.send(.post, uri, as: world.admin.id, self.check(world.bob.id))
        #expect(member.document.array?.map { $0["accessDecision"]?.string } == ["Allowed", "Allowed"])
        _ = try await world.directory.setEnabled(world.bob.id, false)
        let disabled = try await world.send(.post, uri, as: world.admin.id, self.check(world.bob.id))
        #expect(disabled.document.array?.map { $0["accessDecision"]?.string } == ["NotAllowed", "NotAllowed"])
    }

    @Test("checkaccess cannot be used to ask about a resource outside the scope that was authorised")
    func checkAccessElsewhere() async throws {
        let world = try await AuthorizationWorld()
        try await world.assign(RoleDefinition.reader, to: world.bob.id, at: AuthorizationWorld.machine)
        let uri = "\(AuthorizationWorld.machine)\(AuthorizationWorld.api)checkaccess?api-version=2018-09-01-preview"
        let body = self.check(world.admin.id, resource: AuthorizationWorld.subscription)
        #expect(try await world.send(.post, uri, as: world.bob.id, body).code == "InvalidScope")
        let group = "\(AuthorizationWorld.group)\(AuthorizationWorld.api)checkaccess?api-version=2018-09-01-preview"
        #expect(try await world.send(.post, group, as: world.bob.id, self.check(world.admin.id)).status == 403)
    }

    @Test("permissions are those of the caller's own roles at the scope")
    func permissions() async throws {
        let world = try await AuthorizationWorld()
        let uri = "\(AuthorizationWorld.machine)\(AuthorizationWorld.api)permissions?api-version=2022-04-01"
        #expect(try await world.send(.get, uri, as: world.bob.id).values.isEmpty)
        let admin = try await world.send(.get, uri, as: world.admin.id)
        #expect(admin.values.map { $0["actions"] } == [["*"]])
    }
}
