import AgentWire
import Audit
import Hosts
import Identity
import TestKit
import Testing
import Vocabulary

@Suite("Desktops on connected hosts")
struct DesktopTests {
    private static let session = GUID(high: 3, low: 4)

    /// A host that has reported a desktop service.
    private func host(_ world: HostsWorld, desktop: DesktopReport? = .usual) async throws -> FakeAgent {
        let agent = try await FakeAgent(world, try await world.join())
        guard case .status(var status) = agent.status(.enabled) else { return agent }
        status.desktop = desktop
        try await agent.say(.status(status))
        return agent
    }

    private func prepare(_ person: GUID, _ world: HostsWorld) async throws -> Verdict<Hosts.DesktopEntry> {
        try await world.hosts.prepareDesktop(for: person, on: world.machine, session: Self.session)
    }

    private func refusal(_ verdict: Verdict<Hosts.DesktopEntry>) -> Refusal? {
        guard case .refused(let refusal) = verdict else { return nil }
        return refusal
    }

    @Test("somebody with a role gets what the agent answers, and the record says so", .timeLimit(.minutes(1)))
    func entry() async throws {
        let world = try await HostsWorld()
        let agent = try await self.host(world)
        async let verdict = self.prepare(world.alice.id, world)
        let order = try await agent.nextDesktop()
        #expect(order.session == Self.session && order.account.objectId == world.alice.id)
        #expect(order.account.administrator && order.account.name == "alice@contoso.example")
        let answer = DesktopAnswer(request: order.request, user: "alice", domain: "VM", password: Secret([0x70]))
        try await agent.say(.desktop(answer))
        guard case .allowed(let entry) = try await verdict else {
            Issue.record("refused")
            return
        }
        #expect(entry.user == "alice" && entry.domain == "VM" && entry.password.withValue { $0 == "p" })
        let events = try await world.audit.entries().map(\.event)
        let event = try #require(events.first { $0.action == "desktop.prepare" })
        #expect(event.actor == world.alice.id && event.outcome == .success)
        #expect(event.details["session"] == Self.session.description)
        #expect(!"\(events)".contains("\"p\""))
        world.hosts.desktopSettled(entry, on: world.machine)
        let settled: GUID = try await agent.next { if case .desktopSettled(let id) = $0 { id } else { nil } }
        #expect(settled == order.request)
    }

    @Test("a desktop that nothing can be known by gets no credential", .timeLimit(.minutes(1)))
    func unknowable() async throws {
        let world = try await HostsWorld()
        _ = try await self.host(world, desktop: DesktopReport(port: 3389, certificate: "", product: "xrdp"))
        #expect(self.refusal(try await self.prepare(world.alice.id, world))?.code == "DesktopCertificateUnknown")
    }

    @Test("two of one person at one moment get an answer each", .timeLimit(.minutes(1)))
    func sideBySide() async throws {
        let world = try await HostsWorld()
        let agent = try await self.host(world)
        async let first = self.prepare(world.bob.id, world)
        async let second = self.prepare(world.bob.id, world)
        let orders = [try await agent.nextDesktop(), try await agent.nextDesktop()]
        for order in orders.reversed() {
            let name = order.request.description
            try await agent.say(.desktop(DesktopAnswer(request: order.request, user: name, password: Secret([1]))))
        }
        var users: Set<String> = []
        for verdict in try await [first, second] {
            if case .allowed(let entry) = verdict { users.insert(entry.user) }
        }
        #expect(users == Set(orders.map(\.request.description)))
    }

