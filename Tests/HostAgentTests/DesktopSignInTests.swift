import AgentWire
import Synchronization
import Testing
import Vocabulary

@testable import HostAgent

/// The three steps of a desktop's sign-in, as xrdp's session manager takes them: password and account from one process for everybody, the session from
/// a child of its own.
@Suite("Signing in to a desktop")
struct DesktopSignInTests {
    /// xrdp's session manager, and the child it makes for a session.
    private static let manager: Int32 = 300
    private static let child: Int32 = 301

    private let host = DoorkeeperTests()
    private let secrets = DesktopSecrets()
    private let alice = AccountBookTests.id(1)

    private func doorkeeper() throws -> Doorkeeper {
        let doorkeeper = try self.host.doorkeeper(secrets: self.secrets)
        try self.host.connection(Self.manager, start: 10)
        try self.host.connection(Self.child, start: 9500)
        return doorkeeper
    }

    private func attempt(
        _ user: String,
        _ password: Secret<[UInt8]>,
        service: String = "xrdp-sesman"
    ) -> SignInAttempt {
        SignInAttempt(user: user, service: service, source: "", terminal: "", password: password)
    }

    private func step(_ user: String, visit: String, service: String = "xrdp-sesman") -> EntryAttempt {
        EntryAttempt(user: user, service: service, source: "", terminal: ":10", authentication: visit)
    }

    private func visit(_ doorkeeper: Doorkeeper, _ user: String = "alice@x.y") async throws -> String {
        let password = try #require(self.secrets.issue(to: self.alice, for: GUID(high: 5, low: 5)))
        guard case .admitted(let visit) = await doorkeeper.signIn(self.attempt(user, password)) else {
            throw Problem("NotAdmitted", shown: "not admitted")
        }
        return visit
    }

    @Test("the one-time password leads to a session that the server is told of")
    func entry() async throws {
        let doorkeeper = try self.doorkeeper()
        let visit = try await self.visit(doorkeeper, "ALICE@x.y")
        #expect(await doorkeeper.mayEnter(self.step("alice@x.y", visit: visit), connection: Self.manager) == .allowed)
        let opened = await doorkeeper.sessionOpened(self.step("alice@x.y", visit: visit), connection: Self.child)
        guard case .opened = opened, case .sessionOpened(let report)? = self.host.told.messages.withLock({ $0.last })
        else {
            Issue.record("no session: \(opened)")
            return
        }
        #expect(report.keyId == "desktop \(GUID(high: 5, low: 5))" && report.tty == ":10")
        #expect(await doorkeeper.connected.first?.pid == Self.child)
        #expect(await doorkeeper.connected.first?.startTime == 9500)
    }

    @Test("a password opens one sign-in")
    func once() async throws {
        let doorkeeper = try self.doorkeeper()
        let password = try #require(self.secrets.issue(to: self.alice, for: .zero))
        guard case .admitted = await doorkeeper.signIn(self.attempt("alice@x.y", password)) else {
            Issue.record("not admitted")
            return
        }
        #expect(await doorkeeper.signIn(self.attempt("alice@x.y", password)) == .refused(""))
    }

    @Test("somebody else's password is none")
    func wrongPerson() async throws {
        let doorkeeper = try self.doorkeeper()
        let password = try #require(self.secrets.issue(to: self.alice, for: .zero))
        #expect(await doorkeeper.signIn(self.attempt("bob@x.y", password)) == .refused(""))
    }

    @Test("whoever is not ours is left to others", arguments: ["local@x.y", "nobody@x.y"])
    func notOurs(_ name: String) async throws {
        let reply = await (try self.doorkeeper()).signIn(self.attempt(name, Secret(Array("p".utf8))))
        #expect(reply == .notFound)
    }

    @Test("another service cannot spend a desktop's password")
    func otherService() async throws {
        let doorkeeper = try self.doorkeeper()
        let password = try #require(self.secrets.issue(to: self.alice, for: .zero))
        #expect(await doorkeeper.signIn(self.attempt("alice@x.y", password, service: "sshd")) == .notFound)
        #expect(self.secrets.spend(password, of: self.alice) == .zero)
    }

    @Test("without a visit nobody enters, nor with a made-up one", arguments: ["", "\(GUID.zero)", "x"])
    func noVisit(_ visit: String) async throws {
        let doorkeeper = try self.doorkeeper()
        let reply = await doorkeeper.mayEnter(self.step("alice@x.y", visit: visit), connection: Self.manager)
        #expect(DoorkeeperTests.isRefused(reply, saying: "certificate"))
    }

    @Test("a visit is the person's own")
    func anothersVisit() async throws {
        let doorkeeper = try self.doorkeeper()
        let visit = try await self.visit(doorkeeper)
        let reply = await doorkeeper.mayEnter(self.step("bob@x.y", visit: visit), connection: Self.manager)
        #expect(DoorkeeperTests.isRefused(reply, saying: "certificate"))
    }

    @Test("a visit opens no session of sshd")
    func otherDoor() async throws {
        let doorkeeper = try self.doorkeeper()
        let visit = try await self.visit(doorkeeper)
        let step = self.step("alice@x.y", visit: visit, service: "sshd")
        _ = await doorkeeper.mayEnter(step, connection: DoorkeeperTests.pid)
        let reply = await doorkeeper.sessionOpened(step, connection: DoorkeeperTests.pid)
        #expect(DoorkeeperTests.isRefused(reply, saying: "certificate"))
    }

    @Test("a visit that was not allowed opens no session, and an allowed one opens one")
    func order() async throws {
        let doorkeeper = try self.doorkeeper()
        let visit = try await self.visit(doorkeeper)
        let step = self.step("alice@x.y", visit: visit)
        let early = await doorkeeper.sessionOpened(step, connection: Self.child)
        #expect(DoorkeeperTests.isRefused(early, saying: "not allowed"))
        _ = await doorkeeper.mayEnter(step, connection: Self.manager)
        guard case .opened = await doorkeeper.sessionOpened(step, connection: Self.child) else {
            Issue.record("not opened")
            return
        }
        let again = await doorkeeper.sessionOpened(step, connection: Self.child)
        #expect(DoorkeeperTests.isRefused(again, saying: "not allowed"))
    }

    @Test("the server's refusal is the last word")
    func refused() async throws {
        let doorkeeper = try self.doorkeeper()
        let visit = try await self.visit(doorkeeper)
        let refusal = Refusal("RoleMissing", reason: "alice has no role.")
        self.host.told.decision.withLock { $0 = EntryDecision(allowed: false, refusal: refusal) }
        let reply = await doorkeeper.mayEnter(self.step("alice@x.y", visit: visit), connection: Self.manager)
        #expect(DoorkeeperTests.isRefused(reply, saying: "no role"))
    }

    @Test("an account of the machine's own that is made later is left alone too")
    func laterLocal() async throws {
        let doorkeeper = try self.doorkeeper()
        let step = self.step("late@x.y", visit: "")
        #expect(DoorkeeperTests.isRefused(await doorkeeper.mayEnter(step, connection: Self.manager), saying: "nobody"))
        try self.host.root.write("/etc/passwd", "late@x.y:x:1001:1001::/:/bin/sh\n")
        #expect(await doorkeeper.mayEnter(step, connection: Self.manager) == .notFound)
    }
}
