import Glibc
import Testing

@testable import HostAgent

@Suite("Putting files back")
struct OriginalsTests {
    private let root = TemporaryRoot()

    private func path(_ path: String) -> String { self.root.layout.path(path) }

    @Test("puts a changed file back with its permissions and its time")
    func changed() throws {
        try self.root.write("/etc/a", "before\n", mode: 0o640)
        let time = HostFile.status(self.path("/etc/a"))?.st_mtim.tv_nsec
        var originals = Originals(self.root.layout)
        try originals.place(self.path("/etc/a"), Array("after\n".utf8))
        #expect(HostFile.text(self.path("/etc/a")) == "after\n")
        #expect(HostFile.attributes(self.path("/etc/a"))?.mode == 0o640)
        try originals.restore(self.path("/etc/a"))
        #expect(HostFile.text(self.path("/etc/a")) == "before\n")
        #expect(HostFile.status(self.path("/etc/a"))?.st_mtim.tv_nsec == time)
        #expect(originals.paths.isEmpty)
    }

    @Test("removes a file that was not there, and the directory it needed")
    func added() throws {
        var originals = Originals(self.root.layout)
        try originals.place(self.path("/usr/lib/x/file"), [1], .root(0o755))
        try originals.restore(self.path("/usr/lib/x/file"))
        #expect(!HostFile.exists(self.path("/usr/lib/x")))
    }

    @Test("remembers the first state through several changes and a restart")
    func restart() throws {
        try self.root.write("/etc/a", "first")
        var originals = Originals(self.root.layout)
        try originals.place(self.path("/etc/a"), Array("second".utf8))
        var later = Originals(self.root.layout)
        try later.place(self.path("/etc/a"), Array("third".utf8))
        var last = Originals(self.root.layout)
        try last.restore(self.path("/etc/a"))
        #expect(HostFile.text(self.path("/etc/a")) == "first")
    }

    @Test("takes only its own part out of a file that somebody changed in the meantime")
    func edited() throws {
        try self.root.write("/etc/a", "one\n")
        var originals = Originals(self.root.layout)
        let block = MarkedText.block("part", ["ours"])
        try originals.place(self.path("/etc/a"), Array(("one\n" + block).utf8))
        try self.root.write("/etc/a", "one\n" + block + "two\n")
        try originals.restore(self.path("/etc/a")) { MarkedText.removingAll(from: $0) }
        #expect(HostFile.text(self.path("/etc/a")) == "one\ntwo\n")
    }

    @Test("replaces a link that somebody put in the temporary file's place instead of following it (X53)")
    func link() throws {
        try self.root.write("/etc/victim", "safe")
        try self.root.write("/etc/a", "before")
        symlink(self.path("/etc/victim"), self.path("/etc/a.sallyport-new"))
        try HostFile.replace(self.path("/etc/a"), with: Array("after".utf8), .root(0o644))
        #expect(HostFile.text(self.path("/etc/victim")) == "safe")
        #expect(HostFile.text(self.path("/etc/a")) == "after")
    }
}
