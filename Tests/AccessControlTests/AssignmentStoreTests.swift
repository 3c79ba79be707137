import AccessControl
import Audit
import SQLiteStorage
import Storage
import Synchronization
import TestKit
import Testing
import Vocabulary

@Suite("Role assignments in store and memory")
struct AssignmentStoreTests {
    @Test("outlive a restart")
    func persistence() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        let made = try await world.assign(
            RoleDefinition.virtualMachineUserLogin,
            to: person.id,
            at: AccessWorld.machine
        )
        let restarted = AccessControl(
            database: world.database,
            audit: world.audit,
            clock: world.clock.source,
            random: world.random.source
        )
        try await restarted.load()
        #expect(restarted.assignment(made.name) == made)
        #expect(restarted.decide(.virtualMachineLogin, at: try path(AccessWorld.machine), for: person).isAllowed)
    }

    @Test("reach decisions and listeners before the call returns, and are on record with who asked")
    func immediate() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        let heard = Heard()
        world.access.changes.subscribe { heard.note($0) }
        let made = try await world.assign(
            RoleDefinition.virtualMachineUserLogin,
            to: person.id,
            at: AccessWorld.machine
        )
        #expect(try world.may(person, .virtualMachineLogin, at: AccessWorld.machine))
        try await world.access.remove(made.name, at: made.scope, by: nil, correlation: "c-1", source: "192.0.2.1")
        #expect(try !world.may(person, .virtualMachineLogin, at: AccessWorld.machine))
        #expect(heard.all.map(\.principal) == [person.id, person.id])
        #expect(heard.all.allSatisfy { $0.scope == made.scope })
        let draft = try world.draft(RoleDefinition.owner, to: person.id, at: AccessWorld.machine)
        _ = await problem { try await world.access.assign(draft, by: person) }
        let events = try await world.audit.entries().map(\.event)
        #expect(events.map(\.action) == ["roleAssignment.write", "roleAssignment.delete", "roleAssignment.write"])
        #expect(events.map(\.outcome) == [.refused, .success, .success])
        #expect(events[0].actor == person.id)
        #expect(events[1].correlation == "c-1")
        #expect(events[1].source == "192.0.2.1")
    }

    @Test("removing at another scope than the assignment's own removes nothing")
    func wrongScope() async throws {
        let world = try await AccessWorld()
        let (owner, target) = (world.person(), world.newID())
        try await world.assign(RoleDefinition.owner, to: owner.id, at: AccessWorld.machine)
        let made = try await world.assign(RoleDefinition.reader, to: target, at: AccessWorld.group)
        #expect(try await world.access.remove(made.name, at: try path(AccessWorld.machine), by: owner) == nil)
        #expect(world.access.assignment(made.name) != nil)
    }

    @Test("go with the resource they were given at, and with nothing else")
    func removal() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: person.id, at: AccessWorld.machine)
        try await world.assign(RoleDefinition.reader, to: person.id, at: AccessWorld.machine + "/extensions/login")
        let kept = try await world.assign(RoleDefinition.reader, to: person.id, at: AccessWorld.machine + "2")
        #expect(try await world.access.removeAll(under: try path(AccessWorld.machine.uppercased()), by: nil) == 2)
        #expect(try !world.may(person, .virtualMachineLogin, at: AccessWorld.machine))
        try await world.access.load()
        #expect(world.access.assignments(at: .root) == [kept])
    }

    @Test("are listed at, above and below a scope as asked")
    func lists() async throws {
        let world = try await AccessWorld()
        let (one, two) = (world.newID(), world.newID())
        try await world.assign(RoleDefinition.reader, to: one, at: AccessWorld.subscription)
        try await world.assign(RoleDefinition.reader, to: two, at: AccessWorld.group)
        try await world.assign(RoleDefinition.reader, to: one, at: AccessWorld.machine)
        try await world.assign(RoleDefinition.reader, to: one, at: AccessWorld.group + "2")
        let group = try path(AccessWorld.group)
        func count(_ filter: RoleAssignmentFilter) -> Int { world.access.assignments(at: group, filter).count }
        #expect(count(RoleAssignmentFilter()) == 3)
        #expect(count(RoleAssignmentFilter(reach: .atAndAbove)) == 2)
        #expect(count(RoleAssignmentFilter(reach: .exactly)) == 1)
        #expect(count(RoleAssignmentFilter(principals: [one])) == 2)
        #expect(count(RoleAssignmentFilter(principals: [])) == 0)
        #expect(count(RoleAssignmentFilter(roleDefinition: RoleDefinition.owner)) == 0)
    }

    @Test("two hundred changes at once leave memory as the store is")
    func concurrency() async throws {
        let world = try await AccessWorld()
        let principals = (0..<10).map { _ in world.newID() }
        let drafts = try principals.map { try world.draft(RoleDefinition.reader, to: $0, at: AccessWorld.group) }
        await withTaskGroup(of: Void.self) { tasks in
            for turn in 0..<200 {
                let draft = drafts[turn % drafts.count]
                tasks.addTask {
                    if turn % 3 == 0 {
                        _ = try? await world.access.remove(draft.name, at: draft.scope, by: nil)
                    } else {
                        _ = try? await world.access.assign(draft, by: nil)
                    }
                }
            }
        }
        let scope = try path(AccessWorld.group)
        let remembered = Set(world.access.assignments(at: scope))
        try await world.access.load()
        #expect(Set(world.access.assignments(at: scope)) == remembered)
    }
}

/// Collects what a feed says.
final class Heard: Sendable {
    private let changes = Mutex<[AccessChange]>([])

    func note(_ change: AccessChange) { self.changes.withLock { $0.append(change) } }

    var all: [AccessChange] { self.changes.withLock { $0 } }
}
