import AccessControl
import AgentWire
import Audit
import Crypto
import Hosts
import Identity
import Keys
import SSHAuthority
import SSHWire
import TestKit
import Testing
import Vocabulary

@Suite("Connected hosts")
struct LiveHostTests {
    @Test("a host is told its authorities, its certificates and who may log in", .timeLimit(.minutes(1)))
    func told() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        let configuration = try await agent.nextConfiguration()
        #expect(configuration.caKeys == world.authority.trustedUserAuthorities().map { $0.line() })
        #expect(configuration.loginEnabled)
        let certificate = try SSHCertificate(line: try #require(configuration.hostCertificates.first))
        #expect(!certificate.contents.principals.contains("somewhere-else"))
        #expect(certificate.contents.principals.first == "myvm")
        let accounts = try await agent.nextAccounts()
        #expect(Set(accounts.map(\.objectId)) == [world.alice.id, world.bob.id, world.robot.id])
        #expect(accounts.filter(\.administrator).map(\.name) == ["alice@contoso.example"])
        #expect(accounts.contains { $0.name == world.robot.appID.description })
    }

    @Test("members of groups are listed, however deep, service principals too", .timeLimit(.minutes(1)))
    func groups() async throws {
        let world = try await HostsWorld()
        let outer = try await world.directory.put(group: GroupDraft(displayName: "outer")).value
        let inner = try await world.directory.put(group: GroupDraft(displayName: "inner")).value
        let late = try await world.directory.put(servicePrincipal: ServicePrincipalDraft(displayName: "late")).value
        _ = try await world.directory.setMembers(of: outer.id, to: [inner.id])
        _ = try await world.directory.setMembers(of: inner.id, to: [world.dave.id, late.id])
        try await world.assign("Virtual Machine User Login", to: outer.id, .group)
        let agent = try await FakeAgent(world, try await world.join())
        let listed = Set(try await agent.nextAccounts().map(\.objectId))
        #expect(listed.isSuperset(of: [world.dave.id, late.id]))
    }

    @Test("a certificate is kept over reconnections and renewed before its end", .timeLimit(.minutes(1)))
    func renewal() async throws {
        let world = try await HostsWorld()
        let host = try await world.join()
        let first = try await FakeAgent(world, host).nextConfiguration().hostCertificates
        let second = try await FakeAgent(world, host).nextConfiguration().hostCertificates
        #expect(first == second)
        world.clock.turn(.seconds(4 * 86_400 + 1))
        let agent = try await FakeAgent(world, host)
        let third = try await agent.nextConfiguration().hostCertificates
        #expect(third != first)
        world.clock.turn(.seconds(5 * 86_400))
        try await agent.say(agent.status(.enabled))
        #expect(try await agent.nextConfiguration().hostCertificates != third)
    }

    @Test("a new connection of the same machine ends the earlier one", .timeLimit(.minutes(1)))
    func replaced() async throws {
        let world = try await HostsWorld()
        let first = try await FakeAgent(world, try await world.join())
        let second = try await FakeAgent(world, try await world.join())
        #expect(first.ends.count == 1 && second.ends.isEmpty)
        first.connection.closed()
        #expect(world.hosts.isConnected(world.machine))
        second.connection.closed()
        #expect(!world.hosts.isConnected(world.machine))
    }

