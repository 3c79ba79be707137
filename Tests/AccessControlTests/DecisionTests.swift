import AccessControl
import TestKit
import Testing
import Vocabulary

@Suite("Decisions")
struct DecisionTests {
    @Test(
        "refuses sign-in to an Owner and to a Contributor of the machine",
        arguments: [RoleDefinition.owner, RoleDefinition.contributor]
    )
    func controlIsNotEntry(role: GUID) async throws {
        let world = try await AccessWorld()
        let person = world.person()
        for scope in ["/", AccessWorld.subscription, AccessWorld.machine] {
            try await world.assign(role, to: person.id, at: scope)
        }
        #expect(try world.may(person, .write("Microsoft.Compute/virtualMachines"), at: AccessWorld.machine))
        #expect(try !world.may(person, .virtualMachineLogin, at: AccessWorld.machine))
        #expect(try !world.may(person, .virtualMachineLoginAsAdmin, at: AccessWorld.machine))
    }

    @Test("gives a Contributor no say over roles")
    func contributor() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        try await world.assign(RoleDefinition.contributor, to: person.id, at: AccessWorld.subscription)
        #expect(try !world.may(person, .assignRole, at: AccessWorld.machine))
        #expect(try !world.may(person, .removeRole, at: AccessWorld.machine))
        #expect(try world.may(person, .readRoles, at: AccessWorld.machine))
    }

    @Test("User Login on the group and Administrator Login on one machine: administrator there, user next door")
    func twoLoginRoles() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        let neighbour = AccessWorld.group + "/providers/Microsoft.Compute/virtualMachines/other"
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: person.id, at: AccessWorld.group)
        try await world.assign(RoleDefinition.virtualMachineAdministratorLogin, to: person.id, at: AccessWorld.machine)
        #expect(try world.may(person, .virtualMachineLoginAsAdmin, at: AccessWorld.machine))
        #expect(try world.may(person, .virtualMachineLogin, at: AccessWorld.machine))
        #expect(try world.may(person, .virtualMachineLogin, at: neighbour))
        #expect(try !world.may(person, .virtualMachineLoginAsAdmin, at: neighbour))
    }

    @Test("Administrator Login includes User Login and reading the machine and its network interface")
    func administratorIncludesUser() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        try await world.assign(RoleDefinition.virtualMachineAdministratorLogin, to: person.id, at: AccessWorld.group)
        #expect(try world.may(person, .virtualMachineLogin, at: AccessWorld.machine))
        #expect(try world.may(person, .read("Microsoft.Compute/virtualMachines"), at: AccessWorld.machine))
        #expect(try world.may(person, .read("Microsoft.Network/networkInterfaces"), at: AccessWorld.group))
        #expect(try !world.may(person, .read("Microsoft.Network/bastionHosts"), at: AccessWorld.group))
    }

    @Test("what one role leaves out, another may give")
    func notActionsAreNoDenial() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        let hollow = try await world.access.put(
            definition: RoleDefinitionDraft(
                name: world.newID(),
                roleName: "Everything but entering",
                permissions: [
                    Permission(
                        actions: ["*"],
                        dataActions: ["Microsoft.Compute/*"],
                        notDataActions: ["Microsoft.Compute/virtualMachines/login/action"]
                    )
                ],
                assignableScopes: [try path(AccessWorld.subscription)]
            ),
            by: nil
        ).0
        try await world.assign(hollow.name, to: person.id, at: AccessWorld.subscription)
        #expect(try !world.may(person, .virtualMachineLogin, at: AccessWorld.machine))
        #expect(try world.may(person, .virtualMachineLoginAsAdmin, at: AccessWorld.machine))
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: person.id, at: AccessWorld.group)
        #expect(try world.may(person, .virtualMachineLogin, at: AccessWorld.machine))
    }

    @Test("a scope covers whole segments in any letter case")
    func scopes() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        try await world.assign(RoleDefinition.reader, to: person.id, at: AccessWorld.group)
        let read = Action.read("Microsoft.Compute/virtualMachines")
        #expect(try world.may(person, read, at: AccessWorld.machine.uppercased()))
        #expect(try world.may(person, read, at: AccessWorld.group + "/"))
        #expect(try !world.may(person, read, at: AccessWorld.group + "2/providers/Microsoft.Compute/virtualMachines/x"))
        #expect(try !world.may(person, read, at: AccessWorld.subscription))
        #expect(try !world.may(person, read, at: "/"))
    }

    @Test("a group's role counts for its members, and no longer when the group is gone from the subject")
    func groups() async throws {
        let world = try await AccessWorld()
        let (outer, inner) = (world.newID(), world.newID())
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: outer, at: AccessWorld.group)
        let member = world.person(groups: [outer, inner])
        #expect(try world.may(member, .virtualMachineLogin, at: AccessWorld.machine))
        let former = Subject(id: member.id, kind: .member, name: member.name, groups: [inner])
        #expect(try !world.may(former, .virtualMachineLogin, at: AccessWorld.machine))
    }

    @Test("a subject in more groups than a scope has principals is decided alike")
    func manyGroups() async throws {
        let world = try await AccessWorld()
        let group = world.newID()
        try await world.assign(RoleDefinition.reader, to: group, at: AccessWorld.group)
        let others = Set((0..<500).map { _ in world.newID() })
        let read = Action.read("Microsoft.Compute/virtualMachines")
        #expect(try world.may(world.person(groups: others.union([group])), read, at: AccessWorld.machine))
        #expect(try !world.may(world.person(groups: others), read, at: AccessWorld.machine))
    }

    @Test("a denial of everybody stops an Owner and spares who is excluded")
    func denial() async throws {
        let world = try await AccessWorld()
        let (owner, spared) = (world.person(), world.person())
        try await world.assign(RoleDefinition.owner, to: owner.id, at: AccessWorld.subscription)
        try await world.assign(RoleDefinition.owner, to: spared.id, at: AccessWorld.subscription)
        let denial = DenyAssignment(
            name: world.newID(),
            denyName: "managed",
            scope: try path(AccessWorld.group),
            permissions: [Permission(actions: ["*/write"])],
            principals: [],
            excludedPrincipals: [spared.id]
        )
        try await world.access.deny(denial)
        let write = Action.write("Microsoft.Compute/virtualMachines")
        #expect(try !world.may(owner, write, at: AccessWorld.machine))
        #expect(try world.may(spared, write, at: AccessWorld.machine))
        #expect(try world.may(owner, .read("Microsoft.Compute/virtualMachines"), at: AccessWorld.machine))
        #expect(try world.access.principals(allowed: write, at: path(AccessWorld.machine)) == [spared.id])
        try await world.access.load()
        #expect(try !world.may(owner, write, at: AccessWorld.machine))
        try await world.access.removeDenial(denial.name)
        #expect(try world.may(owner, write, at: AccessWorld.machine))
    }

    @Test("a refusal names who, what, where, and the roles that would do")
    func refusal() async throws {
        let world = try await AccessWorld()
        let person = world.person("dave@contoso.example")
        let decision = world.access.decide(.virtualMachineLogin, at: try path(AccessWorld.machine), for: person)
        guard case .refused(let refusal) = decision else {
            Issue.record("was allowed")
            return
        }
        #expect(refusal.code == "RoleMissing")
        #expect(refusal.reason.contains("dave@contoso.example"))
        #expect(refusal.reason.contains("Microsoft.Compute/virtualMachines/login/action"))
        #expect(refusal.reason.contains(AccessWorld.machine))
        #expect(refusal.remedy.contains("Virtual Machine User Login"))
        #expect(!refusal.remedy.contains("Owner"))
    }

    @Test("lists who may sign in to a machine, wherever above it the role was given")
    func principals() async throws {
        let world = try await AccessWorld()
        let (user, group, robot, reader) = (world.newID(), world.newID(), world.newID(), world.newID())
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: user, at: AccessWorld.machine)
        try await world.assign(RoleDefinition.virtualMachineAdministratorLogin, to: group, at: AccessWorld.subscription)
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: robot, at: "/")
        try await world.assign(RoleDefinition.reader, to: reader, at: AccessWorld.machine)
        let machine = try path(AccessWorld.machine)
        #expect(world.access.principals(allowed: .virtualMachineLogin, at: machine) == [user, group, robot])
        #expect(world.access.principals(allowed: .virtualMachineLoginAsAdmin, at: machine) == [group])
    }

    @Test("a grant carries the decision's subject and target")
    func grant() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: person.id, at: AccessWorld.group)
        let machine = try path(AccessWorld.machine)
        guard case .allowed(let allowed) = world.access.decide(.virtualMachineLogin, at: machine, for: person) else {
            Issue.record("was refused")
            return
        }
        let grant = world.access.grant(allowed, endpoint: Endpoint(address: "10.0.0.4", port: 22), session: .zero)
        #expect(grant.target == machine)
        #expect(grant.user == person.id)
        #expect(grant.endpoint.port == 22)
    }

    @Test("refuses everything before it has been loaded")
    func unloaded() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        try await world.assign(RoleDefinition.owner, to: person.id, at: "/")
        let fresh = AccessControl(
            database: world.database,
            audit: world.audit,
            clock: world.clock.source,
            random: world.random.source
        )
        let read = Action.read("Microsoft.Compute/virtualMachines")
        #expect(!fresh.decide(read, at: try path(AccessWorld.machine), for: person).isAllowed)
        try await fresh.load()
        #expect(fresh.decide(read, at: try path(AccessWorld.machine), for: person).isAllowed)
    }
}
