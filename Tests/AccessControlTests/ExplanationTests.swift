import AccessControl
import Testing
import Vocabulary

@Suite("Explanations")
struct ExplanationTests {
    @Test("say of each assignment why it does not count")
    func findings() async throws {
        let world = try await AccessWorld()
        let group = world.newID()
        let person = world.person(groups: [group])
        let elsewhere = AccessWorld.subscription + "/resourceGroups/elsewhere"
        try await world.assign(RoleDefinition.owner, to: person.id, at: AccessWorld.subscription)
        let other = try await world.assign(RoleDefinition.virtualMachineUserLogin, to: person.id, at: elsewhere)
        let left = try await world.assign(RoleDefinition.contributor, to: group, at: AccessWorld.group)
        let machine = try path(AccessWorld.machine)

        let login = world.access.explain(.virtualMachineLogin, at: machine, for: person)
        #expect(!login.isAllowed)
        #expect(login.findings.count == 3)
        #expect(login.findings.first { $0.assignment == other }?.outcome == .otherScope)
        #expect(login.findings.contains { $0.roleName == "Owner" && $0.outcome == .controlOnly })
        #expect(login.roles.first == "Virtual Machine User Login" || login.roles.contains("Virtual Machine User Login"))
        #expect(login.sentence.contains("Virtual Machine User Login"))

        let assign = world.access.explain(.assignRole, at: machine, for: person)
        #expect(assign.isAllowed)
        #expect(assign.findings.first?.outcome == .grants)
        #expect(assign.findings.first { $0.assignment == left }?.outcome == .leftOut)
        #expect(assign.findings.first { $0.assignment == left }?.group == group)
        #expect(assign.sentence.contains("Owner"))
    }
}
