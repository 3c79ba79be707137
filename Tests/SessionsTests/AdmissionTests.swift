import AccessControl
import Audit
import Sessions
import TestKit
import Testing
import Vocabulary

@Suite("Admission")
struct AdmissionTests {
    @Test("somebody with the right gets three opaque strings and a session")
    func admits() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let admission = try await world.admit(alice)
        #expect(Set([admission.authToken, admission.websocketToken, admission.nodeID]).count == 3)
        #expect(admission.authToken.utf8.count == 43 && admission.websocketToken.utf8.count == 43)
        let session = try #require(world.sessions.all().first)
        #expect(session.id == admission.session && session.subject == alice && session.target == world.machine)
        #expect(session.endpoint.port == 22 && session.sockets == 0 && session.source == "192.0.2.7")
        #expect(try await world.recorded() == ["tunnel.admit success"])
    }

    @Test("the tokens say nothing about the session")
    func opaque() async throws {
        let world = try await SessionsWorld()
        let admission = try await world.admit(try await world.person("alice"))
        let id = admission.session.description
        #expect(try await world.redeem(id) == "unknown")
        #expect(try await world.redeem(admission.authToken) == "unknown")
        #expect(try await world.redeem("") == "unknown")
        #expect(try await !world.sessions.end(authToken: id))
        #expect(try await !world.sessions.end(authToken: admission.websocketToken))
    }

    @Test("somebody without the right is refused, recorded, and leaves nothing behind")
    func refuses() async throws {
        let world = try await SessionsWorld()
        let mallory = try await world.person("mallory", allowed: false)
        await #expect(throws: Refused.self) { try await world.admit(mallory) }
        #expect(world.sessions.all().isEmpty)
        #expect(try await world.recorded() == ["tunnel.admit refused"])
        let event = try #require(try await world.audit.entries(limit: 1).first).event
        #expect(event.actorName == "mallory" && !event.reason.isEmpty && event.correlation == "c-1")
    }

    @Test("the bound for one person holds, and others are not touched by it")
    func perPerson() async throws {
        let world = try await SessionsWorld { $0.perSubject = 2 }
        let (alice, bob) = (try await world.person("alice"), try await world.person("bob"))
        for _ in 0..<2 { _ = try await world.admit(alice) }
        await #expect(throws: Refused(code: "TooManySessions")) { try await world.admit(alice) }
        _ = try await world.admit(bob)
        #expect(world.sessions.all().count == 3)
        #expect(try await world.recorded(2).last == "tunnel.admit refused")
    }

    @Test("the bound for all holds, and an ended session makes room")
    func total() async throws {
        let world = try await SessionsWorld { $0.total = 2 }
        let first = try await world.admit(try await world.person("a"))
        _ = try await world.admit(try await world.person("b"))
        let carol = try await world.person("c")
        await #expect(throws: Refused(code: "TooManySessions")) { try await world.admit(carol) }
        try await world.sessions.end(first.session, reason: "x")
        _ = try await world.admit(carol)
    }

    @Test("a session that nobody opened a socket for makes room after its time")
    func idle() async throws {
        let world = try await SessionsWorld { $0.perSubject = 1 }
        let alice = try await world.person("alice")
        let first = try await world.admit(alice)
        world.clock.turn(.seconds(59))
        await #expect(throws: Refused(code: "TooManySessions")) { try await world.admit(alice) }
        world.clock.turn(.seconds(1))
        #expect(world.sessions.all().isEmpty)
        _ = try await world.admit(alice)
        #expect(try await world.redeem(first.websocketToken) == "unknown")
        #expect(world.sessions.attach(first.session) { _ in } == nil)
    }

    @Test("a session with a socket is never forgotten")
    func live() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let admission = try await world.admit(alice)
        let socket = try #require(world.sessions.attach(admission.session) { _ in })
        world.clock.turn(.seconds(86_400))
        _ = try await world.admit(try await world.person("bob"))
        #expect(world.sessions.all().contains { $0.id == admission.session })
        try await world.sessions.detach(admission.session, socket: socket, sent: 0, received: 0, reason: "x")
        world.clock.turn(.seconds(61))
        #expect(world.sessions.all().isEmpty)
    }

    @Test("the first answer's token continues the session for one more socket")
    func continues() async throws {
        let world = try await SessionsWorld { $0.perSubject = 1 }
        let alice = try await world.person("alice")
        let first = try await world.admit(alice)
        let second = try await world.admit(alice, continuing: first.authToken)
        #expect(second.session == first.session && second.authToken == first.authToken)
        #expect(second.websocketToken != first.websocketToken)
        #expect(try await world.redeem(first.websocketToken) == "open")
        #expect(try await world.redeem(second.websocketToken) == "open")
        #expect(world.sessions.all().count == 1)
    }

    @Test("somebody else's token continues nothing: its owner keeps the session, the other gets one of his own")
    func notMine() async throws {
        let world = try await SessionsWorld()
        let (alice, mallory) = (try await world.person("alice"), try await world.person("mallory"))
        let hers = try await world.admit(alice)
        let his = try await world.admit(mallory, continuing: hers.authToken)
        #expect(his.session != hers.session && his.authToken != hers.authToken)
        #expect(world.sessions.all().first { $0.id == his.session }?.subject == mallory)
        #expect(world.sessions.all().first { $0.id == hers.session }?.subject == alice)
    }

    @Test(
        "a token continues neither another machine, nor another port, nor another bastion host, nor an invented session"
    )
    func notThisWay() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let first = try await world.admit(alice)
        let others = [
            try await world.admit(alice, to: world.otherMachine, continuing: first.authToken),
            try await world.admit(alice, port: 3389, continuing: first.authToken),
            try await world.admit(alice, continuing: first.authToken, bastion: .root.appending("bastions", "two")),
            try await world.admit(alice, continuing: "invented"), try await world.admit(alice, continuing: ""),
            try await world.admit(alice, continuing: first.websocketToken),
        ]
        #expect(Set(others.map(\.session) + [first.session]).count == 7)
    }

    @Test("continuing is judged anew")
    func continuingIsJudged() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let first = try await world.admit(alice)
        try await world.revoke(alice)
        await #expect(throws: Refused.self) { try await world.admit(alice, continuing: first.authToken) }
    }

    @Test("one session has a bounded number of sockets and unused tokens")
    func perSession() async throws {
        let world = try await SessionsWorld { $0.perSession = 3 }
        let alice = try await world.person("alice")
        let first = try await world.admit(alice)
        for _ in 0..<2 { _ = try await world.admit(alice, continuing: first.authToken) }
        await #expect(throws: Refused(code: "TooManyConnections")) {
            try await world.admit(alice, continuing: first.authToken)
        }
        #expect(try await world.redeem(first.websocketToken) == "open")
        _ = try await world.admit(alice, continuing: first.authToken)
        #expect(world.sessions.attach(first.session) { _ in } != nil)
        await #expect(throws: Refused(code: "TooManyConnections")) {
            try await world.admit(alice, continuing: first.authToken)
        }
    }

    @Test("many at once never exceed the bound")
    func concurrent() async throws {
        let world = try await SessionsWorld { $0.perSubject = 5 }
        let alice = try await world.person("alice")
        let admitted = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<40 { group.addTask { (try? await world.admit(alice)) != nil } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(admitted == 5 && world.sessions.all().count == 5)
    }
}
