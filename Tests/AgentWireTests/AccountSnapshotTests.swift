import AgentWire
import Testing

@Suite("Account snapshot")
struct AccountSnapshotTests {
    private func entry(_ number: UInt32) -> AccountSnapshot.Entry {
        AccountSnapshot.Entry(
            account: LocalAccount(
                name: "p\(number)@contoso.example",
                uid: number,
                gid: number,
                comment: "Person",
                home: "/home/p",
                shell: "/bin/sh"
            ),
            mayEnter: number % 2 == 0,
            isAdministrator: number % 3 == 0,
            aliases: ["00000000-0000-4000-8000-000000000001"]
        )
    }

    @Test("gives back what was written")
    func roundTrip() throws {
        let snapshot = AccountSnapshot(entries: (1...20).map { self.entry($0) })
        #expect(try AccountSnapshot.decode(snapshot.encoded()) == snapshot)
        #expect(try AccountSnapshot.decode(AccountSnapshot(entries: []).encoded()).entries.isEmpty)
    }

    @Test("begins with its mark and a big-endian count, as the module expects")
    func layout() throws {
        let bytes = try AccountSnapshot(entries: [self.entry(1)]).encoded()
        #expect(Array(bytes.prefix(12)) == Array("SALLYNS1".utf8) + [0, 0, 0, 1])
    }

    @Test("refuses every shortened file")
    func truncated() throws {
        let bytes = try AccountSnapshot(entries: [self.entry(1), self.entry(2)]).encoded()
        for count in 0..<bytes.count {
            #expect(throws: AgentWireError.self) { try AccountSnapshot.decode(Array(bytes.prefix(count))) }
        }
    }

    @Test("refuses another kind of file")
    func foreign() {
        #expect(throws: AgentWireError.notASnapshot) { try AccountSnapshot.decode(Array("root:x:0:0".utf8)) }
    }
}
