import AgentWire
import Crypto
import Identity
import SSHWire
import TestKit
import Testing
import Vocabulary

@testable import Hosts

@Suite("Windows hosts")
struct WindowsHostTests {
    static func status(
        _ state: HostStatus.LoginState,
        _ name: String = "Microsoft Windows Server 2022 Datacenter",
        _ version: String = "10.0.20348.1129",
        code: Int = 0,
        hostname: String = "win1"
    ) -> HostStatus {
        HostStatus(
            loginState: state,
            exitCode: code,
            message: "",
            agentVersion: "1.0",
            osName: name,
            osVersion: version,
            hostname: hostname,
            addresses: [],
            hostKeys: []
        )
    }

    static func release(_ name: String, _ version: String) -> WindowsRelease? {
        WindowsRelease(HostReport(Self.status(.enabled, name, version)))
    }

    @Test(
        "run the extension from Windows Server 2019 and Windows 10 1809 on",
        arguments: [
            ("Microsoft Windows Server 2016 Datacenter", "10.0.14393.1", false),
            ("Microsoft Windows Server 2019 Datacenter", "10.0.17763.1", true),
            ("Microsoft Windows 10 Pro", "10.0.17134.1", false), ("Microsoft Windows 10 Pro", "10.0.17763", true),
            ("Microsoft Windows 11 Enterprise", "10.0.22000.194", true), ("Microsoft Windows 8.1", "6.3.9600", false),
            ("Windows", "", false), ("Windows", "10.0", false), ("Windows", "10.0.x.1", false),
        ]
    )
    func floors(name: String, version: String, runs: Bool) throws {
        #expect(try #require(Self.release(name, version)).runsExtension == runs)
    }

    @Test(
        "take web accounts by themselves with the updates of October 2022",
        arguments: [
            ("Microsoft Windows 10 Pro", "10.0.19041.9999", false),
            ("Microsoft Windows 10 Pro", "10.0.19042.2129", false),
            ("Microsoft Windows 10 Pro", "10.0.19044.2130", true), ("Microsoft Windows 10 Pro", "10.0.19045.1", true),
            ("Microsoft Windows 11 Pro", "10.0.22000.1097", false),
            ("Microsoft Windows 11 Pro", "10.0.22000.1098", true),
            ("Microsoft Windows 11 Pro", "10.0.22631.1", true),
            ("Microsoft Windows Server 2019 Datacenter", "10.0.17763.9999", false),
            ("Microsoft Windows Server 2022 Datacenter", "10.0.20348.1128", false),
            ("Microsoft Windows Server 2022 Datacenter", "10.0.20348.1129", true),
            ("Microsoft Windows Server 2025 Datacenter", "10.0.26100.1", true),
        ]
    )
    func webAccounts(name: String, version: String, takes: Bool) throws {
        #expect(try #require(Self.release(name, version)).takesWebAccounts == takes)
    }

    @Test("are told from others by their name")
    func others() {
        #expect(Self.release("Debian", "12") == nil)
    }

