import AccessControl
import Audit
import Sessions
import TestKit
import Testing
import Vocabulary

@Suite("Ending sessions")
struct EndingTests {
    @Test("the holder of the token ends the session and all its sockets, once")
    func byToken() async throws {
        let world = try await SessionsWorld()
        let admission = try await world.admit(try await world.person("alice"))
        let ends = Ends()
        #expect(world.sessions.attach(admission.session, end: ends.end("one")) == 0)
        #expect(world.sessions.attach(admission.session, end: ends.end("two")) == 1)
        #expect(try await world.sessions.end(authToken: admission.authToken))
        #expect(ends.all.count == 2)
        #expect(try await !world.sessions.end(authToken: admission.authToken))
        #expect(ends.all.count == 2 && world.sessions.all().isEmpty)
        #expect(try await world.recorded().first == "session.end success")
    }

    @Test("a guessed or leaked session id opens and continues nothing (X36, X37)")
    func idIsNoToken() async throws {
        let world = try await SessionsWorld()
        let admission = try await world.admit(try await world.person("alice"))
        let id = admission.session.description
        let mallory = try await world.person("mallory")
        #expect(try await world.admit(mallory, continuing: id).session != admission.session)
        #expect(try await world.redeem(id) == "unknown")
        #expect(try await !world.sessions.end(authToken: id))
        #expect(world.sessions.all().count == 2)
    }

    @Test("a detached socket adds what it carried, is recorded once, and is not ended later")
    func detaches() async throws {
        let world = try await SessionsWorld()
        let admission = try await world.admit(try await world.person("alice"))
        let ends = Ends()
        let socket = try #require(world.sessions.attach(admission.session, end: ends.end("one")))
        for _ in 0..<3 {
            try await world.sessions.detach(admission.session, socket: socket, sent: 5, received: 7, reason: "closed")
        }
        try await world.sessions.detach(admission.session, socket: 99, sent: 5, received: 7, reason: "closed")
        let session = try #require(world.sessions.all().first)
        #expect(session.sockets == 0 && session.bytesSent == 5 && session.bytesReceived == 7)
        #expect(try await world.recorded() == ["tunnel.close success", "tunnel.admit success"])
        let details = try #require(try await world.audit.entries(limit: 1).first).event.details
        #expect(details["sent"] == "5" && details["received"] == "7")
        #expect(details["session"] == admission.session.description)
        try await world.sessions.end(admission.session, reason: "x")
        #expect(ends.all.isEmpty)
    }

    @Test("what the sockets of an ended session carried is still recorded")
    func detachAfterEnd() async throws {
        let world = try await SessionsWorld()
        let admission = try await world.admit(try await world.person("alice"))
        let socket = try #require(world.sessions.attach(admission.session) { _ in })
        try await world.sessions.end(admission.session, reason: "ended")
        for _ in 0..<2 {
            try await world.sessions.detach(admission.session, socket: socket, sent: 1, received: 2, reason: "cut")
        }
        #expect(try await world.recorded().prefix(2) == ["tunnel.close success", "session.end success"])
        #expect(world.sessions.all().isEmpty)
        #expect(world.sessions.attach(admission.session) { _ in } == nil)
    }

    @Test("a socket number is not used again while the session lives")
    func numbers() async throws {
        let world = try await SessionsWorld()
        let admission = try await world.admit(try await world.person("alice"))
        let first = try #require(world.sessions.attach(admission.session) { _ in })
        try await world.sessions.detach(admission.session, socket: first, sent: 0, received: 0, reason: "")
        #expect(world.sessions.attach(admission.session) { _ in } != first)
    }

    @Test("ending what does not exist says so and records nothing")
    func nothing() async throws {
        let world = try await SessionsWorld()
        #expect(try await !world.sessions.end(GUID.zero, reason: "x"))
        try await world.sessions.detach(.zero, socket: 0, sent: 1, received: 1, reason: "x")
        #expect(world.sessions.attach(.zero) { _ in } == nil)
        #expect(try await world.recorded().isEmpty)
    }

    @Test("a graceful stop ends everything")
    func all() async throws {
        let world = try await SessionsWorld()
        let ends = Ends()
        for name in ["alice", "bob"] {
            let admission = try await world.admit(try await world.person(name))
            _ = world.sessions.attach(admission.session, end: ends.end(name))
        }
        try await world.sessions.endAll(reason: "The server stops.")
        #expect(Set(ends.all) == ["alice: The server stops.", "bob: The server stops."])
        #expect(world.sessions.all().isEmpty)
    }

    @Test("the newest session is listed first")
    func order() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let first = try await world.admit(alice)
        world.clock.turn(.seconds(1))
        let second = try await world.admit(alice)
        #expect(world.sessions.all().map(\.id) == [second.session, first.session])
    }
}

