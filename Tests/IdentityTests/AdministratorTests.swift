import Identity
import Testing
import Vocabulary

@Suite("Administrators and themselves")
struct AdministratorTests {
    private let world: DirectoryWorld
    private let alice: GUID
    private let bob: GUID

    init() async throws {
        self.world = try await DirectoryWorld()
        self.alice = try await self.world.user("alice").id
        self.bob = try await self.world.user("bob").id
        try await self.world.directory.setDirectoryRoles(of: self.alice, to: [.globalAdministrator])
    }

    private var byAlice: Author { Author(id: self.alice, name: "alice") }
    private var byBob: Author { Author(id: self.bob, name: "bob") }

    @Test("the last one who can sign in keeps the account and the role")
    func last() async throws {
        let directory = self.world.directory
        // Another one who is switched off helps nobody.
        try await directory.setDirectoryRoles(of: self.bob, to: [.globalAdministrator])
        try await directory.setEnabled(self.bob, false)
        for author in [self.byAlice, self.byBob] {
            await #expect(throws: Problem.badRequest) { try await directory.delete(self.alice, by: author) }
            await #expect(throws: Problem.badRequest) { try await directory.setEnabled(self.alice, false, by: author) }
            await #expect(throws: Problem.badRequest) {
                try await directory.setDirectoryRoles(of: self.alice, to: [.globalReader], by: author)
            }
            await #expect(throws: Problem.badRequest) {
                var draft = UserDraft(userPrincipalName: "alice@contoso.example", displayName: "alice")
                draft.accountEnabled = false
                try await directory.put(user: draft, by: author)
            }
        }
        #expect(try await directory.isEnabled(self.alice))
        #expect(try await directory.directoryRoles(of: self.alice) == [.globalAdministrator])
    }

    @Test("one of several may be switched off by another, and nobody by themselves")
    func several() async throws {
        let directory = self.world.directory
        try await directory.setDirectoryRoles(of: self.bob, to: [.globalAdministrator])
        await #expect(throws: Problem.badRequest) {
            try await directory.setEnabled(self.alice, false, by: self.byAlice)
        }
        await #expect(throws: Problem.badRequest) { try await directory.delete(self.alice, by: self.byAlice) }
        #expect(try await directory.setEnabled(self.alice, false, by: self.byBob))
    }

    @Test("the operator may do anything, and undo it")
    func `operator`() async throws {
        #expect(try await self.world.directory.setEnabled(self.alice, false))
        #expect(try await self.world.directory.delete(self.alice) != nil)
    }

    @Test("an administrator may switch off and delete who is none")
    func ordinary() async throws {
        #expect(try await self.world.directory.setEnabled(self.bob, false, by: self.byAlice))
        #expect(try await self.world.directory.delete(self.bob, by: self.byAlice) != nil)
    }
}
