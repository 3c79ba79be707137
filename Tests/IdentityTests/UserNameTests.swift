import Identity
import Testing
import Vocabulary

struct UserNameTests {
    private func put(_ name: String) async throws -> User {
        try await DirectoryWorld().directory.put(
            user: UserDraft(userPrincipalName: name, displayName: "X")
        ).value
    }

    @Test(
        "accepts names of every allowed shape",
        arguments: [
            "alice@contoso.example", "Alice.B-C_d@contoso.test", "bob.o'neil@contoso.example", "_svc1@contoso.example",
            "a!b^c~d@CONTOSO.example", String(repeating: "a", count: 64) + "@contoso.example",
        ]
    )
    func accepts(name: String) async throws {
        let user = try await self.put(name)
        #expect(user.userPrincipalName == name)
        #expect(!user.isGuest)
    }

    @Test("takes a name in guest form for a guest's, whatever the draft says")
    func knowsGuests() async throws {
        let world = try await DirectoryWorld()
        let draft = UserDraft(
            userPrincipalName: "erin_fabrikam.example#EXT#@contoso.example",
            displayName: "Erin",
            isGuest: false
        )
        let user = try await world.directory.put(user: draft).value
        #expect(user.isGuest)
        #expect(try await world.directory.subject(user.id)?.kind == .guest)
    }

    @Test(
        "refuses hostile and impossible names",
        arguments: [
            "", "@", "alice", "@contoso.example", "alice@", "a@b@contoso.example", "alice@fabrikam.example",
            "alice@contoso.example.evil", "alice.@contoso.example", ".alice@contoso.example", "a..b@contoso.example",
            "-oProxyCommand@contoso.example", "~root@contoso.example", "#x@contoso.example",
            "a:b@contoso.example", "a\nb@contoso.example", "a\n@contoso.example", "a/b@contoso.example",
            "../x@contoso.example",
            "a,b@contoso.example", "a b@contoso.example", "a\\b@contoso.example", "a%b@contoso.example",
            "a\0b@contoso.example",
            "a$b@contoso.example", "a(b@contoso.example", "a\"b@contoso.example", "a`b@contoso.example",
            "alice@contoso.example\n", "аlice@contoso.example", "alice@contosо.example", "ａlice@contoso.example",
            "ali\u{200B}ce@contoso.example", "alice@contoso.example ", "İ@contoso.example", "K\u{212A}@contoso.example",
            "root@contoso.example", "ROOT@contoso.example", "nobody@contoso.test", "sshd@contoso.example",
            "systemd-network@contoso.example", String(repeating: "a", count: 65) + "@contoso.example",
        ]
    )
    func refuses(name: String) async throws {
        await #expect(throws: Problem.badRequest) { try await self.put(name) }
    }

    @Test(
        "refuses display names that would act on a reader's screen",
        arguments: ["", " a", "a\u{1B}[2J", "a\nb", "a\u{202E}b", "\t"]
    )
    func refusesDisplayNames(name: String) async throws {
        let world = try await DirectoryWorld()
        await #expect(throws: Problem.badRequest) {
            try await world.directory.put(user: UserDraft(userPrincipalName: "a@contoso.example", displayName: name))
        }
        await #expect(throws: Problem.badRequest) {
            try await world.directory.put(group: GroupDraft(displayName: name))
        }
    }

    @Test("does not serve an unnamed tenant, one without a domain, or one with a strange domain")
    func refusesTenants() {
        let bad = Problem("InvalidTenant", shown: "")
        let id = GUID(high: 1, low: 1)
        #expect(throws: bad) { try Tenant(id: .zero, displayName: "C", domains: ["contoso.example"]) }
        #expect(throws: bad) { try Tenant(id: id, displayName: "C", domains: []) }
        for domain in ["", "contoso", "-a.b", "a..b", "a b.c", "contosо.example", "a/b.c", "*.example", "a.b\n"] {
            #expect(throws: bad) { try Tenant(id: id, displayName: "C", domains: [domain]) }
        }
    }
}
