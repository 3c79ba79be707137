import Storage
import Testing
import Vocabulary

@testable import AccessControl

@Suite("Decision speed")
struct DecisionSpeedTests {
    @Test("a decision among 100,000 assignments does not look at them all")
    func speed() throws {
        var snapshot = AccessSnapshot()
        for role in RoleDefinition.builtIn {
            snapshot.put(try PreparedRole(role))
        }
        func put(_ number: UInt64, _ scope: ResourcePath, _ principal: GUID, _ role: GUID) throws {
            snapshot.put(
                try AccessSnapshot.Entry(
                    RoleAssignment(
                        name: GUID(high: 1, low: number),
                        scope: scope,
                        roleDefinition: role,
                        principal: principal,
                        principalType: .user,
                        description: nil,
                        condition: nil,
                        delegatedIdentity: nil,
                        createdOn: Instant(seconds: 0),
                        updatedOn: Instant(seconds: 0),
                        createdBy: nil,
                        updatedBy: nil
                    )
                )
            )
        }
        for number in UInt64(0)..<100_000 {
            let subscription = GUID(high: 2, low: number / 4000)
            let scope = try path("/subscriptions/\(subscription)/resourceGroups/rg\(number % 50)")
            try put(number, scope, GUID(high: 3, low: number % 5000), RoleDefinition.reader)
        }
        let machine = try path(
            "/subscriptions/\(GUID(high: 2, low: 3))/resourceGroups/rg7/providers/Microsoft.Compute/virtualMachines/vm"
        )
        let groups = Set((0..<50).map { GUID(high: 3, low: 10_000 + $0) })
        let subject = Subject(id: GUID(high: 9, low: 9), kind: .member, name: "alice", groups: groups)
        let scope = try path("/subscriptions/\(GUID(high: 2, low: 3))/resourceGroups/rg7")
        try put(200_000, scope, GUID(high: 3, low: 10_049), RoleDefinition.virtualMachineUserLogin)

        let rounds = 2000
        let clock = ContinuousClock()
        var allowed = 0
        let yes = clock.measure {
            for _ in 0..<rounds where snapshot.decide(.virtualMachineLogin, at: machine, for: subject, .none).isAllowed
            {
                allowed += 1
            }
        }
        let no = clock.measure {
            for _ in 0..<rounds
            where snapshot.decide(.virtualMachineLoginAsAdmin, at: machine, for: subject, .none).isAllowed {
                allowed += 1
            }
        }
        #expect(allowed == rounds)
        print("decision: allowed \(yes / rounds), refused \(no / rounds)")
        // An unoptimised build on a busy machine: walking all assignments would take milliseconds.
        #expect(yes / rounds < .milliseconds(1))
        #expect(no / rounds < .milliseconds(1))
    }
}
