import Testing
import Vocabulary

@testable import HostAgent

@Suite("Files of principals")
struct PrincipalFilesTests {
    private let root = TemporaryRoot()

    private func table() throws -> AccountTable {
        try self.root.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
        return AccountTable(
            book: AccountBook(shell: "/bin/sh"),
            homes: HomeAssignments(base: "/home") { _, _ in false },
            layout: self.root.layout,
            now: .system
        )
    }

    private func file(_ name: String) -> String? {
        HostFile.text("\(self.root.layout.principalsDirectory)/\(name)")
    }

    private var names: [String] { HostFile.names(in: self.root.layout.principalsDirectory) }

    @Test("hold the object id alone, by number and by name, because a name can be given to somebody else")
    func content() throws {
        let table = try self.table()
        _ = table.replace(with: [AccountBookTests.account(1, "alice@x.y"), AccountBookTests.account(2, "bob@x.y")])
        #expect(self.names == ["1879048193", "1879048194", "alice@x.y", "bob@x.y"])
        #expect(self.file("1879048193") == "\(AccountBookTests.id(1))\n")
        #expect(self.file("bob@x.y") == "\(AccountBookTests.id(2))\n")
        #expect(HostFile.attributes("\(self.root.layout.principalsDirectory)/1879048193")?.mode == 0o644)
    }

    @Test("follow a name that is given to somebody else, while the number stays its person's (X47)")
    func renamed() throws {
        let table = try self.table()
        _ = table.replace(with: [AccountBookTests.account(1, "alice@x.y"), AccountBookTests.account(2, "bob@x.y")])
        _ = table.replace(with: [AccountBookTests.account(1, "old@x.y"), AccountBookTests.account(2, "alice@x.y")])
        #expect(self.file("alice@x.y") == "\(AccountBookTests.id(2))\n")
        #expect(self.file("old@x.y") == "\(AccountBookTests.id(1))\n")
        #expect(self.file("1879048193") == "\(AccountBookTests.id(1))\n")
        #expect(self.file("1879048194") == "\(AccountBookTests.id(2))\n")
        #expect(self.names.count == 4)
    }

    @Test("of an earlier agent go when the book does not say them, and are put right when it says something else")
    func leftovers() throws {
        let directory = "/etc/sallyport/principals"
        try self.root.write("\(directory)/1879048193", "somebody else\n")
        try self.root.write("\(directory)/1879048200", "\(AccountBookTests.id(9))\n")
        let table = try self.table()
        _ = table.note(AccountBookTests.account(1, "alice@x.y"), mayEnter: false)
        #expect(self.names == ["1879048193", "alice@x.y"])
        #expect(self.file("1879048193") == "\(AccountBookTests.id(1))\n")
    }

    @Test("are written again as soon as they can be, when once they could not")
    func unwritable() throws {
        let table = try self.table()
        // A file where the directory has to be.
        try self.root.write("/etc/sallyport/principals", "")
        _ = table.note(AccountBookTests.account(1, "alice@x.y"), mayEnter: true)
        #expect(self.file("1879048193") == nil)
        try HostFile.remove(self.root.layout.principalsDirectory)
        try table.saveSnapshot()
        #expect(self.file("1879048193") == "\(AccountBookTests.id(1))\n")
    }
}
