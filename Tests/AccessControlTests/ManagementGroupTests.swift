import AccessControl
import TestKit
import Testing
import Vocabulary

@Suite("Management groups")
struct ManagementGroupTests {
    static let type = "/providers/Microsoft.Management/managementGroups/"
    static let other = "/subscriptions/22222222-2222-4222-8222-222222222222"

    /// root > outer > inner, with the subscription in inner.
    private func tree() async throws -> AccessWorld {
        let world = try await AccessWorld()
        try await world.access.put(managementGroup: ManagementGroupDraft(name: "Outer"), by: nil)
        try await world.access.put(managementGroup: ManagementGroupDraft(name: "inner", parent: "outer"), by: nil)
        try await world.access.place(subscription: try Self.subscription(), inManagementGroup: "INNER", by: nil)
        return world
    }

    private static func subscription() throws -> GUID {
        try #require(try path(AccessWorld.subscription).subscription)
    }

    @Test("roles are inherited down the tree, into subscriptions, groups and machines, and nowhere else")
    func inheritance() async throws {
        let world = try await self.tree()
        let person = world.person()
        try await world.assign(RoleDefinition.reader, to: person.id, at: Self.type + "OUTER")
        let read = Action.read("Microsoft.Compute/virtualMachines")
        for scope in [Self.type + "outer", Self.type + "inner", AccessWorld.subscription, AccessWorld.machine] {
            #expect(try world.may(person, read, at: scope))
        }
        for scope in ["/", Self.other, Self.type + world.access.tenantGroup, Self.type + "outerx"] {
            #expect(try !world.may(person, read, at: scope))
        }
    }

    @Test("the root group reaches subscriptions that nobody put anywhere")
    func root() async throws {
        let world = try await self.tree()
        let person = world.person()
        try await world.assign(RoleDefinition.reader, to: person.id, at: Self.type + world.access.tenantGroup)
        #expect(try world.may(person, .readRoles, at: Self.other))
        #expect(try world.may(person, .readRoles, at: AccessWorld.machine))
        #expect(try !world.may(person, .readRoles, at: "/"))
    }

