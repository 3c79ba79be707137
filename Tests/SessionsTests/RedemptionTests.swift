import AccessControl
import Audit
import Sessions
import TestKit
import Testing
import Vocabulary

@Suite("Redeeming a websocket token")
struct RedemptionTests {
    @Test("opens once and never again (X26)")
    func once() async throws {
        let world = try await SessionsWorld()
        let admission = try await world.admit(try await world.person("alice"))
        #expect(try await world.redeem(admission.websocketToken) == "open")
        #expect(try await world.redeem(admission.websocketToken) == "unknown")
    }

    @Test("a captured token that is replayed many times at once opens once")
    func replayedAtOnce() async throws {
        let world = try await SessionsWorld()
        let admission = try await world.admit(try await world.person("alice"))
        let opened = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 { group.addTask { (try? await world.redeem(admission.websocketToken)) == "open" } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(opened == 1)
    }

    @Test("opens within a minute and not after it", arguments: [(59, "open"), (60, "unknown"), (3600, "unknown")])
    func expires(seconds: Int, expected: String) async throws {
        let world = try await SessionsWorld { $0.idleLife = .seconds(86_400) }
        let admission = try await world.admit(try await world.person("alice"))
        world.clock.turn(.seconds(seconds))
        #expect(try await world.redeem(admission.websocketToken) == expected)
    }

    @Test("a right that was revoked after the admission opens nothing, and that is recorded")
    func revokedMeanwhile() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let admission = try await world.admit(alice)
        try await world.revoke(alice)
        #expect(try await world.redeem(admission.websocketToken) != "open")
        #expect(try await world.recorded().first == "tunnel.open refused")
        try await world.allow(alice)
        #expect(try await world.redeem(admission.websocketToken) == "unknown")
    }

    @Test("an account that was disabled after the admission opens nothing")
    func disabledMeanwhile() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let admission = try await world.admit(alice)
        world.disable(alice)
        #expect(try await world.redeem(admission.websocketToken) == "AccountDisabled")
    }

    @Test("a store that cannot say who it is opens nothing")
    func failsClosed() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let admission = try await world.admit(alice)
        world.makeUnreadable(alice)
        await #expect(throws: SessionsWorld.StoreFails.self) { try await world.redeem(admission.websocketToken) }
        #expect(try await world.redeem(admission.websocketToken) == "unknown")
    }

    @Test("the grant names the person, the machine, the place and the session")
    func grant() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let admission = try await world.admit(alice, port: 2222)
        guard case .allowed(let redeemed)? = try await world.sessions.redeem(admission.websocketToken) else {
            Issue.record("the token was not accepted")
            return
        }
        let grant = world.sessions.grant(redeemed)
        let (target, endpoint, user, session) = (grant.target, grant.endpoint, grant.user, grant.session)
        #expect(target == world.machine && endpoint.address == "10.0.0.4" && endpoint.port == 2222)
        #expect(user == alice.id && session == admission.session)
    }

    @Test("an ended session's token opens nothing")
    func endedMeanwhile() async throws {
        let world = try await SessionsWorld()
        let admission = try await world.admit(try await world.person("alice"))
        #expect(try await world.sessions.end(authToken: admission.authToken))
        #expect(try await world.redeem(admission.websocketToken) == "unknown")
        #expect(world.sessions.attach(admission.session) { _ in } == nil)
    }

    @Test("a session outlives the time that dialling takes after its last second")
    func slowDialling() async throws {
        let world = try await SessionsWorld()
        let admission = try await world.admit(try await world.person("alice"))
        world.clock.turn(.seconds(59))
        #expect(try await world.redeem(admission.websocketToken) == "open")
        world.clock.turn(.seconds(10))
        _ = try await world.admit(try await world.person("bob"))
        #expect(world.sessions.attach(admission.session) { _ in } != nil)
    }

    @Test("an admission to a refusal says it once and is no session")
    func refusalAdmission() async throws {
        let world = try await SessionsWorld()
        let admission = world.sessions.admitToRefusal(Refusal("RoleMissing", reason: "No."), port: 3389)
        #expect(world.sessions.all().isEmpty)
        #expect(world.sessions.refusedPort(admission.websocketToken) == 3389)
        #expect(try await world.redeem(admission.websocketToken) == "RoleMissing")
        #expect(try await world.redeem(admission.websocketToken) == "unknown")
        #expect(world.sessions.refusedPort(admission.websocketToken) == nil)
        #expect(try await !world.sessions.end(authToken: admission.authToken))
    }

    @Test("an admission to a refusal is forgotten after a minute, and the oldest of very many before that")
    func refusalsAreBounded() async throws {
        let world = try await SessionsWorld()
        let late = world.sessions.admitToRefusal(Refusal("A", reason: "No."))
        world.clock.turn(.seconds(60))
        #expect(try await world.redeem(late.websocketToken) == "unknown")
        let oldest = world.sessions.admitToRefusal(Refusal("B", reason: "No."))
        world.clock.turn(.milliseconds(1))
        let newer = (0..<1000).map { _ in world.sessions.admitToRefusal(Refusal("C", reason: "No.")) }
        #expect(try await world.redeem(oldest.websocketToken) == "unknown")
        #expect(try await world.redeem(newer[0].websocketToken) == "C")
        #expect(try await world.redeem(newer[999].websocketToken) == "C")
    }
}
