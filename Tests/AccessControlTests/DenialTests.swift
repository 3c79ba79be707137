import AccessControl
import Testing
import Vocabulary

@Suite("Deny assignments that people make")
struct DenialTests {
    private func draft(
        _ world: AccessWorld,
        actions: [String] = ["Microsoft.Compute/virtualMachines/delete"],
        dataActions: [String] = [],
        sparesChildren: Bool = false,
        excluded: Set<GUID>? = nil,
        isSystemProtected: Bool = false
    ) throws -> DenyAssignment {
        DenyAssignment(
            name: world.newID(),
            denyName: "keep",
            scope: try path(AccessWorld.group),
            sparesChildren: sparesChildren,
            permissions: [Permission(actions: actions, dataActions: dataActions)],
            principals: [],
            excludedPrincipals: excluded ?? [world.newID()],
            isSystemProtected: isSystemProtected
        )
    }

    @Test("an Owner makes and removes one; a Contributor may not")
    func rights() async throws {
        let world = try await AccessWorld()
        let (owner, contributor) = (world.person("o@contoso.example"), world.person("c@contoso.example"))
        try await world.assign(RoleDefinition.owner, to: owner.id, at: AccessWorld.subscription)
        try await world.assign(RoleDefinition.contributor, to: contributor.id, at: AccessWorld.subscription)
        let denial = try self.draft(world)
        #expect(await problem { try await world.access.deny(denial, by: contributor) }?.code == "AuthorizationFailed")
        #expect(try await world.access.deny(denial, by: owner))
        #expect(try !world.may(contributor, .delete("Microsoft.Compute/virtualMachines"), at: AccessWorld.machine))
        let code = await problem { try await world.access.removeDenial(denial.name, by: contributor) }?.code
        #expect(code == "AuthorizationFailed")
        #expect(try await world.access.removeDenial(denial.name, by: owner) != nil)
        #expect(try world.may(contributor, .delete("Microsoft.Compute/virtualMachines"), at: AccessWorld.machine))
    }

    @Test("forbids no reading, no data actions, not the scope alone, and not everybody without exception")
    func bounds() async throws {
        let world = try await AccessWorld()
        let owner = world.person()
        try await world.assign(RoleDefinition.owner, to: owner.id, at: AccessWorld.subscription)
        for denial in [
            try self.draft(world, actions: ["*/read"]), try self.draft(world, actions: []),
            try self.draft(world, dataActions: ["*"]), try self.draft(world, sparesChildren: true),
            try self.draft(world, excluded: []), try self.draft(world, isSystemProtected: true),
        ] {
            #expect(await problem { try await world.access.deny(denial, by: owner) }?.code == "InvalidDenyAssignment")
        }
    }

    @Test("what the system made stays, whatever an Owner asks for")
    func protected() async throws {
        let world = try await AccessWorld()
        let owner = world.person()
        try await world.assign(RoleDefinition.owner, to: owner.id, at: AccessWorld.subscription)
        let denial = try self.draft(world, isSystemProtected: true)
        try await world.access.deny(denial)
        let code = await problem { try await world.access.removeDenial(denial.name, by: owner) }?.code
        #expect(code == "DenyAssignmentIsSystemProtected")
        #expect(world.access.denial(denial.name) != nil)
    }

    @Test("one for the scope alone leaves what lies below")
    func scopeAlone() async throws {
        let world = try await AccessWorld()
        let owner = world.person()
        try await world.assign(RoleDefinition.owner, to: owner.id, at: AccessWorld.subscription)
        try await world.access.deny(
            try self.draft(world, actions: ["*"], sparesChildren: true, excluded: [], isSystemProtected: true)
        )
        #expect(
            try !world.may(owner, .write("Microsoft.Resources/subscriptions/resourceGroups"), at: AccessWorld.group)
        )
        #expect(try world.may(owner, .write("Microsoft.Compute/virtualMachines"), at: AccessWorld.machine))
    }
}