    @Test("the reasons are those of SSH, and the agent is not asked", .timeLimit(.minutes(1)))
    func refusals() async throws {
        let world = try await HostsWorld()
        let agent = try await self.host(world)
        for person in [world.dave.id, world.erin.id, GUID(from: .system)] {
            let refused = try #require(self.refusal(try await self.prepare(person, world)))
            guard case .refused(let expected) = try await world.hosts.access(of: person, to: world.machine) else {
                Issue.record("allowed")
                return
            }
            #expect(refused == expected)
        }
        #expect(
            try await world.audit.entries().map(\.event).filter {
                $0.action == "desktop.prepare" && $0.outcome == .refused
            }.count == 3
        )
        // Nothing has been sent since: the next message is the one of this end.
        try await world.registry.setSignIn(on: world.machine, false)
        #expect(self.refusal(try await self.prepare(world.alice.id, world))?.code == "SignInDisabled")
        _ = agent
    }

    @Test("a temporary password opens no desktop", .timeLimit(.minutes(1)))
    func temporaryPassword() async throws {
        let world = try await HostsWorld()
        _ = try await self.host(world)
        var draft = UserDraft(userPrincipalName: "bob@contoso.example", displayName: "Bob")
        draft.mustChangePassword = true
        _ = try await world.directory.put(user: draft)
        #expect(self.refusal(try await self.prepare(world.bob.id, world))?.code == "AADSTS50055")
    }

    @Test("an agent that is away, knows no desktops, or says nothing, each has its sentence", .timeLimit(.minutes(1)))
    func away() async throws {
        let world = try await HostsWorld { $0.desktopDeadline = .milliseconds(1) }
        #expect(self.refusal(try await self.prepare(world.alice.id, world))?.reason.contains("not connected") == true)
        let agent = try await self.host(world, desktop: nil)
        #expect(self.refusal(try await self.prepare(world.alice.id, world))?.code == "DesktopUnavailable")
        agent.connection.closed()
        _ = try await self.host(world)
        #expect(self.refusal(try await self.prepare(world.alice.id, world))?.code == "DesktopCredentialTimeout")
    }

    @Test("the end of the connection ends the waiting", .timeLimit(.minutes(1)))
    func disconnected() async throws {
        let world = try await HostsWorld { $0.desktopDeadline = .seconds(50) }
        let agent = try await self.host(world)
        async let verdict = self.prepare(world.alice.id, world)
        _ = try await agent.nextDesktop()
        agent.connection.closed()
        #expect(self.refusal(try await verdict)?.code == "DesktopCredentialTimeout")
    }

    @Test("the agent's own refusal arrives, made printable", .timeLimit(.minutes(1)))
    func agentRefuses() async throws {
        let world = try await HostsWorld()
        let agent = try await self.host(world)
        async let verdict = self.prepare(world.alice.id, world)
        let order = try await agent.nextDesktop()
        let refusal = Refusal("AccountClash", reason: "It\u{1b} clashes.")
        try await agent.say(.desktop(DesktopAnswer(request: order.request, refusal: refusal)))
        #expect(self.refusal(try await verdict)?.reason == "It? clashes.")
    }

    @Test("an answer to nobody's question is dropped", .timeLimit(.minutes(1)))
    func unasked() async throws {
        let world = try await HostsWorld()
        let agent = try await self.host(world)
        try await agent.say(.desktop(DesktopAnswer(request: .zero, user: "x", password: Secret([1]))))
        #expect(world.hosts.isConnected(world.machine) && agent.ends.isEmpty)
    }

    @Test("facts are those reported, and outlive the connection", .timeLimit(.minutes(1)))
    func facts() async throws {
        let world = try await HostsWorld()
        #expect(world.hosts.desktopFacts(of: world.machine) == nil)
        let agent = try await self.host(world)
        let facts = try #require(world.hosts.desktopFacts(of: world.machine))
        #expect(facts.hostName == "somewhere-else" && facts.port == 3390 && facts.product == "xrdp")
        #expect(facts.certificate == [UInt8](repeating: 0xab, count: 32))
        agent.connection.closed()
        #expect(world.hosts.desktopFacts(of: world.machine) == facts)
    }

    @Test("nonsense in a report is left out", .timeLimit(.minutes(1)), arguments: [0, 65536, -1])
    func nonsense(_ port: Int) async throws {
        let world = try await HostsWorld()
        _ = try await self.host(world, desktop: DesktopReport(port: port, certificate: "zz", product: "x"))
        #expect(world.hosts.desktopFacts(of: world.machine) == nil)
        _ = try await self.host(world, desktop: DesktopReport(port: 3389, certificate: "zz", product: "x"))
        #expect(world.hosts.desktopFacts(of: world.machine)?.certificate == nil)
    }

    @Test(
        "machines are found by the name they report, in any letter case and up to the first dot",
        .timeLimit(.minutes(1))
    )
    func names() async throws {
        let world = try await HostsWorld()
        _ = try await self.host(world)
        #expect(world.hosts.machines(reporting: "Somewhere-Else.contoso.example") == [world.machine])
        #expect(world.hosts.machines(reporting: "somewhere") == [])
    }
}

extension DesktopReport {
    fileprivate static let usual = DesktopReport(
        port: 3390,
        certificate: String(repeating: "AB", count: 32),
        product: "xrdp"
    )
}

extension FakeAgent {
    fileprivate func nextDesktop() async throws -> DesktopOrder {
        try await self.next { if case .prepareDesktop(let order) = $0 { order } else { nil } }
    }
}
