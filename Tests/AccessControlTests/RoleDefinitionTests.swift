import AccessControl
import Testing
import Vocabulary

@Suite("Role definitions")
struct RoleDefinitionTests {
    @Test("the built-in ones have Azure's identifiers, seen from a subscription with its prefix")
    func identifiers() async throws {
        let world = try await AccessWorld()
        let expected = [
            "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
            "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
            "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
            "User Access Administrator": "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
            "Role Based Access Control Administrator": "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
            "Virtual Machine Administrator Login": "1c0163c0-47e6-4577-8991-ea5c82e286e4",
            "Virtual Machine User Login": "fb879df8-f326-4884-b1cf-06f3ad86be52",
            "Virtual Machine Local User Login": "602da2ba-a5c2-41da-b01d-5360126ab525",
            "Virtual Machine Contributor": "9980e02c-c2be-4d73-94e8-173b1dc7cf3c",
            "Virtual Machine Data Access Administrator (preview)": "66f75aeb-eabe-4b70-9f1e-c350c4c9ad04",
            "Network Contributor": "4d97b98b-1d4f-4787-a291-c67834d212e7",
        ]
        for (name, identifier) in expected {
            #expect(world.access.definition(named: name.uppercased())?.name.description == identifier)
        }
        #expect(world.access.definitions(at: .root).count == expected.count)
        #expect(
            RoleDefinition.id(of: RoleDefinition.reader, seenFrom: try path(AccessWorld.machine))
                == "\(AccessWorld.subscription)/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
        )
    }

    @Test("only the two login roles give sign-in, and their condition admits only them")
    func loginRoles() {
        let entering = RoleDefinition.builtIn.filter(\.givesDataActions).map(\.name)
        #expect(
            Set(entering) == [RoleDefinition.virtualMachineUserLogin, RoleDefinition.virtualMachineAdministratorLogin]
        )
    }

    private func draft(_ world: AccessWorld, _ name: String = "Rebooter") throws -> RoleDefinitionDraft {
        RoleDefinitionDraft(
            name: world.newID(),
            roleName: name,
            permissions: [Permission(actions: ["Microsoft.Compute/virtualMachines/restart/action"])],
            assignableScopes: [try path(AccessWorld.group)]
        )
    }

    @Test("custom ones are made by whoever may do so at every assignable scope, and work at once")
    func custom() async throws {
        let world = try await AccessWorld()
        let (owner, person) = (world.person(), world.person())
        try await world.assign(RoleDefinition.owner, to: owner.id, at: AccessWorld.group)
        var draft = try self.draft(world)
        draft.assignableScopes.append(try path(AccessWorld.subscription + "/resourceGroups/other"))
        #expect(
            await problem { try await world.access.put(definition: draft, by: owner) }?.code == "AuthorizationFailed"
        )
        draft.assignableScopes.removeLast()
        #expect(try await world.access.put(definition: draft, by: owner).created)
        try await world.assign(draft.name, to: person.id, at: AccessWorld.machine)
        #expect(
            try world.may(person, .post("restart", of: "Microsoft.Compute/virtualMachines"), at: AccessWorld.machine)
        )
        #expect(world.access.definitions(at: try path(AccessWorld.machine)).contains { $0.name == draft.name })
        #expect(!world.access.definitions(at: try path(AccessWorld.subscription)).contains { $0.name == draft.name })
        draft.permissions = [Permission(actions: ["Microsoft.Compute/virtualMachines/start/action"])]
        #expect(try await !world.access.put(definition: draft, by: owner).created)
        try await world.access.load()
        #expect(
            try !world.may(person, .post("restart", of: "Microsoft.Compute/virtualMachines"), at: AccessWorld.machine)
        )
    }

    @Test("custom ones cannot be assigned outside their scopes, nor deleted while somebody has them")
    func customLimits() async throws {
        let world = try await AccessWorld()
        let draft = try self.draft(world)
        try await world.access.put(definition: draft, by: nil)
        let outside = try world.draft(draft.name, to: world.newID(), at: AccessWorld.subscription)
        #expect(
            await problem { try await world.access.assign(outside, by: nil) }?.code
                == "RoleAssignmentScopeNotAssignableToRoleDefinition"
        )
        let made = try await world.assign(draft.name, to: world.newID(), at: AccessWorld.group)
        #expect(
            await problem { try await world.access.removeDefinition(draft.name, by: nil) }?.code
                == "RoleDefinitionHasAssignments"
        )
        try await world.access.remove(made.name, at: made.scope, by: nil)
        #expect(try await world.access.removeDefinition(draft.name, by: nil)?.name == draft.name)
        #expect(world.access.definition(draft.name) == nil)
    }

    @Test("built-in ones are never changed, and their names are taken")
    func builtIn() async throws {
        let world = try await AccessWorld()
        var draft = try self.draft(world)
        draft.name = RoleDefinition.reader
        #expect(
            await problem { try await world.access.put(definition: draft, by: nil) }?.code == "RoleDefinitionIsBuiltIn"
        )
        #expect(
            await problem { try await world.access.removeDefinition(RoleDefinition.owner, by: nil) }?.code
                == "RoleDefinitionIsBuiltIn"
        )
        let namesake = try self.draft(world, "READER")
        #expect(
            await problem { try await world.access.put(definition: namesake, by: nil) }?.code
                == "RoleDefinitionWithSameNameExists"
        )
    }

    @Test("nonsense is refused")
    func nonsense() async throws {
        let world = try await AccessWorld()
        var drafts = try (0..<7).map { try self.draft(world, "Role \($0)") }
        drafts[0].roleName = ""
        drafts[1].permissions = []
        drafts[2].assignableScopes = []
        drafts[3].assignableScopes = [.root]
        drafts[4].permissions = [Permission(actions: ["Microsoft.Compute/*/x/*"])]
        drafts[5].permissions = [Permission(actions: ["everything"])]
        drafts[6].assignableScopes = ["a", "b"].compactMap {
            ResourcePath("/providers/Microsoft.Management/managementGroups/\($0)")
        }
        for draft in drafts {
            #expect(
                await problem { try await world.access.put(definition: draft, by: nil) }?.code
                    == "InvalidRoleDefinition"
            )
        }
    }
}
