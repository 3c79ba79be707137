import AgentWire
import Synchronization
import Testing
import Vocabulary

@testable import HostAgent

@Suite("Sessions")
struct SessionTests {
    private let root = TemporaryRoot()
    private var table: ProcessTable { ProcessTable(directory: self.root.layout.path("/proc")) }

    static func session(_ number: UInt64 = 1, pid: Int32 = 100, start: UInt64 = 5000, audit: UInt32? = 29) -> Session {
        Session(
            id: GUID(high: 2, low: number),
            pid: pid,
            startTime: start,
            auditSession: audit,
            user: "alice@x.y",
            objectId: GUID(high: 1, low: 1),
            uid: 1_879_048_193,
            serial: 42,
            keyID: "k",
            validBefore: Instant(seconds: 1000),
            source: "192.0.2.1",
            terminal: "ssh",
            openedAt: Instant(seconds: 1)
        )
    }

    private func process(
        _ pid: Int32,
        parent: Int32,
        start: UInt64 = 6000,
        name: String = "bash",
        terminal: Int32 = 0,
        audit: UInt32 = UInt32.max,
        environment: String = ""
    ) throws {
        let stat = "\(pid) (\(name)) S \(parent) 1 1 \(terminal) -1 0 0 0 0 0 0 0 0 0 20 0 1 0 \(start) 0 0"
        try self.root.write("/proc/\(pid)/stat", stat)
        try self.root.write("/proc/\(pid)/sessionid", "\(audit)\n")
        try self.root.write("/proc/\(pid)/environ", environment)
    }

    @Test("reads a process whose name holds parentheses and spaces")
    func stat() throws {
        let facts = try #require(ProcessFacts(stat: "7 (a) b (c) S 3 7 7 34817 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0"))
        #expect(facts.pid == 7 && facts.parent == 3 && facts.startTime == 99 && facts.name == "a) b (c")
        #expect(facts.terminalPath == "/dev/pts/1")
        #expect(ProcessFacts(stat: "nonsense") == nil)
    }

    @Test("finds detached processes by the kernel's audit session, and nobody else's")
    func audit() throws {
        try self.process(100, parent: 1, start: 5000, name: "sshd", audit: 29)
        try self.process(101, parent: 100, audit: 29)
        try self.process(102, parent: 1, name: "sleep", audit: 29)
        try self.process(103, parent: 1, name: "other", audit: 30)
        try self.process(104, parent: 1, name: "agent", audit: 29)
        let found = SessionProcesses(table: self.table, own: 104).of(Self.session())
        #expect(found.map(\.pid) == [100, 101, 102])
    }

    @Test("finds processes by their environment where the kernel has no audit sessions")
    func environment() throws {
        let session = Self.session(audit: nil)
        try self.process(100, parent: 1, start: 5000, name: "sshd")
        try self.process(101, parent: 100)
        try self.process(102, parent: 1, environment: "A=b\u{0}\(session.mark)\u{0}")
        try self.process(103, parent: 1, environment: "X=\(session.mark)\u{0}")
        #expect(SessionProcesses(table: self.table, own: 1).of(session).map(\.pid) == [100, 101, 102])
    }

    @Test("does not take a later process with the same number for the connection")
    func reused() throws {
        try self.process(100, parent: 1, start: 9999, name: "innocent")
        try self.process(101, parent: 100)
        let processes = SessionProcesses(table: self.table, own: 1)
        #expect(!processes.isConnected(Self.session()))
        #expect(processes.of(Self.session()).isEmpty)
    }

    @Test("spares what is older than the session, what it came from, and the sshd that takes connections")
    func spared() throws {
        // The listener was started from a login with the same audit session, which everybody's connections inherited.
        try self.process(40, parent: 1, start: 4000, name: "job", audit: 29)
        try self.process(50, parent: 1, start: 4500, name: "sshd", audit: 29)
        try self.process(100, parent: 50, start: 5000, name: "sshd", audit: 29)
        try self.process(101, parent: 100, audit: 29)
        try self.process(200, parent: 60, start: 7000, name: "sshd", audit: 29)
        try self.process(201, parent: 200, start: 7001, audit: 29)
        // Somebody restarted it from within the session.
        try self.process(60, parent: 1, start: 6500, name: "sshd", audit: 29)
        let processes = SessionProcesses(table: self.table, own: 1) { 60 }
        #expect(processes.of(Self.session()).map(\.pid) == [100, 101])
        #expect(SessionProcesses(table: self.table, own: 1).of(Self.session()).contains { $0.pid == 60 })
    }