@Suite("Review after a change of rights")
struct ReviewTests {
    @Test("ends only the sessions that are refused now, with the reason")
    func revoked() async throws {
        let world = try await SessionsWorld()
        let (alice, bob) = (try await world.person("alice"), try await world.person("bob"))
        let ends = Ends()
        for (name, subject) in [("alice", alice), ("bob", bob)] {
            let admission = try await world.admit(subject)
            _ = world.sessions.attach(admission.session, end: ends.end(name))
        }
        try await world.sessions.review()
        #expect(ends.all.isEmpty)
        try await world.revoke(alice)
        try await world.sessions.review()
        #expect(ends.all.count == 1 && ends.all[0].hasPrefix("alice: ") && ends.all[0].count > 10)
        #expect(world.sessions.all().map(\.subject) == [bob])
    }

    @Test("leaves open what is open when a switch of the bastion host goes off, and lets nothing new through")
    func switches() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let ends = Ends()
        let admission = try await world.admit(alice)
        let waiting = try await world.admit(alice)
        _ = world.sessions.attach(admission.session, end: ends.end("alice"))
        world.switchedOff.turnOff()
        try await world.sessions.review()
        #expect(ends.all.isEmpty)
        #expect(world.sessions.all().map(\.id) == [admission.session])
        #expect(try await world.redeem(waiting.websocketToken) != "open")
        try await world.revoke(alice)
        try await world.sessions.review()
        #expect(ends.all.count == 1)
    }

    @Test("ends a desktop with the right to sign in to its machine, and by no other machine's rules")
    func signedIn() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let ends = Ends()
        for (name, machine) in [("tunnel", nil), ("desktop", world.otherMachine)] {
            let admission = try await world.admit(alice)
            _ = world.sessions.attach(admission.session, end: ends.end(name))
            if let machine { world.sessions.noteSignIn(admission.session, to: machine) }
        }
        // What was asked for is not where somebody is signed in: it may be an address.
        world.closed.close(world.machine)
        try await world.sessions.review()
        world.sessions.endSignedIn(alice.id, on: world.machine, reason: "gone")
        #expect(ends.all.isEmpty)
        world.closed.close(world.otherMachine)
        try await world.sessions.review()
        #expect(ends.all == ["desktop: No login role."])
    }

    @Test("ends at once what somebody is signed in to a machine by")
    func cut() async throws {
        let world = try await SessionsWorld()
        let (alice, bob) = (try await world.person("alice"), try await world.person("bob"))
        let ends = Ends()
        for (name, subject) in [("alice", alice), ("bob", bob)] {
            let admission = try await world.admit(subject)
            _ = world.sessions.attach(admission.session, end: ends.end(name))
            world.sessions.noteSignIn(admission.session, to: world.machine)
        }
        world.sessions.endSignedIn(alice.id, on: world.machine, reason: "removed")
        #expect(ends.all == ["alice: removed"])
        #expect(world.sessions.all().map(\.subject) == [bob])
    }

    @Test("ends the sessions of a disabled account")
    func disabled() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let ends = Ends()
        let admission = try await world.admit(alice)
        _ = world.sessions.attach(admission.session, end: ends.end("alice"))
        world.disable(alice)
        try await world.sessions.review()
        #expect(ends.all == ["alice: The account alice is disabled or gone."])
    }

    @Test("ends a session whose socket is still being dialled")
    func dialling() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let admission = try await world.admit(alice)
        #expect(try await world.redeem(admission.websocketToken) == "open")
        try await world.revoke(alice)
        try await world.sessions.review()
        #expect(world.sessions.attach(admission.session) { _ in } == nil)
    }

    @Test("one session that cannot be judged protects no other, and the failure is told")
    func partialFailure() async throws {
        let world = try await SessionsWorld()
        let (alice, bob) = (try await world.person("alice"), try await world.person("bob"))
        for subject in [alice, bob] { _ = try await world.admit(subject) }
        world.makeUnreadable(alice)
        world.disable(bob)
        await #expect(throws: SessionsWorld.StoreFails.self) { try await world.sessions.review() }
        #expect(world.sessions.all().map(\.subject) == [alice])
    }

    @Test("a review that is cancelled while it waits still ends what is refused")
    func cancelled() async throws {
        let world = try await SessionsWorld { $0.grace = .seconds(3600) }
        let alice = try await world.person("alice")
        let ends = Ends()
        let admission = try await world.admit(alice)
        _ = world.sessions.attach(admission.session, end: ends.end("alice"))
        world.disable(alice)
        let task = Task { try await world.sessions.review() }
        task.cancel()
        _ = await task.result
        #expect(ends.all.count == 1 && world.sessions.all().isEmpty)
    }
}
