import Audit
import Identity
import Passwords
import SQLiteStorage
import TestKit
import Testing
import Vocabulary

struct RevocationTests {
    private func account(_ world: DirectoryWorld, _ id: GUID) async throws -> Account {
        try #require(try await world.directory.account(id))
    }

    @Test("revokes tokens of this very second, by a whole second that new tokens can carry")
    func revokes() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("alice").id
        #expect(try await self.account(world, alice).tokensValidFrom <= world.clock.now)
        world.clock.turn(.milliseconds(1500))
        let now = world.clock.now
        try await world.directory.revokeSessions(alice)
        let from = try await self.account(world, alice).tokensValidFrom
        #expect(from > now && from <= now + .seconds(1))
        #expect(from.milliseconds % 1000 == 0)
    }

    @Test("revokes tokens with a new password, a reset, and a shut door; not with a new display name")
    func revokesOnChange() async throws {
        let world = try await DirectoryWorld()
        let directory = world.directory
        let alice = try await world.user("alice", password: "Correct horse 1").id
        var last = try await self.account(world, alice).tokensValidFrom
        func expectRevoked(_ isRevoked: Bool, _ change: () async throws -> Void) async throws {
            world.clock.turn(.seconds(5))
            try await change()
            let from = try await self.account(world, alice).tokensValidFrom
            #expect((from > last) == isRevoked)
            last = from
        }
        var draft = UserDraft(id: alice, userPrincipalName: "alice@contoso.example", displayName: "Alice B.")
        try await expectRevoked(false) { try await directory.put(user: draft) }
        try await expectRevoked(true) { try await directory.put(user: draft, password: secret("Another horse 2")) }
        try await expectRevoked(true) { try await directory.setPassword(of: alice, to: secret("A third horse 3")) }
        try await expectRevoked(true) {
            _ = try await directory.changePassword(
                userName: "alice@contoso.example",
                current: secret("A third horse 3"),
                to: secret("A fourth horse 4"),
                source: "a"
            )
        }
        draft.accountEnabled = false
        try await expectRevoked(true) { try await directory.put(user: draft) }
        try await expectRevoked(false) { try await directory.setEnabled(alice, true) }
        try await expectRevoked(true) { try await directory.setEnabled(alice, false) }
    }

    @Test("forgets what it remembered of an account before it publishes the change")
    func forgetsFirst() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("alice").id
        #expect(try await world.directory.isEnabled(alice))
        _ = world.published()
        try await world.directory.setEnabled(alice, false)
        #expect(world.published() == [.user(alice)])
        #expect(try await !world.directory.isEnabled(alice))
        #expect(try await !world.directory.setEnabled(alice, false))
        #expect(world.published().isEmpty)
    }

    @Test("notices what another process did to the same store, once")
    func catchesUp() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("alice").id
        let other = Directory(
            tenant: world.tenant,
            database: world.database,
            audit: world.audit,
            clock: world.clock.source,
            random: .system,
            passwords: PasswordHasher()
        )
        try await other.load()
        #expect(try await world.directory.isEnabled(alice))
        _ = world.published()
        try await other.setEnabled(alice, false)
        try await world.directory.catchUp()
        #expect(world.published() == [.user(alice)])
        #expect(try await !world.directory.isEnabled(alice))
        try await world.directory.catchUp()
        #expect(world.published().isEmpty)
    }

    @Test("does not open a store of another tenant")
    func refusesForeignStore() async throws {
        let world = try await DirectoryWorld()
        let strange = Directory(
            tenant: try Tenant(id: GUID(high: 2, low: 2), displayName: "Fabrikam", domains: ["fabrikam.example"]),
            database: world.database,
            audit: world.audit,
            clock: world.clock.source,
            random: .system,
            passwords: PasswordHasher()
        )
        await #expect(throws: Problem("TenantMismatch", shown: "")) { try await strange.load() }
    }

    @Test("refuses to change who is not there")
    func refusesUnknown() async throws {
        let world = try await DirectoryWorld()
        let nobody = GUID(high: 9, low: 9)
        let group = try await world.group("g")
        for id in [nobody, group] {
            await #expect(throws: Problem.notFound) { try await world.directory.setEnabled(id, false) }
            await #expect(throws: Problem.notFound) { try await world.directory.revokeSessions(id) }
            await #expect(throws: Problem.notFound) {
                try await world.directory.setPassword(of: id, to: secret("Correct horse 1"))
            }
        }
        #expect(try await world.directory.subject(group) == nil)
        #expect(try await !world.directory.isEnabled(nobody))
    }

    @Test("sets directory roles exactly, and takes them away with their holder")
    func setsRoles() async throws {
        let world = try await DirectoryWorld()
        let admin = try await world.user("ada").id
        let role = try #require(DirectoryRole(named: "global administrator"))
        #expect(role.templateID.description == "62e90394-69f5-4237-9190-012177145e10")
        #expect(try await world.directory.setDirectoryRoles(of: admin, to: [role]))
        #expect(try await !world.directory.setDirectoryRoles(of: admin, to: [role]))
        #expect(try await world.directory.directoryRoles(of: admin) == [.globalAdministrator])
        try await world.directory.delete(admin)
        #expect(try await world.directory.directoryRoles(of: admin).isEmpty)
    }

    @Test("names a change's author in the audit")
    func namesAuthors() async throws {
        let world = try await DirectoryWorld()
        let ada = Subject(id: GUID(high: 6, low: 6), kind: .member, name: "ada@contoso.example", groups: [])
        try await world.directory.put(
            group: GroupDraft(displayName: "g"),
            by: Author(ada, correlation: "c-1", source: "192.0.2.9")
        )
        let event = try #require(try await world.audit.entries(limit: 1).first?.event)
        #expect(event.actor == ada.id && event.actorName == ada.name)
        #expect(event.correlation == "c-1" && event.source == "192.0.2.9")
    }
}
