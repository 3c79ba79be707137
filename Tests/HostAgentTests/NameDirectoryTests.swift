import AgentWire
import Synchronization
import Testing
import Vocabulary

@testable import HostAgent

@Suite("Asking for names")
struct NameDirectoryTests {
    private let root = TemporaryRoot()

    private func names(
        at now: Instant = AccountBookTests.now,
        _ lookup: @escaping @Sendable (String) throws(HostAgentError) -> HostAccount?
    ) throws -> NameDirectory {
        try self.root.write("/etc/passwd", "local@x.y:x:1000:1000::/:/bin/sh\n")
        let table = AccountTable(
            book: AccountBook(shell: "/bin/sh"),
            homes: HomeAssignments(base: "/home") { _, _ in false },
            layout: self.root.layout,
            now: .system
        )
        let link = ServerLink(
            lookup: { name throws(HostAgentError) in try lookup(name) },
            decide: { _ throws(HostAgentError) in throw .notConnected },
            tell: { _ in }
        )
        return NameDirectory(accounts: table, link: link, time: TimeSource { now })
    }

    @Test("asks once for a name that nobody has, however often it is looked up (X56)")
    func misses() async throws {
        let asked = Counter()
        let names = try self.names { _ throws(HostAgentError) in
            asked.add()
            return nil
        }
        for _ in 0..<100 { #expect(await names.answer(.account(name: "Nobody@x.y")) == .notFound) }
        #expect(asked.count == 1)
    }

    @Test("asks for no more than so many names a minute (X56)")
    func flood() async throws {
        let asked = Counter()
        let names = try self.names { _ throws(HostAgentError) in
            asked.add()
            return nil
        }
        for number in 0..<500 { _ = await names.answer(.account(name: "p\(number)@x.y")) }
        #expect(asked.count == NameDirectory.mostAMinute)
    }

    @Test("answers about a person of the directory, without the groups of those who may log in")
    func found() async throws {
        let names = try self.names { _ throws(HostAgentError) in AccountBookTests.account(3, "dave@x.y", admin: true) }
        #expect(await names.answer(.memberships(name: "dave@x.y")) == .memberships([]))
    }

    @Test("never asks for local names or names that nobody can have, and says when it cannot ask")
    func refused() async throws {
        let names = try self.names { _ throws(HostAgentError) in throw .notConnected }
        for name in ["local@x.y", "a b@x.y", "x/y@z", "root"] {
            #expect(await names.answer(.account(name: name)) == .notFound)
        }
        #expect(await names.answer(.account(name: "somebody@x.y")) == .unavailable)
    }

    /// Counts calls.
    private final class Counter: Sendable {
        private let value = Mutex(0)
        var count: Int { self.value.withLock { $0 } }
        func add() { self.value.withLock { $0 += 1 } }
    }
}
