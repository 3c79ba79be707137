import AgentWire
import Testing
import Vocabulary

@testable import HostAgent

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("The account table")
struct AccountTableTests {
    private let root = TemporaryRoot()

    private func table() throws -> AccountTable {
        try self.root.write("/etc/passwd", "local@x.y:x:1000:1000::/:/bin/sh\n")
        return AccountTable(
            book: AccountBook(shell: "/bin/sh"),
            homes: HomeAssignments(base: "/home") { _, _ in false },
            layout: self.root.layout,
            now: .system
        )
    }

    private func snapshot() throws -> String {
        String(decoding: try HostFile.read(self.root.layout.snapshotFile) ?? [], as: UTF8.self)
    }

    @Test("writes every change into the file that the name service reads, before anybody hears of it")
    func written() throws {
        let table = try self.table()
        _ = table.note(AccountBookTests.account(3, "dave@x.y"), mayEnter: true)
        #expect(try self.snapshot().contains("dave@x.y"))
        _ = table.replace(with: [AccountBookTests.account(3, "david@x.y")])
        #expect(try self.snapshot().contains("david@x.y"))
        let known = try table.read { $0.snapshot() }.encoded()
        #expect(try HostFile.read(self.root.layout.snapshotFile) == known)
    }

    @Test("writes nothing when somebody is as known, and all when anything is different")
    func renewed() throws {
        let table = try self.table()
        let dave = AccountBookTests.account(3, "dave@x.y")
        _ = table.note(dave, mayEnter: true)
        try HostFile.replace(self.root.layout.snapshotFile, with: [], .root(0o644))
        #expect(table.note(dave, mayEnter: true) == nil)
        #expect(try self.snapshot().isEmpty)
        #expect(table.note(AccountBookTests.account(3, "dave@x.y", admin: true), mayEnter: true) == nil)
        #expect(try self.snapshot().contains("dave@x.y"))
        try HostFile.replace(self.root.layout.snapshotFile, with: [], .root(0o644))
        #expect(table.note(dave, mayEnter: false) == nil)
        #expect(try self.snapshot().contains("dave@x.y"))
        try self.root.write("/etc/passwd", "dave@x.y:x:1000:1000::/:/bin/sh\n")
        #expect(table.isLocalNow("dave@x.y"))
        #expect(table.note(dave, mayEnter: false) == .local)
    }

    @Test("takes the file away when it cannot be written, and writes it as soon as it can")
    func unwritable() throws {
        let table = try self.table()
        _ = table.note(AccountBookTests.account(3, "dave@x.y"), mayEnter: true)
        let blocker = self.root.layout.snapshotFile + ".sallyport-new/x"
        try HostFile.makeDirectory(blocker, mode: 0o700)
        _ = table.note(AccountBookTests.account(3, "david@x.y"), mayEnter: true)
        #expect(try HostFile.read(self.root.layout.snapshotFile) == nil)
        rmdir(blocker)
        rmdir(self.root.layout.snapshotFile + ".sallyport-new")
        try table.saveSnapshot()
        #expect(try self.snapshot().contains("david@x.y"))
    }
}
