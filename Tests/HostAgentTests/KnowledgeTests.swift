import AgentWire
import Logging
import Testing
import Vocabulary

@testable import HostAgent

@Suite("What a host remembers")
struct KnowledgeTests {
    private let root = TemporaryRoot()

    @Test("knows after a restart what the server told before")
    func roundTrip() throws {
        let knowledge = Knowledge(
            configuration: HostConfiguration(caKeys: ["k"], loginEnabled: true, compute: ["name": "vm"]),
            accounts: [AccountBookTests.account(1, "alice@x.y")],
            homes: [AccountBookTests.id(1): "/home/earlier@x.y"],
            lastContact: AccountBookTests.now
        )
        try knowledge.save(self.root.layout)
        #expect(Knowledge.load(self.root.layout) == knowledge)
        #expect(HostFile.attributes(self.root.layout.knowledgeFile)?.mode == 0o600)
        #expect(HostFile.attributes(self.root.layout.privateDirectory)?.mode == 0o700)
    }

    @Test("knows nothing from a broken file")
    func broken() throws {
        try self.root.write("/var/lib/sallyport/private/knowledge.json", "{")
        #expect(Knowledge.load(self.root.layout) == Knowledge())
    }

    @Test("keeps the machine's key for root alone, and signs so that the server can check it")
    func key() throws {
        let identity = MachineIdentity()
        try identity.save(self.root.layout)
        #expect(HostFile.attributes(self.root.layout.machineKeyFile)?.mode == 0o600)
        let again = try MachineIdentity.load(self.root.layout)
        #expect(again.publicLine == identity.publicLine)
        let header = try again.authorization(host: .zero, method: "GET", path: "/x", at: AccountBookTests.now)
        #expect(HostAuthorization(header: header.value)?.seconds == AccountBookTests.now.seconds)
    }

    @Test("puts a home together from the skeleton, closed to others, without following its links (X53)")
    func home() throws {
        try self.root.write("/etc/skel/.profile", "hello", mode: 0o644)
        try self.root.write("/etc/skel/bin/tool", "x", mode: 0o755)
        try HostFile.makeDirectory(self.root.layout.path("/home"), mode: 0o755)
        let home = self.root.layout.path("/home/bob.o'neil@x.y")
        let account = LocalAccount(name: "a", uid: 0, gid: 0, comment: "", home: home, shell: "/bin/sh")
        let homes = HomeDirectory(skeleton: self.root.layout.path("/etc/skel"))
        try homes.prepare(for: account)
        #expect(HostFile.attributes(home)?.mode == 0o700)
        #expect(HostFile.attributes(home + "/.profile")?.mode == 0o600)
        #expect(HostFile.attributes(home + "/bin/tool")?.mode == 0o700)
        #expect(HostFile.text(home + "/.profile") == "hello")
        #expect(HostFile.names(in: self.root.layout.path("/home")) == ["bob.o'neil@x.y"])
        try homes.prepare(for: account)
    }

    @Test("keeps log lines whole and printable (X65)")
    func log() {
        let line = StandardErrorLog.line(.notice, "a\nb", ["user": "x\u{1b}[2J\r\nERROR forged"])
        #expect(line == "NOTICE a?b user=\"x?[2J??ERROR forged\"\n")
    }

    @Test("turns away a user with too many connections, never root, and counts down again")
    func guests() {
        let guests = LocalGuests()
        for _ in 0..<LocalGuests.most { #expect(guests.enter(7)) }
        #expect(!guests.enter(7))
        #expect(guests.enter(8))
        guests.leave(7)
        #expect(guests.enter(7))
        for _ in 0..<1000 { #expect(guests.enter(0)) }
    }

    @Test("turns away all users together before the agent runs out of files: one person may have thousands of numbers")
    func manyGuests() {
        let guests = LocalGuests()
        let admitted = (100_000..<101_000).count { guests.enter($0) }
        #expect(admitted == LocalGuests.mostTogether)
        #expect(guests.enter(0))
        guests.leave(0)
        #expect(!guests.enter(7))
        guests.leave(100_000)
        #expect(guests.enter(7))
    }
}