    @Test("moving a subscription moves rights at once, and a restart keeps them")
    func moving() async throws {
        let world = try await self.tree()
        let person = world.person()
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: person.id, at: Self.type + "inner")
        #expect(try world.may(person, .virtualMachineLogin, at: AccessWorld.machine))
        let restarted = AccessControl(
            database: world.database,
            audit: world.audit,
            clock: world.clock.source,
            random: world.random.source
        )
        try await restarted.load()
        #expect(restarted.decide(.virtualMachineLogin, at: try path(AccessWorld.machine), for: person).isAllowed)
        try await world.access.place(subscription: try Self.subscription(), inManagementGroup: nil, by: nil)
        #expect(try !world.may(person, .virtualMachineLogin, at: AccessWorld.machine))
    }

    @Test("lists at a machine hold what management groups above it give, and explanations name them")
    func lists() async throws {
        let world = try await self.tree()
        let person = world.person()
        let made = try await world.assign(RoleDefinition.reader, to: person.id, at: Self.type + "outer")
        let machine = try path(AccessWorld.machine)
        #expect(world.access.assignments(at: machine, RoleAssignmentFilter(reach: .atAndAbove)) == [made])
        #expect(world.access.assignments(at: try path(Self.other)).isEmpty)
        let explanation = world.access.explain(.read("Microsoft.Compute/virtualMachines"), at: machine, for: person)
        #expect(explanation.grounds?.assignment == made)
    }

    @Test("a denial at a management group holds below it")
    func denial() async throws {
        let world = try await self.tree()
        let person = world.person()
        try await world.assign(RoleDefinition.owner, to: person.id, at: AccessWorld.subscription)
        try await world.access.deny(
            DenyAssignment(
                name: world.newID(),
                denyName: "frozen",
                scope: try path(Self.type + "outer"),
                permissions: [Permission(actions: ["*/delete"])],
                principals: []
            )
        )
        #expect(try !world.may(person, .delete("Microsoft.Compute/virtualMachines"), at: AccessWorld.machine))
        #expect(try world.may(person, .write("Microsoft.Compute/virtualMachines"), at: AccessWorld.machine))
    }

    @Test(
        "are made by who may write the group above, who then owns them; in the root group by directory administrators"
    )
    func rights() async throws {
        let world = try await self.tree()
        let person = world.person()
        let access = world.access
        let below = ManagementGroupDraft(name: "team", parent: "inner")
        #expect(
            await problem { _ = try await access.put(managementGroup: below, by: person) }?.code
                == "AuthorizationFailed"
        )
        try await world.assign(RoleDefinition.contributor, to: person.id, at: Self.type + "inner")
        #expect(try await access.put(managementGroup: below, by: person).created)
        #expect(try world.may(person, .assignRole, at: Self.type + "team"))
        #expect(try !world.may(person, .assignRole, at: Self.type + "inner"))

        let administrator = world.person("admin@contoso.example")
        let top = ManagementGroupDraft(name: "top")
        #expect(
            await problem { _ = try await access.put(managementGroup: top, by: administrator) }?.code
                == "AuthorizationFailed"
        )
        #expect(try await access.put(managementGroup: top, by: administrator, isDirectoryAdministrator: true).created)
        let hidden = ManagementGroupDraft(name: "hidden", parent: "inner")
        let code = await problem {
            _ = try await access.put(managementGroup: hidden, by: administrator, isDirectoryAdministrator: true)
        }?.code
        #expect(code == "AuthorizationFailed")
    }

    @Test("a subscription is moved by who may write both groups and assign roles on it, not by less")
    func placing() async throws {
        let world = try await self.tree()
        let person = world.person()
        let id = try Self.subscription()
        let move = { try await world.access.place(subscription: id, inManagementGroup: "outer", by: person) }
        for (role, scope) in [
            (RoleDefinition.contributor, Self.type + "outer"), (RoleDefinition.owner, AccessWorld.subscription),
        ] {
            #expect(await problem(move)?.code == "AuthorizationFailed")
            try await world.assign(role, to: person.id, at: scope)
        }
        try await move()
        #expect(world.access.managementGroup(of: id)?.name == "Outer")
    }

    @Test("have no cycles, at most six levels, and go only when they are empty")
    func shape() async throws {
        let world = try await self.tree()
        let access = world.access
        func code(_ draft: ManagementGroupDraft) async -> String? {
            await problem { _ = try await access.put(managementGroup: draft, by: nil) }?.code
        }
        #expect(await code(ManagementGroupDraft(name: "outer", parent: "inner")) == "BadRequest")
        #expect(await code(ManagementGroupDraft(name: "outer", parent: "outer")) == "BadRequest")
        #expect(await code(ManagementGroupDraft(name: "x", parent: "nowhere")) == "ManagementGroupNotFound")
        #expect(await code(ManagementGroupDraft(name: "a/b")) == "BadRequest")
        #expect(await code(ManagementGroupDraft(name: world.access.tenantGroup, parent: "outer")) == "BadRequest")
        for level in 3...6 {
            let above = level == 3 ? "inner" : "level\(level - 1)"
            #expect(await code(ManagementGroupDraft(name: "level\(level)", parent: above)) == nil)
        }
        #expect(await code(ManagementGroupDraft(name: "level7", parent: "level6")) == "BadRequest")
        for name in ["outer", "inner", world.access.tenantGroup] {
            #expect(await problem { try await access.remove(managementGroup: name, by: nil) }?.code == "BadRequest")
        }
        let person = world.person()
        try await world.assign(RoleDefinition.reader, to: person.id, at: Self.type + "level6")
        #expect(try await access.remove(managementGroup: "level6", by: nil) != nil)
        // A group of the same name later does not bring the old rights back.
        #expect(await code(ManagementGroupDraft(name: "level6")) == nil)
        #expect(try !world.may(person, .readRoles, at: Self.type + "level6"))
    }
}

extension AccessControl {
    fileprivate var tenantGroup: String { self.rootManagementGroup?.name ?? "" }
}
