import AgentWire
import Hosts
import Identity
import TestKit
import Testing
import Vocabulary

@Suite("Switching sign-in on and off")
struct SignInSwitchTests {
    func code(_ verdict: Verdict<Void>) -> String {
        switch verdict {
        case .allowed: "allowed"
        case .refused(let refusal): refusal.code + ": " + refusal.reason
        }
    }

    @Test("succeeds when the host reports that it works", .timeLimit(.minutes(1)))
    func enabled() async throws {
        let world = try await HostsWorld()
        try await world.registry.setSignIn(on: world.machine, false)
        let agent = try await FakeAgent(world, try await world.join())
        #expect(try await !agent.nextConfiguration().loginEnabled)
        async let verdict = world.hosts.enableSignIn(world.machine)
        #expect(try await agent.nextConfiguration().loginEnabled)
        try await agent.say(agent.status(.disabled))
        try await agent.say(agent.status(.enabled))
        #expect(await self.code(verdict) == "allowed")
    }

    @Test("fails with the host's exit code and sentence", .timeLimit(.minutes(1)))
    func failed() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        _ = try await agent.nextConfiguration()
        async let verdict = world.hosts.enableSignIn(world.machine)
        _ = try await agent.nextConfiguration()
        try await agent.say(agent.status(.failed, code: 53))
        #expect(await self.code(verdict).contains("exit code 53: cannot write"))
    }

    @Test("a machine that has not joined, or is not connected, is told later", .timeLimit(.minutes(1)))
    func absent() async throws {
        let world = try await HostsWorld()
        try await world.registry.setSignIn(on: world.machine, false)
        #expect(self.code(await world.hosts.enableSignIn(world.machine)).contains("has not joined"))
        let host = try await world.join()
        #expect(self.code(await world.hosts.enableSignIn(world.machine)).contains("not connected"))
        #expect(try await FakeAgent(world, host).nextConfiguration().loginEnabled)
    }

    @Test("without a system-assigned identity it is exit code 22", .timeLimit(.minutes(1)))
    func identity() async throws {
        let world = try await HostsWorld()
        var machine = try #require(world.inventory[world.machine])
        machine.identity = nil
        world.inventory[world.machine] = machine
        #expect(self.code(await world.hosts.enableSignIn(world.machine)).contains("exit code 22"))
    }

    @Test("a host that says nothing is not waited for longer than the deadline", .timeLimit(.minutes(1)))
    func deadline() async throws {
        let world = try await HostsWorld { $0.extensionDeadline = .zero }
        let agent = try await FakeAgent(world, try await world.join())
        #expect(self.code(await world.hosts.enableSignIn(world.machine)).hasPrefix("VMExtensionProvisioningTimeout"))
        #expect(agent.ends.isEmpty)
    }

    @Test("a connection that ends while it is waited for ends the waiting", .timeLimit(.minutes(1)))
    func lost() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        _ = try await agent.nextConfiguration()
        async let verdict = world.hosts.enableSignIn(world.machine)
        _ = try await agent.nextConfiguration()
        agent.connection.closed()
        #expect(await self.code(verdict).hasPrefix("VMExtensionProvisioningTimeout"))
    }

    @Test("switching off ends sessions", .timeLimit(.minutes(1)))
    func disabled() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        let report = world.report(of: world.bob.id)
        try await agent.say(.sessionOpened(report))
        try await world.reviewing {
            async let verdict = world.hosts.disableSignIn(world.machine)
            #expect(try await agent.nextEnd().session == report.session)
            try await agent.say(agent.status(.disabled))
            #expect(await self.code(verdict) == "allowed")
        }
    }

    @Test("the instance view says whether the agent is there")
    func view() async throws {
        let world = try await HostsWorld()
        #expect(world.hosts.instanceView(world.machine) == nil)
        let host = try await world.join()
        func shown() -> String? {
            world.hosts.instanceView(world.machine)?["vmAgent"]?["statuses"]?.array?.first?["displayStatus"]?.string
        }
        #expect(shown() == "Not Ready")
        let agent = try await FakeAgent(world, host)
        #expect(shown() == "Ready")
        agent.connection.closed()
        #expect(shown() == "Not Ready")
    }
}
