import AccessControl
import Testing
import Vocabulary

@Suite("Where somebody's rights lie")
struct PlacesTests {
    private static let read = Action.read("Microsoft.Compute/virtualMachines")

    @Test("are the scopes of their assignments, none below another")
    func few() async throws {
        let world = try await AccessWorld()
        let team = world.newID()
        let alice = world.person(groups: [team])
        try await world.assign(RoleDefinition.reader, to: alice.id, at: AccessWorld.machine)
        try await world.assign(RoleDefinition.reader, to: alice.id, at: AccessWorld.subscription + "/resourceGroups/b")
        try await world.assign(RoleDefinition.reader, to: team, at: AccessWorld.group)
        let places = world.access.places(of: alice, below: try path(AccessWorld.subscription), for: Self.read)
        #expect(
            Set(places ?? []) == [
                try path(AccessWorld.group), try path(AccessWorld.subscription + "/resourceGroups/b"),
            ]
        )
    }

    @Test("are everywhere for somebody with a role at the scope of the list or above it")
    func everything() async throws {
        let world = try await AccessWorld()
        let alice = world.person()
        try await world.assign(RoleDefinition.reader, to: alice.id, at: AccessWorld.subscription)
        #expect(world.access.places(of: alice, below: try path(AccessWorld.group), for: Self.read) == nil)
        #expect(world.access.places(of: alice, below: try path(AccessWorld.subscription), for: Self.read) == nil)
        let places = world.access.places(of: alice, below: .root, for: Self.read)
        #expect(places == [try path(AccessWorld.subscription)])
    }

    @Test("are nowhere for a role that does not give the action, and for a stranger")
    func nothing() async throws {
        let world = try await AccessWorld()
        let alice = world.person()
        try await world.assign(RoleDefinition.userAccessAdministrator, to: alice.id, at: AccessWorld.subscription)
        let action = Action.write("Microsoft.Compute/virtualMachines")
        #expect(world.access.places(of: alice, below: try path(AccessWorld.subscription), for: action) == [])
        #expect(world.access.places(of: world.person(), below: .root) == [])
    }

    @Test("allow without words what a decision allows with them")
    func allows() async throws {
        let world = try await AccessWorld()
        let alice = world.person()
        try await world.assign(RoleDefinition.reader, to: alice.id, at: AccessWorld.group)
        for (action, place) in [
            (Self.read, AccessWorld.machine), (Self.read, AccessWorld.subscription), (.assignRole, AccessWorld.machine),
        ] {
            let decided = world.access.decide(action, at: try path(place), for: alice).isAllowed
            #expect(world.access.allows(action, at: try path(place), for: alice) == decided)
        }
    }

    @Test("exactly at a scope are found without those above and below it")
    func exactly() async throws {
        let world = try await AccessWorld()
        let alice = world.person()
        for scope in [AccessWorld.subscription, AccessWorld.group, AccessWorld.machine] {
            try await world.assign(RoleDefinition.reader, to: alice.id, at: scope)
        }
        try await world.assign(RoleDefinition.reader, to: world.newID(), at: AccessWorld.group)
        let group = try path(AccessWorld.group)
        #expect(world.access.assignments(at: group, RoleAssignmentFilter(reach: .exactly)).count == 2)
        let own = world.access.assignments(at: group, RoleAssignmentFilter(reach: .exactly, principals: [alice.id]))
        #expect(own.map(\.scope) == [group])
    }
}
