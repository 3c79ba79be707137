import AccessControl
import Testing
import Vocabulary

/// The situations that role-based access control is known by, numbered as in the list that was agreed on.
@Suite("RBAC vectors")
struct RBACVectorTests {
    static let login = Action.virtualMachineLogin
    static let machineB = AccessWorld.group + "/providers/Microsoft.Compute/virtualMachines/otherVM"

    @Test("1: the Owner of a subscription does not enter its machines")
    func one() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        try await world.assign(RoleDefinition.owner, to: person.id, at: AccessWorld.subscription)
        #expect(try !world.may(person, Self.login, at: AccessWorld.machine))
        #expect(try !world.may(person, .virtualMachineLoginAsAdmin, at: AccessWorld.machine))
    }

    @Test("2: User Login on the group and Administrator Login on machine A: administrator on A, user on B")
    func two() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: person.id, at: AccessWorld.group)
        try await world.assign(RoleDefinition.virtualMachineAdministratorLogin, to: person.id, at: AccessWorld.machine)
        func isAdministrator(_ machine: String) throws -> Bool? {
            guard case .allowed(let access) = world.access.access(of: person, isEnabled: true, to: try path(machine))
            else { return nil }
            return access.isAdministrator
        }
        #expect(try isAdministrator(AccessWorld.machine) == true)
        #expect(try isAdministrator(Self.machineB) == false)
    }

    @Test("3: what one role's notDataActions leave out, another role gives")
    func three() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        let draft = RoleDefinitionDraft(
            name: world.newID(),
            roleName: "All but entering",
            permissions: [
                Permission(
                    dataActions: ["Microsoft.Compute/virtualMachines/*"],
                    notDataActions: ["Microsoft.Compute/virtualMachines/login/action"]
                )
            ],
            assignableScopes: [try path(AccessWorld.subscription)]
        )
        try await world.access.put(definition: draft, by: nil)
        try await world.assign(draft.name, to: person.id, at: AccessWorld.subscription)
        #expect(try !world.may(person, Self.login, at: AccessWorld.machine))
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: person.id, at: AccessWorld.group)
        #expect(try world.may(person, Self.login, at: AccessWorld.machine))
    }

    @Test("4: a role on the group 'app' says nothing about 'app2', and holds in any letter case")
    func four() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: person.id, at: AccessWorld.group)
        let rest = "/providers/Microsoft.Compute/virtualMachines/myVM"
        #expect(try !world.may(person, Self.login, at: AccessWorld.group + "2" + rest))
        #expect(try world.may(person, Self.login, at: AccessWorld.machine.uppercased()))
    }

    @Test("5: a role of the outer group counts for members of the inner one, and no longer when the nesting is gone")
    func five() async throws {
        let world = try await AccessWorld()
        let (inner, outer) = (world.newID(), world.newID())
        let nested = world.person(groups: [inner, outer])
        let apart = Subject(id: nested.id, kind: .member, name: nested.name, groups: [inner])
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: outer, at: AccessWorld.group)
        #expect(try world.may(nested, Self.login, at: AccessWorld.machine))
        #expect(try !world.may(apart, Self.login, at: AccessWorld.machine))
    }

    @Test("6: a denial of all principals but X stops the Owner Y and spares X")
    func six() async throws {
        let world = try await AccessWorld()
        let (excluded, owner) = (world.person("x@contoso.example"), world.person("y@contoso.example"))
        for person in [excluded, owner] {
            try await world.assign(RoleDefinition.owner, to: person.id, at: AccessWorld.subscription)
        }
        try await world.access.deny(
            DenyAssignment(
                name: world.newID(),
                denyName: "sealed",
                scope: try path(AccessWorld.group),
                permissions: [Permission(actions: ["*"])],
                principals: [],
                excludedPrincipals: [excluded.id]
            )
        )
        let start = Action.post("start", of: "Microsoft.Compute/virtualMachines")
        #expect(try world.may(excluded, start, at: AccessWorld.machine))
        #expect(try !world.may(owner, start, at: AccessWorld.machine))
    }

    @Test("7: the Data Access Administrator assigns User Login and is refused Owner")
    func seven() async throws {
        let world = try await AccessWorld()
        let delegate = world.person()
        try await world.assign(
            RoleDefinition.virtualMachineDataAccessAdministrator,
            to: delegate.id,
            at: AccessWorld.subscription
        )
        let owner = try world.draft(RoleDefinition.owner, to: world.newID(), at: AccessWorld.group)
        let user = try world.draft(RoleDefinition.virtualMachineUserLogin, to: world.newID(), at: AccessWorld.group)
        #expect(await problem { _ = try await world.access.assign(owner, by: delegate) }?.code == "AuthorizationFailed")
        #expect(try await world.access.assign(user, by: delegate).created)
    }

    @Test("8: login roles are assigned at a management group; a custom role with data actions is refused there")
    func eight() async throws {
        let world = try await AccessWorld()
        try await world.access.put(managementGroup: ManagementGroupDraft(name: "production"), by: nil)
        let scope = "/providers/Microsoft.Management/managementGroups/production"
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: world.newID(), at: scope)
        let custom = RoleDefinitionDraft(
            name: world.newID(),
            roleName: "Our login",
            permissions: [Permission(dataActions: ["Microsoft.Compute/virtualMachines/login/action"])],
            assignableScopes: [try path(scope)]
        )
        try await world.access.put(definition: custom, by: nil)
        let code = await problem { try await world.assign(custom.name, to: world.newID(), at: scope) }?.code
        #expect(code == "DataActionsNotAssignableAtManagementGroup")
    }

    @Test("9: the same under a new name is a conflict, the limit holds, and management groups do not count")
    func nine() async throws {
        let world = try await AccessWorld(policy: AssignmentPolicy(perSubscription: 2))
        let person = world.newID()
        try await world.assign(RoleDefinition.reader, to: person, at: AccessWorld.group)
        let twin = await problem { try await world.assign(RoleDefinition.reader, to: person, at: AccessWorld.group) }
        #expect(twin?.code == "RoleAssignmentExists")
        try await world.assign(RoleDefinition.reader, to: world.newID(), at: AccessWorld.machine)
        let third = await problem { try await world.assign(RoleDefinition.reader, to: person, at: AccessWorld.machine) }
        #expect(third?.code == "RoleAssignmentLimitExceeded")
        try await world.assign(
            RoleDefinition.reader,
            to: person,
            at: "/providers/Microsoft.Management/managementGroups/production"
        )
    }
}
