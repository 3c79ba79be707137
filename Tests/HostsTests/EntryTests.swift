import AgentWire
import Audit
import Hosts
import Identity
import TestKit
import Testing
import Vocabulary

@Suite("Who may enter a host")
struct EntryTests {
    func code(_ world: HostsWorld, _ host: Host, _ id: GUID, as typed: String) async throws -> String {
        let decision = try await world.hosts.decide(world.question(id, as: typed), for: host)
        #expect(decision.allowed == (decision.refusal == nil))
        #expect(decision.allowed || decision.account == nil)
        return decision.refusal?.code ?? (decision.administrator ? "administrator" : "user")
    }

    @Test("roles decide: administrator, user, or nothing")
    func roles() async throws {
        let world = try await HostsWorld()
        let host = try await world.join()
        #expect(try await self.code(world, host, world.alice.id, as: "alice@contoso.example") == "administrator")
        #expect(try await self.code(world, host, world.bob.id, as: "Bob@contoso.example") == "user")
        #expect(try await self.code(world, host, world.dave.id, as: "dave@contoso.example") == "RoleMissing")
        #expect(try await self.code(world, host, world.robot.id, as: world.robot.appID.description) == "user")
    }

    @Test("a refusal names the person, both roles and the machine, and says what to do")
    func sentence() async throws {
        let world = try await HostsWorld()
        let host = try await world.join()
        let decision = try await world.hosts.decide(
            world.question(world.dave.id, as: "dave@contoso.example"),
            for: host
        )
        let refusal = try #require(decision.refusal)
        #expect(
            refusal.reason
                == "Azure role not assigned: dave@contoso.example has neither 'Virtual Machine User Login' nor "
                + "'Virtual Machine Administrator Login' on myVM (\(world.machine))."
        )
        #expect(!refusal.remedy.isEmpty)
        let event = try #require(try await world.audit.entries(limit: 1).first).event
        #expect(event.action == "host.decide" && event.outcome == .refused && event.actorName == "dave@contoso.example")
    }

    @Test("an entry is recorded")
    func recorded() async throws {
        let world = try await HostsWorld()
        let host = try await world.join()
        _ = try await world.hosts.decide(world.question(world.bob.id, as: "bob@contoso.example"), for: host)
        let event = try #require(try await world.audit.entries(limit: 1).first).event
        #expect(event.action == "host.signIn" && event.outcome == .success && event.source == "192.0.2.7")
    }

    @Test("guests are refused although they have the role")
    func guest() async throws {
        let world = try await HostsWorld()
        let host = try await world.join()
        let name = world.erin.userPrincipalName
        #expect(try await self.code(world, host, world.erin.id, as: name) == "GuestNotAllowed")
    }

    @Test("disabled and unknown accounts are refused")
    func disabled() async throws {
        let world = try await HostsWorld()
        let host = try await world.join()
        _ = try await world.directory.setEnabled(world.bob.id, false)
        #expect(try await self.code(world, host, world.bob.id, as: "bob@contoso.example") == "AccountDisabled")
        #expect(try await self.code(world, host, GUID(from: .system), as: "x@contoso.example") == "AccountUnknown")
    }

    @Test("the name that was typed must be the holder's own: no other's, no short one, no other domain")
    func names() async throws {
        let world = try await HostsWorld()
        let host = try await world.join()
        for typed in [
            "bob@contoso.example", "alice", "alice@fabrikam.example", "root", "", world.bob.id.description,
            "alice@contoso.example\n",
        ] {
            #expect(try await self.code(world, host, world.alice.id, as: typed) == "NameMismatch", "\(typed)")
        }
        #expect(try await self.code(world, host, world.alice.id, as: world.alice.id.description) == "administrator")
    }

    @Test("a machine without its identity, or with sign-in off, lets nobody in")
    func machine() async throws {
        let world = try await HostsWorld()
        let host = try await world.join()
        var machine = try #require(world.inventory[world.machine])
        let identity = machine.identity
        machine.identity = nil
        world.inventory[world.machine] = machine
        #expect(
            try await self.code(world, host, world.alice.id, as: "alice@contoso.example") == "MachineIdentityMissing"
        )
        machine.identity = identity
        world.inventory[world.machine] = machine
        _ = try await world.directory.removeManagedIdentity(for: world.machine)
        #expect(
            try await self.code(world, host, world.alice.id, as: "alice@contoso.example") == "MachineIdentityMissing"
        )
        try await world.registry.setSignIn(on: world.machine, false)
        #expect(try await self.code(world, host, world.alice.id, as: "alice@contoso.example") == "SignInDisabled")
        world.inventory[world.machine] = nil
        #expect(try await self.code(world, host, world.alice.id, as: "alice@contoso.example") == "MachineUnknown")
    }

    @Test("a look-up finds anybody of the tenant by full name, also who may not log in, and nobody else")
    func lookUp() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        func find(_ name: String) async throws -> HostAccount? {
            try await agent.say(.lookup(name: name), id: 5)
            let answer = try await agent.next { message -> LookupAnswer? in
                guard case .reply(5, let document) = message else { return nil }
                return try? ControlObject.decode(document)
            }
            return answer.account
        }
        #expect(try await find("Dave@Contoso.example")?.objectId == world.dave.id)
        #expect(try await find("alice@contoso.example")?.administrator == true)
        #expect(try await find(world.robot.appID.description)?.objectId == world.robot.id)
        for name in ["dave", "root", "nobody@contoso.example", ""] {
            #expect(try await find(name) == nil)
        }
    }

    @Test("a host that looks up too much is told to wait")
    func lookUpBound() async throws {
        let world = try await HostsWorld { $0.lookupsPerMinute = 2 }
        let agent = try await FakeAgent(world, try await world.join())
        func ask() async throws -> String {
            try await agent.say(.lookup(name: "x@contoso.example"), id: 1)
            return try await agent.next { message in
                switch message {
                case .reply: "reply"
                case .failure(_, let code, _): code
                default: nil
                }
            }
        }
        #expect(try await [ask(), ask(), ask()] == ["reply", "reply", "TooManyRequests"])
        world.clock.turn(.seconds(60))
        #expect(try await ask() == "reply")
    }
}
