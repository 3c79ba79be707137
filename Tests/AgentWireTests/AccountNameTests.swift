import AgentWire
import Testing

@Suite("Account names")
struct AccountNameTests {
    @Test(
        "sees its own names in any letter case",
        arguments: [
            "alice@contoso.example", "ALICE@Contoso.Example", "a@b", "AAAAAAAA-0000-4000-8000-000000000001",
            "bob.o'neil@contoso.example",
        ]
    )
    func ours(_ name: String) {
        #expect(AccountName.isOurs(name))
    }

    @Test(
        "leaves the machine's names alone (X49)",
        arguments: [
            "root", "sudo", "wheel", "docker", "", "@", "@contoso.example", "alice@", "systemd-network",
            "aaaaaaaa-0000-4000-8000-00000000000g", "aaaaaaaa-0000-4000-8000-0000000000011",
            "aaaaaaaa00004000800000000000000100--",
        ]
    )
    func others(_ name: String) {
        #expect(!AccountName.isOurs(name))
    }

    @Test("never looks at a name that is longer than any can be")
    func endless() {
        #expect(!AccountName.isOurs(String(repeating: "a", count: 300) + "@b"))
    }

    @Test(
        "accepts what a directory can hold",
        arguments: [
            "alice@contoso.example", "erin_fabrikam.example#ext#@contoso.example", "bob.o'neil@contoso.example",
            "a-b@c",
            "1^2~3!@x.y", "aaaaaaaa-0000-4000-8000-000000000001",
        ]
    )
    func acceptable(_ name: String) {
        #expect(AccountName.isAcceptable(name))
    }

    @Test(
        "refuses what could act as something else in a file, a path or a command (X54)",
        arguments: [
            "", "alice", "a@b@c", "@b", "a@", "Alice@contoso.example", "a:b@c", "a\nb@c", "a,b@c", "a/b@c", "../a@b",
            ".a@b",
            "-a@b", "a b@c", "a\u{430}@b", "a$(id)@b", "a`@b", "a;b@c", "a%b@c", "a\"b@c", "a@b.", "a\u{0}@b", "a*@b",
            "a\\@b",
            "AAAAAAAA-0000-4000-8000-000000000001",
        ]
    )
    func unacceptable(_ name: String) {
        #expect(!AccountName.isAcceptable(name))
    }

    @Test("lowers ASCII letters and nothing else")
    func normalised() {
        #expect(AccountName.normalised("ALICE@Contoso.Example") == "alice@contoso.example")
        #expect(AccountName.normalised("\u{130}\u{212A}@x") == "\u{130}\u{212A}@x")
    }
}
