import AccessControl
import Audit
import Sessions
import TestKit
import Testing
import Vocabulary

/// Names and passwords of a domain: read strictly, kept for one use, and no longer than the token they came with.
@Suite("Accounts of a domain")
struct DomainCredentialsTests {
    private static let given = "canary"

    private static func credentials() throws -> DomainCredentials {
        try DomainCredentials(name: "alice@corp.example", password: Self.given)
    }

    private static func admit(_ world: SessionsWorld) async throws -> (token: String, session: GUID) {
        let request = world.request(try await world.person("alice"), port: 3389)
        let verdict = try await world.sessions.admitDesktop(
            request,
            names: ["myvm"],
            signIn: .domain,
            credentials: try Self.credentials(),
            judged: world.judge(request)
        )
        guard case .allowed(let admission) = verdict else { throw Refused(code: "not admitted") }
        return (admission.token.withValue { $0 }, admission.session)
    }

    private static func take(_ world: SessionsWorld, _ session: GUID) async throws -> String {
        switch try await world.sessions.takeCredentials(of: session) {
        case .allowed(let credentials): credentials.password.withValue { $0 }
        case .refused(let refusal): refusal.code
        }
    }

    @Test(
        "both ways of writing a name with its domain are read",
        arguments: ["alice@corp.example", "CORP.EXAMPLE\\alice", "alice@Corp.Example"]
    )
    func names(name: String) throws {
        let read = try DomainCredentials(name: name, password: "x")
        #expect(read.name == "alice@CORP.EXAMPLE")
    }

    @Test(
        "a name without a full domain, or with characters that no account has, is refused",
        arguments: [
            "alice", "CORP\\alice", "alice@", "@corp.example", "alice@corp..example", "alice@.example",
            "alice@corp.ex ample",
            "a/b@corp.example", "a@b@corp.example", "a\nb@corp.example", "alice@corp.example\r\nx:s:y",
            "a\\b\\corp.example",
            "alice@cörp.example", "",
        ]
    )
    func badNames(name: String) {
        #expect(throws: Problem.self) { try DomainCredentials(name: name, password: "x") }
    }

    @Test(
        "an empty, an endless and a cut password are refused",
        arguments: ["", String(repeating: "x", count: 513), "a\0b"]
    )
    func badPasswords(password: String) {
        do throws(Problem) {
            _ = try DomainCredentials(name: "alice@corp.example", password: password)
            Issue.record("taken")
        } catch {
            #expect(error.code == "PasswordNotValid")
            #expect(password.isEmpty || !error.shown.contains(password))
        }
    }

    @Test("no description shows a password")
    func hidden() throws {
        #expect(!"\(try Self.credentials())".contains(Self.given))
        #expect(!String(reflecting: try Self.credentials()).contains(Self.given))
    }

    @Test("a token's spending leads to the password once, and to nothing the second time")
    func once() async throws {
        let world = try await SessionsWorld()
        let (token, session) = try await Self.admit(world)
        guard case .allowed(let opening) = try await world.sessions.openGateway(token: token, from: "192.0.2.7") else {
            throw Refused(code: "not opened")
        }
        #expect(opening.signIn == .domain)
        #expect(try await Self.take(world, session) == Self.given)
        #expect(try await Self.take(world, session) == "CredentialsGone")
    }

    @Test("a password goes when its token is too old, though nobody asks for it")
    func expired() async throws {
        let world = try await SessionsWorld()
        let session = try await Self.admit(world).session
        world.clock.turn(.seconds(301))
        world.sessions.forgetExpired()
        world.clock.turn(.seconds(-301))
        #expect(try await Self.take(world, session) == "SessionEnded")
    }

    @Test("the audit says as which account of the domain, and never with which password")
    func audited() async throws {
        let world = try await SessionsWorld()
        _ = try await Self.admit(world)
        let event = try #require(try await world.audit.entries(limit: 1).first).event
        let name = try Self.credentials().name
        #expect(event.action == "gateway.admit" && event.details["account"] == name)
        #expect(!"\(event)".contains(Self.given))
    }

    @Test("a password goes with its session")
    func ended() async throws {
        let world = try await SessionsWorld()
        let session = try await Self.admit(world).session
        try await world.sessions.end(session, reason: "No.")
        #expect(try await Self.take(world, session) == "SessionEnded")
    }

    @Test("a token that is shown elsewhere takes the password along")
    func elsewhere() async throws {
        let world = try await SessionsWorld()
        let (token, session) = try await Self.admit(world)
        guard case .refused = try await world.sessions.openGateway(token: token, from: "198.51.100.9") else {
            throw Refused(code: "opened")
        }
        #expect(try await Self.take(world, session) == "SessionEnded")
    }

    @Test("rights are judged again before a password is handed out, and it is gone all the same")
    func judged() async throws {
        let world = try await SessionsWorld()
        let session = try await Self.admit(world).session
        world.switchedOff.turnOff()
        #expect(try await Self.take(world, session) == "TunnelingDisabled")
        let controller = Endpoint(address: "10.0.0.9", port: 88)
        guard case .refused(let refusal) = try await world.sessions.admit(session, alsoTo: controller) else {
            throw Refused(code: "admitted")
        }
        #expect(refusal.code == "TunnelingDisabled")
    }

    @Test("a session leads to the domain's controller by the right it was admitted with")
    func controller() async throws {
        let world = try await SessionsWorld()
        let session = try await Self.admit(world).session
        let controller = Endpoint(address: "10.0.0.9", port: 88)
        guard case .allowed(let admitted) = try await world.sessions.admit(session, alsoTo: controller) else {
            throw Refused(code: "refused")
        }
        let grant = world.sessions.grant(admitted)
        #expect(grant.endpoint == controller && grant.session == session && grant.target == world.machine)
    }
}
