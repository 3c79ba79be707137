import AccessControl
import Audit
import SQLiteStorage
import Storage
import Synchronization
import TestKit
import Testing
import Vocabulary

@Suite("Role assignments")
struct AssignmentTests {
    @Test("are made by Owners and refused to Contributors")
    func authorised() async throws {
        let world = try await AccessWorld()
        let (owner, contributor, target) = (
            world.person("admin@contoso.example"), world.person("carol@contoso.example"), world.newID()
        )
        try await world.assign(RoleDefinition.owner, to: owner.id, at: AccessWorld.subscription)
        try await world.assign(RoleDefinition.contributor, to: contributor.id, at: AccessWorld.subscription)
        let draft = try world.draft(RoleDefinition.reader, to: target, at: AccessWorld.group)
        let refused = await problem { try await world.access.assign(draft, by: contributor) }
        #expect(refused?.code == "AuthorizationFailed")
        #expect(
            refused?.shown.contains(
                "The client 'carol@contoso.example' with object id '\(contributor.id)' does not have authorization to perform "
                    + "action 'Microsoft.Authorization/roleAssignments/write' over scope '\(AccessWorld.group)'"
            ) == true
        )
        let (made, created) = try await world.access.assign(draft, by: owner)
        #expect(created)
        #expect(made.createdBy == owner.id)
        #expect(made.id == "\(AccessWorld.group)/providers/Microsoft.Authorization/roleAssignments/\(draft.name)")
        let removal = await problem { try await world.access.remove(made.name, at: made.scope, by: contributor) }
        #expect(removal?.code == "AuthorizationFailed")
        #expect(try await world.access.remove(made.name, at: made.scope, by: owner) == made)
    }

    @Test("may be made below the scope of one's own right, not beside it and not above")
    func reach() async throws {
        let world = try await AccessWorld()
        let owner = world.person()
        try await world.assign(RoleDefinition.owner, to: owner.id, at: AccessWorld.group)
        let other = "/subscriptions/22222222-2222-4222-8222-222222222222"
        for scope in ["/", AccessWorld.subscription, AccessWorld.group + "2", other] {
            let draft = try world.draft(RoleDefinition.reader, to: owner.id, at: scope)
            #expect(await problem { try await world.access.assign(draft, by: owner) }?.code == "AuthorizationFailed")
        }
        let below = try world.draft(RoleDefinition.reader, to: world.newID(), at: AccessWorld.machine)
        #expect(try await world.access.assign(below, by: owner).created)
    }

    @Test("the login roles' administrator assigns and removes those two roles and nothing else")
    func constrainedDelegation() async throws {
        let world = try await AccessWorld()
        let keeper = world.person()
        try await world.assign(
            RoleDefinition.virtualMachineDataAccessAdministrator,
            to: keeper.id,
            at: AccessWorld.group
        )
        let target = world.newID()
        let owner = try world.draft(RoleDefinition.owner, to: target, at: AccessWorld.group)
        let refused = await problem { try await world.access.assign(owner, by: keeper) }
        #expect(refused?.code == "AuthorizationFailed")
        #expect(refused?.shown.contains("or an ABAC condition not fulfilled") == true)
        let login = try world.draft(RoleDefinition.virtualMachineUserLogin, to: target, at: AccessWorld.machine)
        #expect(try await world.access.assign(login, by: keeper).created)
        let reader = try await world.assign(RoleDefinition.reader, to: target, at: AccessWorld.machine)
        #expect(
            await problem { try await world.access.remove(reader.name, at: reader.scope, by: keeper) }?.code
                == "AuthorizationFailed"
        )
        #expect(try await world.access.remove(login.name, at: login.scope, by: keeper)?.name == login.name)
    }

    @Test("a condition on one assignment restricts that assignment alone")
    func conditionalAssignment() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        let condition = """
            ((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR \
            (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] \
            ForAnyOfAnyValues:GuidEquals{\(RoleDefinition.reader)}))
            """
        try await world.assign(
            RoleDefinition.userAccessAdministrator,
            to: person.id,
            at: AccessWorld.group,
            condition: condition
        )
        let owner = try world.draft(RoleDefinition.owner, to: person.id, at: AccessWorld.group)
        #expect(await problem { try await world.access.assign(owner, by: person) }?.code == "AuthorizationFailed")
        let reader = try world.draft(RoleDefinition.reader, to: world.newID(), at: AccessWorld.group)
        #expect(try await world.access.assign(reader, by: person).created)
        try await world.assign(RoleDefinition.owner, to: person.id, at: AccessWorld.machine)
        let below = try world.draft(RoleDefinition.owner, to: world.newID(), at: AccessWorld.machine)
        #expect(try await world.access.assign(below, by: person).created)
    }

    @Test("a condition that cannot be read is refused, not ignored")
    func unreadableCondition() async throws {
        let world = try await AccessWorld()
        let draft = try world.draft(
            RoleDefinition.owner,
            to: world.newID(),
            at: AccessWorld.group,
            condition: "@Environment[UtcNow] DateTimeGreaterThan '2026-01-01'"
        )
        #expect(await problem { try await world.access.assign(draft, by: nil) }?.code == "InvalidCondition")
        #expect(world.access.assignment(draft.name) == nil)
    }

    @Test("an assignment whose stored condition cannot be read grants nothing")
    func damagedCondition() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        let made = try await world.assign(RoleDefinition.owner, to: person.id, at: AccessWorld.group)
        try await world.database.write { transaction in
            try transaction.run("UPDATE role_assignment SET condition_text = 'new grammar' WHERE name = \(made.name)")
        }
        try await world.access.load()
        #expect(try !world.may(person, .write("Microsoft.Compute/virtualMachines"), at: AccessWorld.machine))
    }

    @Test("the same again changes nothing; the same under another name is a conflict")
    func repetition() async throws {
        let world = try await AccessWorld()
        let draft = try world.draft(RoleDefinition.reader, to: world.newID(), at: AccessWorld.group)
        let first = try await world.access.assign(draft, by: nil)
        world.clock.turn(.seconds(5))
        let second = try await world.access.assign(draft, by: nil)
        #expect(first.created && !second.created)
        #expect(first.0 == second.0)
        var twin = draft
        twin.name = world.newID()
        twin.scope = try path(AccessWorld.group.uppercased())
        let conflict = await problem { try await world.access.assign(twin, by: nil) }
        #expect(conflict?.code == "RoleAssignmentExists")
        #expect(conflict?.shown.contains(draft.name.description.filter { $0 != "-" }) == true)
    }

    @Test("the same name never moves to another role, principal or scope")
    func immutable() async throws {
        let world = try await AccessWorld()
        let draft = try world.draft(RoleDefinition.reader, to: world.newID(), at: AccessWorld.group)
        try await world.access.assign(draft, by: nil)
        var changes = [draft, draft, draft]
        changes[0].roleDefinition = RoleDefinition.owner
        changes[1].principal = world.newID()
        changes[2].scope = try path(AccessWorld.subscription)
        for change in changes {
            #expect(
                await problem { try await world.access.assign(change, by: nil) }?.code
                    == "RoleAssignmentUpdateNotPermitted"
            )
        }
        #expect(world.access.assignment(draft.name)?.roleDefinition == RoleDefinition.reader)
    }

    @Test("the description may change and is kept in the store")
    func description() async throws {
        let world = try await AccessWorld()
        var draft = try world.draft(RoleDefinition.reader, to: world.newID(), at: AccessWorld.group)
        try await world.access.assign(draft, by: nil)
        draft.description = "for the audit"
        world.clock.turn(.seconds(1))
        #expect(try await !world.access.assign(draft, by: nil).created)
        try await world.access.load()
        let kept = world.access.assignment(draft.name)
        #expect(kept?.description == "for the audit")
        #expect(kept.map { $0.updatedOn > $0.createdOn } == true)
    }

    @Test("the last Owner of a subscription stays, the last but one may go")
    func lastOwner() async throws {
        let world = try await AccessWorld()
        let (first, second) = (world.person(), world.person())
        let one = try await world.assign(RoleDefinition.owner, to: first.id, at: AccessWorld.subscription)
        let two = try await world.assign(RoleDefinition.owner, to: second.id, at: AccessWorld.subscription)
        #expect(try await world.access.remove(one.name, at: one.scope, by: first) == one)
        let kept = await problem { try await world.access.remove(two.name, at: two.scope, by: second) }
        #expect(kept?.code == "CannotDeleteLastOwner")
        #expect(try world.may(second, .assignRole, at: AccessWorld.subscription))
    }

    @Test("the limit counts everything in one subscription and nothing outside it")
    func limit() async throws {
        let world = try await AccessWorld(policy: AssignmentPolicy(perSubscription: 3, perManagementGroup: 1))
        try await world.assign(RoleDefinition.reader, to: world.newID(), at: AccessWorld.subscription)
        try await world.assign(RoleDefinition.reader, to: world.newID(), at: AccessWorld.group)
        try await world.assign(RoleDefinition.reader, to: world.newID(), at: AccessWorld.machine)
        let over = try world.draft(RoleDefinition.reader, to: world.newID(), at: AccessWorld.machine)
        #expect(await problem { try await world.access.assign(over, by: nil) }?.code == "RoleAssignmentLimitExceeded")
        try await world.assign(
            RoleDefinition.reader,
            to: world.newID(),
            at: "/subscriptions/22222222-2222-4222-8222-222222222222"
        )
        let management = "/providers/Microsoft.Management/managementGroups/all"
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: world.newID(), at: management)
        let second = try world.draft(RoleDefinition.reader, to: world.newID(), at: management)
        #expect(await problem { try await world.access.assign(second, by: nil) }?.code == "RoleAssignmentLimitExceeded")
        #expect(GUID("11111111-1111-4111-8111-111111111111").map(world.access.assignmentCount) == 3)
    }

    @Test("login roles are assigned at management groups unless switched off; custom roles with data actions never")
    func managementGroups() async throws {
        let management = "/providers/Microsoft.Management/managementGroups/all"
        let world = try await AccessWorld(policy: AssignmentPolicy(allowsLoginRolesAtManagementGroups: false))
        let login = try world.draft(RoleDefinition.virtualMachineUserLogin, to: world.newID(), at: management)
        let code = "DataActionsNotAssignableAtManagementGroup"
        #expect(await problem { try await world.access.assign(login, by: nil) }?.code == code)

        let open = try await AccessWorld()
        try await open.assign(RoleDefinition.virtualMachineUserLogin, to: open.newID(), at: management)
        let custom = try await open.access.put(
            definition: RoleDefinitionDraft(
                name: open.newID(),
                roleName: "Our login",
                permissions: [Permission(dataActions: ["Microsoft.Compute/virtualMachines/login/action"])],
                assignableScopes: [try path(management)]
            ),
            by: nil
        ).0
        let draft = try open.draft(custom.name, to: open.newID(), at: management)
        #expect(await problem { try await open.access.assign(draft, by: nil) }?.code == code)
    }

    @Test("name a role that exists and a scope that can carry one")
    func sanity() async throws {
        let world = try await AccessWorld()
        let unknown = try world.draft(world.newID(), to: world.newID(), at: AccessWorld.group)
        #expect(await problem { try await world.access.assign(unknown, by: nil) }?.code == "RoleDefinitionDoesNotExist")
        for scope in [
            AccessWorld.subscription + "/resourceGroups", "/tenants/x",
            AccessWorld.group + "/providers/Microsoft.Compute",
        ] {
            let draft = try world.draft(RoleDefinition.reader, to: world.newID(), at: scope)
            #expect(await problem { try await world.access.assign(draft, by: nil) }?.code == "InvalidScope")
        }
    }
}