    @Test("join and sign with the kind of key that Windows keeps")
    func key() async throws {
        let world = try await HostsWorld()
        let key = P256.Signing.PrivateKey()
        let line = SSHPublicKey.ecdsa(.p256, point: Array(key.publicKey.x963Representation)).line()
        let token = try await world.registry.makeJoinToken(for: world.machine, by: .system)
        var request = HostsWorld.request(token.withValue { $0 })
        request.machineKey = line
        request.osName = "Microsoft Windows Server 2022 Datacenter"
        let host = try await world.registry.join(request)
        let seconds = world.clock.now.seconds
        func header(_ nonce: String, path: String = "/hosts/v1/control") throws -> String {
            let message = HostAuthorization.message(method: "GET", path: path, seconds: seconds, nonce: nonce)
            let signature = try key.signature(for: message)
            return HostAuthorization(
                hostId: host.id,
                seconds: seconds,
                nonce: nonce,
                signature: Array(signature.rawRepresentation)
            ).header
        }
        let good = try header("AAAAAAAAAAAAAAAAAAAAAA")
        let answer = try world.registry.authenticate(header: good, method: "GET", path: "/hosts/v1/control")
        #expect(answer.id == host.id)
        let wrong = try header("BAAAAAAAAAAAAAAAAAAAAA", path: "/hosts/v1/token")
        #expect(throws: Problem("AuthenticationFailed", shown: "")) {
            try world.registry.authenticate(header: wrong, method: "GET", path: "/hosts/v1/control")
        }
        let rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQC7"
        request.machineKey = rsa
        let other = request
        await #expect(throws: Problem("InvalidJoinRequest", shown: "")) { try await world.registry.join(other) }
    }

    private func refusal(_ verdict: Verdict<Void>) -> Refusal? {
        if case .refused(let refusal) = verdict { return refusal }
        return nil
    }

    @Test(
        "show the extension's own codes",
        .timeLimit(.minutes(1)),
        arguments: [
            (51, "exit code: 51"), (1007, "-2145648574 (DSREG_E_MSI_TENANTID_UNAVAILABLE)"),
            (-2_145_648_574, "Terminal error code: 1007"), (-2_145_648_607, "DSREG_AUTOJOIN_DISC_FAILED"),
            (53, "exit code 53"),
        ]
    )
    func codes(code: Int, words: String) async throws {
        let world = try await HostsWorld()
        try await world.registry.setSignIn(on: world.machine, false)
        let agent = try await FakeAgent(world, try await world.join())
        _ = try await agent.nextConfiguration()
        try await agent.say(.status(Self.status(.disabled)))
        async let verdict = world.hosts.enableSignIn(world.machine)
        // Another one may come before, because the host's keys have changed.
        while try await !agent.nextConfiguration().loginEnabled {}
        try await agent.say(.status(Self.status(.failed, code: code)))
        #expect(await self.refusal(verdict)?.reason.contains(words) == true)
    }

    @Test("are refused at once when they are too old, with exit code 51", .timeLimit(.minutes(1)))
    func tooOld() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        _ = try await agent.nextConfiguration()
        try await agent.say(.status(Self.status(.disabled, "Microsoft Windows Server 2016 Standard", "10.0.14393.5")))
        #expect(self.refusal(await world.hosts.enableSignIn(world.machine))?.code == "ExitCode51")
    }

    @Test("are refused when another one bears their name", .timeLimit(.minutes(1)))
    func duplicate() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        _ = try await agent.nextConfiguration()
        try await agent.say(.status(Self.status(.disabled, hostname: "WIN1")))
        let other = try #require(world.machine.parent ?? world.machine).appending("virtualMachines", "twin")
        world.inventory[other] = Machine(path: other, identity: GUID(from: .system))
        var request = HostsWorld.request(
            try await world.registry.makeJoinToken(for: other, by: .system).withValue { $0 }
        )
        request.hostname = "win1"
        request.osName = "Microsoft Windows 11 Pro"
        request.osVersion = "10.0.22631.1"
        _ = try await world.registry.join(request)
        try await world.registry.setSignIn(on: other, true)
        #expect(self.refusal(await world.hosts.enableSignIn(world.machine))?.code == "HostNameDuplicate")
        try await world.registry.setSignIn(on: other, false)
        async let verdict = world.hosts.enableSignIn(world.machine)
        try await agent.say(.status(Self.status(.enabled, hostname: "WIN1")))
        #expect(await self.refusal(verdict) == nil)
    }

    @Test("say in their instance view how web accounts reach them")
    func view() async throws {
        let world = try await HostsWorld()
        let agent = try await FakeAgent(world, try await world.join())
        _ = try await agent.nextConfiguration()
        try await agent.say(.status(Self.status(.enabled)))
        let statuses = world.hosts.instanceView(world.machine)?["statuses"]?.array ?? []
        #expect(statuses.contains { $0["code"] == "SignIn/webAccount/supported" })
    }
}
