import AccessControl
import Testing
import Vocabulary

@Suite("Access to machines")
struct MachineAccessTests {
    private func refusal(_ world: AccessWorld, _ person: Subject, isEnabled: Bool = true) throws -> Refusal? {
        switch world.access.access(of: person, isEnabled: isEnabled, to: try path(AccessWorld.machine)) {
        case .refused(let refusal): refusal
        case .allowed: nil
        }
    }

    @Test("carries the assignment that gives it")
    func grounds() async throws {
        let world = try await AccessWorld()
        let group = world.newID()
        let person = world.person(groups: [group])
        let made = try await world.assign(
            RoleDefinition.virtualMachineAdministratorLogin,
            to: group,
            at: AccessWorld.subscription
        )
        guard
            case .allowed(let access) = world.access.access(
                of: person,
                isEnabled: true,
                to: try path(AccessWorld.machine)
            )
        else {
            Issue.record("refused")
            return
        }
        #expect(access.isAdministrator)
        #expect(access.grounds.assignment == made)
    }

    @Test("is refused to disabled accounts and guests, whatever roles they have")
    func accounts() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        let guest = Subject(id: world.newID(), kind: .guest, name: "erin", groups: [])
        for one in [person, guest] {
            try await world.assign(RoleDefinition.virtualMachineUserLogin, to: one.id, at: AccessWorld.group)
        }
        #expect(try self.refusal(world, person) == nil)
        #expect(try self.refusal(world, person, isEnabled: false)?.code == "AccountDisabled")
        #expect(try self.refusal(world, guest)?.code == "GuestNotAllowed")
    }

    @Test("a refusal begins with what is missing and tells what comes nearest")
    func nearest() async throws {
        let world = try await AccessWorld()
        let person = world.person("dave@contoso.example")
        #expect(
            try self.refusal(world, person)?.reason.hasPrefix("Azure role not assigned: dave@contoso.example") == true
        )
        try await world.assign(RoleDefinition.owner, to: person.id, at: AccessWorld.subscription)
        #expect(try self.refusal(world, person)?.remedy.contains("'Owner' on") == true)
        let elsewhere = AccessWorld.subscription + "/resourceGroups/elsewhere"
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: person.id, at: elsewhere)
        #expect(
            try self.refusal(world, person)?.remedy
                .hasPrefix("'Virtual Machine User Login' is held on '\(elsewhere)', which is another place.") == true
        )
    }

    @Test("a denial is named instead of a role that would not help")
    func denied() async throws {
        let world = try await AccessWorld()
        let person = world.person()
        try await world.assign(RoleDefinition.virtualMachineUserLogin, to: person.id, at: AccessWorld.group)
        try await world.access.deny(
            DenyAssignment(
                name: world.newID(),
                denyName: "maintenance",
                scope: try path(AccessWorld.group),
                permissions: [Permission(dataActions: ["*"])],
                principals: [person.id]
            )
        )
        let refusal = try self.refusal(world, person)
        #expect(refusal?.code == "DenyAssignment")
        #expect(refusal?.reason.contains("'maintenance'") == true)
    }
}
