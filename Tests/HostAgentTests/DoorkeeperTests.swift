import AgentWire
import Crypto
import Logging
import SSHWire
import Synchronization
import Testing
import Vocabulary

@testable import HostAgent

@Suite("Doorkeeper")
struct DoorkeeperTests {
    static let pid: Int32 = 500
    let root = TemporaryRoot()
    let told = Told()
    /// The authority that the host trusts.
    let signer = SSHSigner.ed25519(Curve25519.Signing.PrivateKey())

    /// What the server was told, and how it answers.
    final class Told: Sendable {
        let messages = Mutex<[AgentMessage]>([])
        let decision = Mutex<EntryDecision?>(EntryDecision(allowed: true))
        /// The numbers whose processes were all killed.
        let reaped = Mutex<[UInt32]>([])
        /// What was shown on terminals.
        let shown = Mutex<[String]>([])
    }

    private func accounts(_ layout: HostLayout) -> AccountTable {
        AccountTable(
            book: AccountBook(shell: "/bin/sh"),
            homes: HomeAssignments(base: layout.path("/home")) { _, _ in false },
            layout: layout,
            now: .system
        )
    }

    func doorkeeper(lastContact: Instant? = nil, secrets: DesktopSecrets = DesktopSecrets()) throws -> Doorkeeper {
        try self.connection(Self.pid)
        try self.root.write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nlocal@x.y:x:1000:1000::/:/bin/sh\n")
        let layout = self.root.layout
        let accounts = self.accounts(layout)
        _ = accounts.replace(with: [AccountBookTests.account(1, "alice@x.y"), AccountBookTests.account(2, "bob@x.y")])
        try HostFile.makeDirectory(layout.path("/home"), mode: 0o755)
        try self.root.write("/etc/sallyport/user_ca_keys", self.signer.publicKey.line() + "\n")
        try HostFile.makeDirectory(layout.path("/etc/sallyport"), mode: 0o755)
        let list = KeyRevocationList(version: 1, date: SSHTime(rawValue: 0)).bytes
        try HostFile.replace(layout.revocationFile, with: list, .root(0o644), durable: false)
        let found = SessionProcesses(table: ProcessTable(directory: layout.path("/proc")), own: 1)
        let told = self.told
        return Doorkeeper(
            accounts: accounts,
            link: ServerLink(
                lookup: { _ in nil },
                decide: { _ throws(HostAgentError) in
                    guard let decision = told.decision.withLock({ $0 }) else { throw .notConnected }
                    return decision
                },
                tell: { message in told.messages.withLock { $0.append(message) } }
            ),
            policy: OfflinePolicy(lastContact: lastContact),
            processes: found,
            homes: HomeDirectory(skeleton: layout.path("/etc/skel")),
            ending: SessionEnd(
                processes: found,
                send: { [root] pid, _ in try? HostFile.remove(root.layout.path("/proc/\(pid)/stat")) },
                show: { _, text in told.shown.withLock { $0.append(text) } },
                pause: { _ in },
                reap: { uid in told.reaped.withLock { $0.append(uid) } }
            ),
            layout: layout,
            time: TimeSource { AccountBookTests.now },
            secrets: secrets,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    func connection(_ pid: Int32, start: UInt64 = 9000, audit: UInt32 = 31) throws {
        try self.root.write("/proc/\(pid)/stat", "\(pid) (sshd) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 \(start) 0 0")
        try self.root.write("/proc/\(pid)/sessionid", "\(audit)\n")
    }

    private func attempt(_ user: String, authentication: String = "") -> EntryAttempt {
        EntryAttempt(user: user, service: "sshd", source: "192.0.2.1", terminal: "ssh", authentication: authentication)
    }

    /// What sshd tells PAM about somebody who came with a certificate.
    private func authentication(of person: UInt64 = 1, by signer: SSHSigner? = nil) throws -> String {
        let subject = SSHPublicKey.ed25519(Array(Curve25519.Signing.PrivateKey().publicKey.rawRepresentation))
        let contents = SSHCertificate.Contents(
            key: subject,
            serial: 42,
            kind: .user,
            keyID: "issue-1",
            principals: ["alice@x.y", AccountBookTests.id(person).description],
            validAfter: SSHTime(rawValue: 0),
            validBefore: SSHTime(rawValue: UInt64(AccountBookTests.now.seconds) + 60)
        )
        let nonce = [UInt8](repeating: 7, count: 32)
        let certificate = try SSHCertificate.make(contents, nonce: nonce, by: signer ?? self.signer)
        return "publickey \(certificate.line())\n"
    }

    static func isRefused(_ reply: LocalReply, saying text: String) -> Bool {
        guard case .refused(let sentence) = reply else { return false }
        return sentence.contains(text)
    }

    @Test("lets somebody in, makes the home, and tells the server of the session")
    func entry() async throws {
        let doorkeeper = try self.doorkeeper()
        #expect(await doorkeeper.mayEnter(self.attempt("Alice@X.y"), connection: Self.pid) == .allowed)
        #expect(HostFile.attributes(self.root.layout.path("/home/alice@x.y"))?.mode == 0o700)
        let opened = await doorkeeper.sessionOpened(
            self.attempt("alice@x.y", authentication: try self.authentication()),
            connection: Self.pid
        )
        guard case .opened = opened, case .sessionOpened(let report)? = self.told.messages.withLock({ $0.last }) else {
            Issue.record("no session: \(opened)")
            return
        }
        #expect(report.serial == 42 && report.keyId == "issue-1")
        #expect(await doorkeeper.sessionClosed(connection: Self.pid) == .allowed)
        #expect(await doorkeeper.connected.isEmpty)
    }

    @Test("refuses with the server's reason, made printable")
    func refusal() async throws {
        let doorkeeper = try self.doorkeeper()
        let refusal = Refusal("RoleMissing", reason: "alice has no role\u{1b}[2J on vm1.", remedy: "Ask.")
        self.told.decision.withLock { $0 = EntryDecision(allowed: false, refusal: refusal) }
        let reply = await doorkeeper.mayEnter(self.attempt("alice@x.y"), connection: Self.pid)
        #expect(reply == .refused("Sallyport: alice has no role?[2J on vm1. Ask. [RoleMissing]"))
    }

    @Test("opens no session for somebody without a certificate, or with another person's (X21, X23)")
    func noCertificate() async throws {
        let doorkeeper = try self.doorkeeper()
        for authentication in ["", "password\n", "publickey ssh-ed25519 AAAA\n", try self.authentication(of: 2)] {
            #expect(await doorkeeper.mayEnter(self.attempt("alice@x.y"), connection: Self.pid) == .allowed)
            let attempt = self.attempt("alice@x.y", authentication: authentication)
            let reply = await doorkeeper.sessionOpened(attempt, connection: Self.pid)
            #expect(Self.isRefused(reply, saying: "certificate"))
        }
        #expect(await doorkeeper.connected.isEmpty)
    }

    @Test("opens no session for a certificate that somebody made themselves and put into their environment")
    func ownCertificate() async throws {
        let doorkeeper = try self.doorkeeper()
        let own = try self.authentication(by: .ed25519(Curve25519.Signing.PrivateKey()))
        #expect(await doorkeeper.mayEnter(self.attempt("alice@x.y"), connection: Self.pid) == .allowed)
        let reply = await doorkeeper.sessionOpened(self.attempt("alice@x.y", authentication: own), connection: Self.pid)
        #expect(Self.isRefused(reply, saying: "certificate"))
        // Nor does the connection stay, which sshd would keep.
        while HostFile.exists(self.root.layout.path("/proc/\(Self.pid)/stat")) { await Task.yield() }
    }

    @Test("does not take another connection with the same process number for the one that was allowed")
    func reusedNumber() async throws {
        let doorkeeper = try self.doorkeeper()
        #expect(await doorkeeper.mayEnter(self.attempt("alice@x.y"), connection: Self.pid) == .allowed)
        try self.connection(Self.pid, start: 9999)
        let attempt = self.attempt("alice@x.y", authentication: try self.authentication())
        #expect(Self.isRefused(await doorkeeper.sessionOpened(attempt, connection: Self.pid), saying: "not allowed"))
    }

    @Test("forgets that somebody was allowed when the same connection asks again and is refused")
    func refusedAfterwards() async throws {
        let doorkeeper = try self.doorkeeper()
        #expect(await doorkeeper.mayEnter(self.attempt("alice@x.y"), connection: Self.pid) == .allowed)
        self.told.decision.withLock { $0 = EntryDecision(allowed: false) }
        let refused = await doorkeeper.mayEnter(self.attempt("alice@x.y"), connection: Self.pid)
        #expect(Self.isRefused(refused, saying: "NotAllowed"))
        let attempt = self.attempt("alice@x.y", authentication: try self.authentication())
        #expect(Self.isRefused(await doorkeeper.sessionOpened(attempt, connection: Self.pid), saying: "not allowed"))
    }

    /// Lets somebody in, all the way.
    private func open(_ doorkeeper: Doorkeeper, _ user: String, connection pid: Int32 = Self.pid) async throws {
        try self.connection(pid, audit: pid == Self.pid ? 31 : 32)
        #expect(await doorkeeper.mayEnter(self.attempt(user), connection: pid) == .allowed)
        let attempt = self.attempt(user, authentication: try self.authentication(of: user == "alice@x.y" ? 1 : 2))
        guard case .opened = await doorkeeper.sessionOpened(attempt, connection: pid) else {
            Issue.record("no session")
            return
        }
    }

    @Test("kills everything of somebody who may no longer enter, with a session or without")
    func gone() async throws {
        let doorkeeper = try self.doorkeeper()
        try await self.open(doorkeeper, "bob@x.y")
        let list = doorkeeper.accounts.replace(with: [])
        #expect(list.loss.gone == [AccountBookTests.id(1), AccountBookTests.id(2)])
        await doorkeeper.end(after: list.loss)
        #expect(await doorkeeper.connected.isEmpty)
        #expect(self.told.reaped.withLock { Set($0) } == [1_879_048_193, 1_879_048_194])
    }

    @Test("kills nothing under a number that the machine has given to somebody of its own")
    func goneToLocal() async throws {
        let doorkeeper = try self.doorkeeper()
        try self.root.write("/etc/passwd", "new:x:1879048194:1000::/:/bin/sh\n")
        await doorkeeper.end(after: doorkeeper.accounts.replace(with: [AccountBookTests.account(2, "bob@x.y")]).loss)
        #expect(self.told.reaped.withLock { $0 } == [1_879_048_193])
    }

    @Test("ends one of somebody's two sessions without killing the other")
    func oneOfTwo() async throws {
        let doorkeeper = try self.doorkeeper()
        try await self.open(doorkeeper, "bob@x.y")
        try await self.open(doorkeeper, "bob@x.y", connection: 501)
        let first = try #require(await doorkeeper.connected.first { $0.pid == Self.pid })
        #expect(await doorkeeper.end(EndOrder(session: first.id, message: "bye")) == 1)
        #expect(await doorkeeper.connected.map(\.pid) == [501])
        #expect(self.told.reaped.withLock { $0.isEmpty })
        #expect(await doorkeeper.end(EndOrder(objectId: first.objectId, message: "bye")) == 1)
        #expect(self.told.reaped.withLock { $0 } == [1_879_048_194])
    }

    @Test("ends the sessions of somebody who is an administrator no longer, and tells why")
    func demoted() async throws {
        let doorkeeper = try self.doorkeeper()
        self.told.decision.withLock { $0 = EntryDecision(allowed: true, administrator: true) }
        try await self.open(doorkeeper, "bob@x.y")
        #expect(await doorkeeper.connected.first?.report.administrator == true)
        try self.terminal(Self.pid)
        // As the next decision would say it, before any list does.
        _ = doorkeeper.accounts.note(AccountBookTests.account(2, "bob@x.y"), mayEnter: true)
        await doorkeeper.lookAfter(cutAtExpiry: false, thoroughly: false)
        #expect(await doorkeeper.connected.isEmpty)
        #expect(self.told.shown.withLock { $0.first?.contains("administrator role") } == true)
    }

    @Test("ends with the role also a session in which somebody became an administrator")
    func promoted() async throws {
        let doorkeeper = try self.doorkeeper()
        try await self.open(doorkeeper, "bob@x.y")
        await doorkeeper.lookAfter(cutAtExpiry: false, thoroughly: false)
        #expect(await doorkeeper.connected.first?.wasAdministrator == false)
        _ = doorkeeper.accounts.replace(with: [AccountBookTests.account(2, "bob@x.y", admin: true)])
        await doorkeeper.lookAfter(cutAtExpiry: false, thoroughly: false)
        #expect(await doorkeeper.connected.first?.wasAdministrator == true)
        let loss = doorkeeper.accounts.replace(with: [AccountBookTests.account(2, "bob@x.y")]).loss
        await doorkeeper.end(after: loss)
        #expect(await doorkeeper.connected.isEmpty)
    }

    @Test("does not go by an audit session that the connection inherited")
    func inherited() async throws {
        let doorkeeper = try self.doorkeeper()
        try self.connection(1)
        try await self.open(doorkeeper, "bob@x.y")
        #expect(await doorkeeper.connected.first?.auditSession == nil)
    }

    private func terminal(_ pid: Int32) throws {
        try self.root.write("/proc/\(pid)/stat", "\(pid) (sshd) S 1 1 1 34817 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9000 0 0")
    }

    @Test("opens no session without an allowed entry, or for another name than the one that was allowed (X23)")
    func session() async throws {
        let doorkeeper = try self.doorkeeper()
        let early = self.attempt("alice@x.y", authentication: try self.authentication())
        #expect(Self.isRefused(await doorkeeper.sessionOpened(early, connection: Self.pid), saying: "not allowed"))
        _ = await doorkeeper.mayEnter(self.attempt("alice@x.y"), connection: Self.pid)
        let swapped = self.attempt("bob@x.y", authentication: try self.authentication(of: 2))
        #expect(Self.isRefused(await doorkeeper.sessionOpened(swapped, connection: Self.pid), saying: "not allowed"))
    }

    @Test("leaves the machine's own accounts alone, whatever they are called")
    func local() async throws {
        let doorkeeper = try self.doorkeeper()
        #expect(await doorkeeper.mayEnter(self.attempt("local@x.y"), connection: Self.pid) == .notFound)
        let unknown = await doorkeeper.mayEnter(self.attempt("nobody@x.y"), connection: Self.pid)
        #expect(Self.isRefused(unknown, saying: "nobody is known"))
    }

    @Test("decides from the last contact while the server is away, and refuses when that is too long ago")
    func offline() async throws {
        self.told.decision.withLock { $0 = nil }
        let fresh = try self.doorkeeper(lastContact: AccountBookTests.now - .seconds(599))
        #expect(await fresh.mayEnter(self.attempt("alice@x.y"), connection: Self.pid) == .allowed)
        let stale = try self.doorkeeper(lastContact: AccountBookTests.now - .seconds(601))
        let reply = await stale.mayEnter(self.attempt("alice@x.y"), connection: Self.pid)
        #expect(Self.isRefused(reply, saying: "ServerUnreachable"))
    }

    @Test("refuses a decision about somebody else")
    func otherPerson() async throws {
        let doorkeeper = try self.doorkeeper()
        self.told.decision.withLock {
            $0 = EntryDecision(allowed: true, account: AccountBookTests.account(2, "bob@x.y"))
        }
        let reply = await doorkeeper.mayEnter(self.attempt("alice@x.y"), connection: Self.pid)
        #expect(Self.isRefused(reply, saying: "nobody is known"))
    }
}