    @Test("a host that does not read is dropped", .timeLimit(.minutes(1)))
    func stalled() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        agent.stall()
        try await agent.say(.lookup(name: "bob@contoso.example"), id: 1)
        #expect(agent.ends == ["The host does not read fast enough."])
        #expect(!world.hosts.isConnected(world.machine))
    }

    @Test("a frame that is none of the protocol ends the connection", .timeLimit(.minutes(1)))
    func nonsense() async throws {
        let world = try await HostsWorld()
        for text in ["", "[]", "{\"kind\":\"root\"}", "{\"kind\":\"decide\"}", "{"] {
            let agent = try await FakeAgent(world, try await world.join())
            await agent.connection.receive(Array(text.utf8))
            #expect(agent.ends.count == 1, "\(text)")
        }
    }

    @Test("taking the role away ends the session with a message, and the list follows", .timeLimit(.minutes(1)))
    func roleRemoved() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        let report = world.report(of: world.bob.id)
        try await agent.say(.sessionOpened(report))
        #expect(world.hosts.sessions().map(\.id) == [report.session])
        _ = try await agent.nextAccounts()
        try await world.reviewing {
            try await world.unassign(world.bob.id)
            let order = try await agent.nextEnd()
            #expect(order.session == report.session)
            #expect(order.message.hasPrefix("Your access to myVM was removed: Azure role not assigned: bob@"))
            #expect(try await !agent.nextAccounts().contains { $0.objectId == world.bob.id })
        }
        try await agent.say(.sessionClosed(session: report.session, reason: "ended"))
        #expect(world.hosts.sessions().isEmpty)
        #expect(try await world.audit.entries(limit: 10).contains { $0.event.action == "host.cutSession" })
    }

    @Test("taking the administrator role away ends the sessions that had it, and no other", .timeLimit(.minutes(1)))
    func demoted() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        let plain = world.report(of: world.bob.id)
        try await agent.say(.sessionOpened(plain))
        let extra = try await world.assign("Virtual Machine Administrator Login", to: world.dave.id)
        _ = try await world.assign("Virtual Machine User Login", to: world.dave.id)
        let report = world.report(of: world.dave.id, administrator: true)
        try await agent.say(.sessionOpened(report))
        try await world.reviewing {
            try await world.access.remove(extra.name, at: extra.scope, by: nil)
            let order = try await agent.nextEnd()
            #expect(order.session == report.session)
            #expect(order.message == "Your administrator role on myVM was taken away: sign in again.")
        }
    }

    @Test("a session in which somebody became an administrator ends with that role", .timeLimit(.minutes(1)))
    func promotedThenDemoted() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        let extra = try await world.assign("Virtual Machine Administrator Login", to: world.bob.id)
        let report = world.report(of: world.bob.id, administrator: false)
        try await agent.say(.sessionOpened(report))
        // A status that still says otherwise does not make it forgotten.
        try await agent.say(agent.status(.enabled, sessions: [report]))
        try await world.reviewing {
            try await world.access.remove(extra.name, at: extra.scope, by: nil)
            #expect(try await agent.nextEnd().session == report.session)
        }
    }

    @Test("disabling the account ends its sessions and nobody else's", .timeLimit(.minutes(1)))
    func accountDisabled() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        try await agent.say(.sessionOpened(world.report(of: world.alice.id)))
        let report = world.report(of: world.bob.id)
        try await agent.say(.sessionOpened(report))
        try await world.reviewing {
            _ = try await world.directory.setEnabled(world.bob.id, false)
            #expect(try await agent.nextEnd().session == report.session)
            _ = try await world.directory.setEnabled(world.alice.id, false)
            #expect(try await agent.nextEnd().session != report.session)
        }
    }

    @Test("leaving the group that gives the role ends the session", .timeLimit(.minutes(1)))
    func groupLeft() async throws {
        let world = try await HostsWorld()
        let group = try await world.directory.put(group: GroupDraft(displayName: "operators")).value
        _ = try await world.directory.setMembers(of: group.id, to: [world.dave.id])
        try await world.assign("Virtual Machine User Login", to: group.id, .group)
        let agent = try await FakeAgent(world, try await world.join())
        let report = world.report(of: world.dave.id)
        try await agent.say(.sessionOpened(report))
        try await world.reviewing {
            _ = try await world.directory.setMembers(of: group.id, to: [])
            #expect(try await agent.nextEnd().session == report.session)
        }
    }

    @Test("a revoked certificate ends its session, and the host gets the new list", .timeLimit(.minutes(1)))
    func revoked() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        let order = UserCertificateOrder(
            subject: try #require(try await world.directory.subject(world.bob.id)),
            publicKey: SSHSigner.ed25519(.init()).publicKey
        )
        guard case .allowed(let issued) = try await world.authority.issueUserCertificate(order) else {
            Issue.record("refused")
            return
        }
        let report = world.report(of: world.bob.id, serial: issued.serial)
        try await agent.say(.sessionOpened(report))
        try await world.reviewing {
            try await world.authority.revoke(serial: issued.serial, by: .system)
            let end = try await agent.nextEnd()
            #expect(end.session == report.session && end.message.contains("revoked"))
            let text = try await agent.nextConfiguration().revocationList
            let list = try KeyRevocationList(bytes: try #require(Self.bytes(ofBase64: text)))
            #expect(list.isRevoked(issued.certificate))
        }
    }

    static func bytes(ofBase64 text: String) -> [UInt8]? {
        Base64URL.decode(text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : String($0) }.joined())
    }

    @Test("what changed before the session was reported is not missed", .timeLimit(.minutes(1)))
    func lateReport() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        try await world.unassign(world.bob.id)
        try await agent.say(.sessionOpened(world.report(of: world.bob.id)))
        #expect(try await agent.nextEnd().message.contains("Azure role not assigned"))
        // After a reconnection too, where sessions come with the status.
        let again = try await FakeAgent(world, try await world.join())
        try await again.say(again.status(.enabled, sessions: [world.report(of: world.bob.id)]))
        #expect(try await again.nextEnd().message.contains("Azure role not assigned"))
    }

    @Test("a new authority key is told to hosts", .timeLimit(.minutes(1)))
    func rotation() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        let before = try await agent.nextConfiguration().caKeys
        try await world.reviewing {
            try await world.keys.rotate(.user)
            let after = try await agent.nextConfiguration().caKeys
            #expect(after != before && !Set(after).isDisjoint(with: before))
        }
    }

    @Test("a removed machine's host is forgotten and its certificate revoked", .timeLimit(.minutes(1)))
    func machineRemoved() async throws {
        let world = try await HostsWorld()
        let host = try await world.join()
        let agent = try await FakeAgent(world, host)
        let line = try #require(try await agent.nextConfiguration().hostCertificates.first)
        try await world.reviewing {
            world.inventory[world.machine] = nil
            world.hosts.machineChanged(world.machine)
            await #expect(throws: Problem("ConnectionEnded", shown: "")) { _ = try await agent.nextEnd() }
        }
        try await world.hosts.remove(world.machine)
        #expect(world.registry.host(host.id) == nil)
        #expect(world.authority.isRevoked(try SSHCertificate(line: line).contents.serial))
    }

    @Test("an administrator ends a session with a message", .timeLimit(.minutes(1)))
    func ended() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        let report = world.report(of: world.bob.id)
        try await agent.say(.sessionOpened(report))
        #expect(try await world.hosts.endSession(report.session, message: "Maintenance.", by: .system))
        #expect(try await agent.nextEnd().message == "Maintenance.")
        #expect(try await !world.hosts.endSession(GUID(from: .system), message: "", by: .system))
    }
}