    @Test("spares the sshd that takes connections even as the connection's own child")
    func sparedChild() throws {
        try self.process(100, parent: 1, start: 5000, name: "sshd")
        try self.process(101, parent: 100)
        try self.process(102, parent: 101, name: "sshd")
        #expect(SessionProcesses(table: self.table, own: 1) { 102 }.of(Self.session()).map(\.pid) == [100, 101])
    }

    @Test("knows an audit session as inherited when any process above has it")
    func inheritedAudit() throws {
        try self.process(10, parent: 1, audit: 31)
        try self.process(11, parent: 10, audit: 31)
        try self.process(12, parent: 11, audit: 32)
        try self.process(13, parent: 12)
        try self.process(14, parent: 13, audit: 31)
        #expect(self.table.ownAuditSession(10) == 31)
        #expect(self.table.ownAuditSession(11) == nil)
        #expect(self.table.ownAuditSession(12) == 32)
        #expect(self.table.ownAuditSession(13) == nil)
        #expect(self.table.ownAuditSession(14) == nil)
    }

    @Test("takes nobody's sshd but root's for the one that takes connections")
    func listener() throws {
        try self.process(30, parent: 1, name: "sshd")
        try self.root.write("/proc/30/status", "Name:\tsshd\nUid:\t1879048193\t0\t0\t0\n")
        try self.process(50, parent: 1, name: "sshd")
        try self.root.write("/proc/50/status", "Name:\tsshd\nUid:\t0\t0\t0\t0\n")
        let named = self.root.layout.path("/run/sshd.pid")
        let control = SSHDControl(
            program: "/sbin/sshd",
            configurationFile: "",
            pidFile: named,
            reloadCommand: nil,
            processes: self.table
        )
        try self.root.write("/run/sshd.pid", "30\n")
        #expect(control.listener() == nil)
        try self.root.write("/run/sshd.pid", "50\n")
        #expect(control.listener() == 50)
    }

    /// A tree of control groups as the kernel shows it, with a session's group and another.
    private func groups(scope: String = "/system.slice/ssh.service") throws -> SessionGroups {
        let tree = self.root.layout.path("/cg")
        try self.root.write("/proc/self/mounts", "tmpfs /x tmpfs rw 0 0\ncgroup2 \(tree) cgroup2 rw 0 0\n")
        for path in ["/cg/sallyport/\(Self.session().id)", "/cg/user.slice/session-5.scope"] {
            for file in ["cgroup.procs", "cgroup.kill"] { try self.root.write("\(path)/\(file)", "") }
        }
        try self.root.write("/proc/100/cgroup", "1:cpu:/\n0::\(scope)\n")
        return SessionGroups(self.table)
    }

    private func written(_ path: String) -> String? { HostFile.text(self.root.layout.path("/cg/\(path)")) }

    @Test("puts a connection into its session's control group, unless systemd keeps a scope for it")
    func group() throws {
        try self.groups().begin(Self.session())
        #expect(self.written("sallyport/\(Self.session().id)/cgroup.procs") == "100\n")
        try self.groups(scope: "/user.slice/session-5.scope").begin(Self.session())
        #expect(self.written("sallyport/\(Self.session().id)/cgroup.procs") == "")
    }

    @Test("kills the session's group and its scope, but none that holds the agent or the sshd that takes connections")
    func groupKill() throws {
        let own = "sallyport/\(Self.session().id)"
        let groups = try self.groups(scope: "/user.slice/session-5.scope")
        try self.root.write("/cg/\(own)/cgroup.procs", "100\n101\n")
        try self.root.write("/cg/user.slice/session-5.scope/cgroup.procs", "100\n50\n")
        groups.kill(Self.session(), found: [100], spared: [1, 50])
        #expect(self.written("\(own)/cgroup.kill") == "1\n")
        #expect(self.written("user.slice/session-5.scope/cgroup.kill") == "")
        groups.kill(Self.session(), found: [100], spared: [1])
        #expect(self.written("user.slice/session-5.scope/cgroup.kill") == "1\n")
    }

    @Test("uses signals alone where there are no control groups of version 2")
    func noGroups() throws {
        try self.root.write("/proc/self/mounts", "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\n")
        SessionGroups(self.table).begin(Self.session())
        #expect(HostFile.names(in: self.root.layout.path("/cg")).isEmpty)
    }

    @Test("does not believe one look that finds nothing")
    func hopping() async throws {
        let root = self.root
        let pauses = Mutex(0)
        let ending = SessionEnd(
            processes: SessionProcesses(table: self.table, own: 1),
            send: { pid, _ in Self.vanish(root, pid) },
            show: { _, _ in },
            pause: { _ in
                // It is seen between two looks that find nothing, once.
                guard
                    pauses.withLock({
                        $0 += 1; return $0 == 2
                    })
                else { return }
                try? Self.appear(root, 300)
            },
            reap: { _ in }
        )
        #expect(await ending.end(Self.session(), message: "bye").isEmpty)
        #expect(self.table.facts(300) == nil)
        #expect(pauses.withLock { $0 } >= 2 + SessionEnd.looks - 1)
    }

