import AgentWire
import Crypto
import Hosts
import Identity
import SQLiteStorage
import SSHWire
import Storage
import TestKit
import Testing
import Vocabulary

@Suite("Joining, and who a host is")
struct HostRegistryTests {
    @Test("a token lets one host join, once")
    func once() async throws {
        let world = try await HostsWorld()
        let token = try await world.registry.makeJoinToken(for: world.machine, by: .system).withValue { $0 }
        let host = try await world.registry.join(HostsWorld.request(token))
        #expect(host.machine == world.machine)
        #expect(world.registry.host(for: world.machine) == host)
        await #expect(throws: Problem("InvalidJoinToken", shown: "")) {
            try await world.registry.join(HostsWorld.request(token))
        }
    }

    @Test("an expired token and a wrong one are refused alike")
    func expired() async throws {
        let world = try await HostsWorld()
        let token = try await world.registry.makeJoinToken(for: world.machine, by: .system).withValue { $0 }
        world.clock.turn(.seconds(3600))
        for text in [token, "", "x"] {
            await #expect(throws: Problem("InvalidJoinToken", shown: "")) {
                try await world.registry.join(HostsWorld.request(text))
            }
        }
    }

    @Test("a malformed request does not use the token up")
    func malformed() async throws {
        let world = try await HostsWorld()
        let token = try await world.registry.makeJoinToken(for: world.machine, by: .system).withValue { $0 }
        var request = HostsWorld.request(token)
        request.machineKey = "ssh-ed25519 AAAA"
        let wrong = request
        await #expect(throws: Problem("InvalidJoinRequest", shown: "")) { try await world.registry.join(wrong) }
        request = HostsWorld.request(token)
        request.hostKeys.append("x")
        let other = request
        await #expect(throws: Problem("InvalidJoinRequest", shown: "")) { try await world.registry.join(other) }
        _ = try await world.registry.join(HostsWorld.request(token))
    }

    @Test("there is no token for a machine that does not exist, and none that outlives its machine")
    func noMachine() async throws {
        let world = try await HostsWorld()
        let other = world.machine.appending("extensions", "x")
        await #expect(throws: Problem("ResourceNotFound", shown: "")) {
            try await world.registry.makeJoinToken(for: other, by: .system)
        }
        let token = try await world.registry.makeJoinToken(for: world.machine, by: .system).withValue { $0 }
        world.inventory[world.machine] = nil
        await #expect(throws: Problem("InvalidJoinToken", shown: "")) {
            try await world.registry.join(HostsWorld.request(token))
        }
    }

    @Test("the token is not in the store")
    func hashed() async throws {
        let world = try await HostsWorld()
        let token = try await world.registry.makeJoinToken(for: world.machine, by: .system)
        let digest = try await world.database.read { try $0.row("SELECT digest FROM host_join_token")?.text("digest") }
        #expect(digest?.utf8.count == 64)
        #expect(token.withValue { digest?.contains($0) == false })
    }

    /// The header that a host with this key sends.
    func header(
        _ id: GUID,
        _ key: SSHSigner,
        at seconds: Int64,
        nonce: String = "AAAAAAAAAAAAAAAAAAAAAA",
        path: String = "/hosts/v1/token"
    ) throws -> String {
        let message = HostAuthorization.message(method: "POST", path: path, seconds: seconds, nonce: nonce)
        return HostAuthorization(
            hostId: id,
            seconds: seconds,
            nonce: nonce,
            signature: try key.sign(message).content
        ).header
    }

    @Test("a signed request is a host's, once, and only for what was signed")
    func signed() async throws {
        let world = try await HostsWorld()
        let key = SSHSigner.ed25519(.init())
        let host = try await world.join(key: key)
        let now = world.clock.now.seconds
        let header = try self.header(host.id, key, at: now)
        let refused = Problem("AuthenticationFailed", shown: "")
        #expect(throws: refused) {
            try world.registry.authenticate(header: header, method: "POST", path: "/hosts/v1/control")
        }
        #expect(throws: refused) {
            try world.registry.authenticate(header: header, method: "GET", path: "/hosts/v1/token")
        }
        #expect(try world.registry.authenticate(header: header, method: "POST", path: "/hosts/v1/token").id == host.id)
        #expect(throws: refused) {
            try world.registry.authenticate(header: header, method: "POST", path: "/hosts/v1/token")
        }
    }

    @Test("clocks may differ by a minute", arguments: [(-61, false), (-60, true), (60, true), (61, false)])
    func clockWindow(offset: Int64, isAccepted: Bool) async throws {
        let world = try await HostsWorld()
        let key = SSHSigner.ed25519(.init())
        let host = try await world.join(key: key)
        let header = try self.header(host.id, key, at: world.clock.now.seconds + offset)
        let answer = try? world.registry.authenticate(header: header, method: "POST", path: "/hosts/v1/token")
        #expect((answer != nil) == isAccepted)
    }

    @Test("a host that proves itself with another time is told how far its clock is off, whatever number it says")
    func clockIsNamed() async throws {
        let world = try await HostsWorld()
        let key = SSHSigner.ed25519(.init())
        let host = try await world.join(key: key)
        let now = world.clock.now.seconds
        for (seconds, said) in [(now - 600, "600 seconds behind"), (now + 600, "600 seconds ahead"), (.max, "ahead")] {
            let header = try self.header(host.id, key, at: seconds)
            do {
                _ = try world.registry.authenticate(header: header, method: "POST", path: "/hosts/v1/token")
                Issue.record("accepted")
            } catch {
                #expect(error.code == "HostClock" && error.shown.contains(said))
            }
        }
    }

    @Test("a nonce is not accepted again while its signature would be")
    func replayLater() async throws {
        let world = try await HostsWorld()
        let key = SSHSigner.ed25519(.init())
        let host = try await world.join(key: key)
        let header = try self.header(host.id, key, at: world.clock.now.seconds + 60)
        _ = try world.registry.authenticate(header: header, method: "POST", path: "/hosts/v1/token")
        for _ in 0..<12 {
            world.clock.turn(.seconds(10))
            #expect(throws: Problem("AuthenticationFailed", shown: "")) {
                try world.registry.authenticate(header: header, method: "POST", path: "/hosts/v1/token")
            }
        }
    }

    @Test("another's key, no header and a broken one are refused alike")
    func refusedAlike() async throws {
        let world = try await HostsWorld()
        let host = try await world.join()
        let other = SSHSigner.ed25519(.init())
        let now = world.clock.now.seconds
        let foreign = try self.header(host.id, other, at: now)
        let unknown = try self.header(GUID(from: .system), other, at: now)
        for header in [nil, "", "Bearer x", "Sallyport-Host a.b.c.d", foreign, unknown] {
            do {
                _ = try world.registry.authenticate(header: header, method: "POST", path: "/hosts/v1/token")
                Issue.record("accepted")
            } catch {
                #expect(error.shown == "The host could not be authenticated.")
            }
        }
    }

    @Test("a host that joins again gets a new identity, and the old key is worth nothing")
    func again() async throws {
        let world = try await HostsWorld()
        let key = SSHSigner.ed25519(.init())
        let first = try await world.join(key: key)
        let second = try await world.join()
        #expect(first.id != second.id)
        let header = try self.header(first.id, key, at: world.clock.now.seconds)
        #expect(throws: Problem("AuthenticationFailed", shown: "")) {
            try world.registry.authenticate(header: header, method: "POST", path: "/hosts/v1/token")
        }
    }

    @Test("hosts survive a restart")
    func restart() async throws {
        let world = try await HostsWorld()
        let host = try await world.join()
        try await world.registry.load()
        #expect(world.registry.host(host.id) == host)
        #expect(world.registry.isSignInWanted(on: world.machine))
    }

    @Test("a certificate is good for what the machine is declared to be, never for what the host calls itself")
    func principals() async throws {
        let world = try await HostsWorld()
        let machine = try #require(world.inventory[world.machine])
        #expect(
            machine.principals == [
                "myvm", "myvm-host", "10.77.0.11", "myvm.demo.5a11b0a7-0000-4000-8000-000000000002",
            ]
        )
    }
}