    @Test("kills nobody but people of the directory by number")
    func reaper() {
        for number: UInt32 in [0, 1000, 65_534, AccountNumbers.administrators, .max] {
            #expect(throws: HostAgentError.self) { try Reaper.becomeAndKill(number) }
        }
    }

    @Test("shows the message, then ends the connection, then what is left, the hard way last")
    func end() async throws {
        try self.process(100, parent: 1, start: 5000, name: "sshd", audit: 29)
        try self.process(102, parent: 1, name: "stubborn", terminal: 34817, audit: 29)
        let events = Mutex<[String]>([])
        let root = self.root
        let ending = SessionEnd(
            processes: SessionProcesses(table: self.table, own: 1),
            send: { pid, signal in
                events.withLock { $0.append("\(pid):\(signal)") }
                if pid == 100 || signal == 9 { Self.vanish(root, pid) }
            },
            show: { terminal, text in events.withLock { $0.append("\(terminal) \(text.contains("bye"))") } },
            pause: { _ in },
            reap: { _ in }
        )
        let left = await ending.end(Self.session(), message: "bye\u{1b}[2J")
        #expect(left.isEmpty)
        #expect(events.withLock { $0 } == ["/dev/pts/1 true", "100:15", "102:15", "102:18", "102:9"])
    }

    @Test("reports processes that would not die")
    func immortal() async throws {
        try self.process(102, parent: 1, audit: 29)
        let ending = SessionEnd(
            processes: SessionProcesses(table: self.table, own: 1),
            send: { _, _ in },
            show: { _, _ in },
            pause: { _ in },
            reap: { _ in }
        )
        #expect(await ending.end(Self.session(), message: "bye") == [102])
    }

    @Test("knows the sessions again after a restart, but not after a boot")
    func book() throws {
        var book = SessionBook(file: nil, boot: "b1")
        book.open(Self.session())
        let file = try book.file(boot: "b1")
        #expect(SessionBook(file: file, boot: "b1").sessions == book.sessions)
        #expect(SessionBook(file: file, boot: "b2").sessions.isEmpty)
        #expect(SessionBook(file: Array("broken".utf8), boot: "b1").sessions.isEmpty)
    }

    @Test("writes into the file what has changed since it was written last")
    func rewritten() throws {
        var book = SessionBook(file: nil, boot: "\"b\"")
        #expect(try SessionBook(file: book.file(boot: "b"), boot: "b").sessions.isEmpty)
        let first = Self.session()
        var second = first
        second.id = GUID(high: 3, low: 9)
        book.open(first)
        book.open(second)
        let changes: [(inout SessionBook) -> Void] = [
            { $0.promote(first.id) }, { $0.linger(first.id) }, { $0.condemn(second.id) }, { $0.close(first.id) },
        ]
        for change in changes {
            _ = try book.file(boot: "\"b\"")
            change(&book)
            #expect(try SessionBook(file: book.file(boot: "\"b\""), boot: "\"b\"").sessions == book.sessions)
        }
    }

    @Test("an order ends what it names, and an order that names nothing ends nothing")
    func orders() {
        let session = Self.session()
        #expect(session.isMeant(by: EndOrder(session: session.id, message: "")))
        #expect(session.isMeant(by: EndOrder(objectId: session.objectId, message: "")))
        #expect(session.isMeant(by: EndOrder(serial: 42, message: "")))
        #expect(!session.isMeant(by: EndOrder(serial: 43, message: "")))
        #expect(!session.isMeant(by: EndOrder(objectId: session.objectId, serial: 43, message: "")))
        #expect(!session.isMeant(by: EndOrder(message: "")))
    }

    @Test("a session is expired from the second its certificate ends")
    func expired() {
        var book = SessionBook(file: nil, boot: "")
        book.open(Self.session())
        #expect(book.expired(at: Instant(milliseconds: 999_999)).isEmpty)
        #expect(book.expired(at: Instant(seconds: 1000)).count == 1)
    }

    private static func appear(_ root: TemporaryRoot, _ pid: Int32) throws {
        try root.write("/proc/\(pid)/sessionid", "29\n")
        try root.write("/proc/\(pid)/stat", "\(pid) (hop) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 6000 0 0")
    }

    private static func vanish(_ root: TemporaryRoot, _ pid: Int32) {
        for file in ["stat", "sessionid", "environ"] {
            try? HostFile.remove(root.layout.path("/proc/\(pid)/\(file)"))
        }
    }
}
