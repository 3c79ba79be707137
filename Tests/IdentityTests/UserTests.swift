import Identity
import SQLiteStorage
import Storage
import Testing
import Vocabulary

struct UserTests {
    @Test("finds a user by name in any case, by id, and by id as text")
    func finds() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("Alice")
        let directory = world.directory
        #expect(try await directory.user(named: "aLICE@contoso.EXAMPLE") == alice)
        #expect(try await directory.user(alice.id) == alice)
        #expect(try await directory.user(named: alice.id.description.uppercased()) == alice)
        #expect(try await directory.user(named: "alice") == nil)
        #expect(try await directory.user(named: "' OR 1=1 --") == nil)
    }

    @Test("does nothing when the user is as wanted already")
    func isIdempotent() async throws {
        let world = try await DirectoryWorld()
        let draft = UserDraft(userPrincipalName: "alice@contoso.example", displayName: "Alice", mail: "a@mail.example")
        let first = try await world.directory.put(user: draft, password: secret("Correct horse 1"))
        #expect(first.isNew)
        _ = world.published()
        let again = try await world.directory.put(user: draft, password: secret("Correct horse 1"))
        #expect(!again.isChange && !again.isNew)
        #expect(again.value == first.value)
        #expect(world.published().isEmpty)
        #expect(try await world.actions() == ["user.create"])
    }

    @Test("changes only what the draft names, and says what")
    func changes() async throws {
        let world = try await DirectoryWorld()
        var draft = UserDraft(userPrincipalName: "alice@contoso.example", displayName: "Alice", surname: "Adams")
        let before = try await world.directory.put(user: draft).value
        draft.surname = nil
        draft.displayName = "Alice A."
        draft.accountEnabled = false
        let after = try await world.directory.put(user: draft)
        #expect(after.changed == ["displayName", "accountEnabled"])
        #expect(after.value.surname == "Adams")
        #expect(after.value.id == before.id && after.value.unixID == before.unixID)
        draft.surname = ""
        #expect(try await world.directory.put(user: draft).value.surname == nil)
    }

    @Test("leaves no trace of a dry run, but answers as if it had been done")
    func dryRun() async throws {
        let world = try await DirectoryWorld()
        let draft = UserDraft(userPrincipalName: "alice@contoso.example", displayName: "Alice")
        let dry = try await world.directory.put(user: draft, password: secret("Correct horse 1"), dryRun: true)
        #expect(dry.isNew && dry.isChange)
        #expect(try await world.directory.user(named: "alice@contoso.example") == nil)
        #expect(world.published().isEmpty)
        #expect(try await world.actions().isEmpty)
        let real = try await world.directory.put(user: draft)
        #expect(real.value.unixID == dry.value.unixID)
    }

    @Test("refuses a name that somebody has, in any case")
    func refusesTaken() async throws {
        let world = try await DirectoryWorld()
        try await world.user("alice")
        let bob = try await world.user("bob")
        await #expect(throws: Problem.taken) {
            try await world.directory.put(
                user: UserDraft(id: bob.id, userPrincipalName: "ALICE@contoso.example", displayName: "Bob")
            )
        }
    }

    @Test("keeps a former name for its person, also against others, and lets it be taken back")
    func keepsFormerNames() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("alice")
        func rename(_ name: String) async throws -> User {
            try await world.directory.put(
                user: UserDraft(id: alice.id, userPrincipalName: "\(name)@contoso.example", displayName: "alice")
            ).value
        }
        #expect(try await rename("alicia").formerNames == ["alice@contoso.example"])
        #expect(try await world.directory.user(named: "Alice@contoso.example")?.id == alice.id)
        await #expect(throws: Problem.taken) { try await world.user("alice") }
        #expect(try await rename("alice").formerNames == ["alicia@contoso.example"])
    }

    @Test("never gives a number twice, also after its person is gone")
    func neverReusesNumbers() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("alice")
        #expect(alice.unixID == 2_000_300_000)
        try await world.directory.delete(alice.id)
        let again = try await world.user("alice")
        #expect(again.id != alice.id)
        #expect(again.unixID == alice.unixID + 1)
        let group = try await world.directory.group(try await world.group("g"))
        #expect(group?.unixID == alice.unixID + 2)
    }

    @Test("gives an object id that comes back its own number, and no other kind of object that id")
    func bindsNumbersToIDs() async throws {
        let world = try await DirectoryWorld()
        let id = GUID(high: 5, low: 5)
        let draft = UserDraft(id: id, userPrincipalName: "alice@contoso.example", displayName: "Alice")
        let first = try await world.directory.put(user: draft).value
        await #expect(throws: Problem.taken) {
            try await world.directory.put(group: GroupDraft(id: id, displayName: "g"))
        }
        try await world.directory.delete(id)
        await #expect(throws: Problem.taken) {
            try await world.directory.put(group: GroupDraft(id: id, displayName: "g"))
        }
        #expect(try await world.directory.put(user: draft).value.unixID == first.unixID)
    }

    @Test("gives many people added at once different numbers")
    func numbersAreDistinct() async throws {
        let world = try await DirectoryWorld()
        let numbers = try await withThrowingTaskGroup(of: Int64.self) { group in
            for number in 0..<200 {
                group.addTask { try await world.user("user\(number)").unixID }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(numbers.count == 200)
    }

    @Test("refuses to give out numbers past what every system can hold")
    func endsNumbers() async throws {
        let world = try await DirectoryWorld()
        try await world.database.write {
            try $0.run("UPDATE identity_counter SET next = \(Int64(Int32.max)) WHERE name = 'unix'")
        }
        #expect(try await world.user("last").unixID == Int64(Int32.max))
        await #expect(throws: StorageError(.unavailable, "")) { try await world.user("more") }
    }

    @Test("forgets everything about a removed user but the number")
    func deletes() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("alice")
        let group = try await world.group("g", [alice.id])
        _ = world.published()
        #expect(try await world.directory.delete(alice.id)?.id == alice.id)
        #expect(world.published() == [.user(alice.id)])
        #expect(try await world.directory.user(named: "alice@contoso.example") == nil)
        #expect(try await world.directory.subject(alice.id) == nil)
        #expect(try await world.directory.members(of: group).isEmpty)
        #expect(try await world.directory.delete(alice.id) == nil)
    }

    @Test("serves ten thousand users in pages, in order and without gaps")
    func pages() async throws {
        let world = try await DirectoryWorld()
        try await world.database.write { transaction in
            for number in 0..<10_000 {
                let id = GUID(high: 9, low: UInt64(number))
                let name = "u\(number)@contoso.example"
                try transaction.run(
                    """
                    INSERT INTO identity_user (
                        id, name, name_key, display_name, display_key, is_enabled, is_guest, must_change, tokens_valid_from,
                        unix_id, former_names, created_at
                    )
                    VALUES (\(id), \(name), \(name), \("Same \(number % 7)"), \("same \(number % 7)"), 1, 0, 0, 0, \(number), '[]', 0)
                    """
                )
            }
        }
        var query = DirectoryQuery(limit: 999)
        var seen: [User] = []
        repeat {
            let page = try await world.directory.users(query)
            seen += page.values
            query.after = page.next
        } while query.after != nil
        #expect(seen.count == 10_000)
        #expect(Set(seen.map(\.id)).count == 10_000)
        #expect(seen.map(\.displayName) == seen.map(\.displayName).sorted())
    }

    @Test("finds users by the beginning of a name and by exact properties")
    func queries() async throws {
        let world = try await DirectoryWorld()
        for name in ["Ann", "Anna", "Bob"] { try await world.user(name) }
        try await world.directory.put(
            user: UserDraft(userPrincipalName: "zoe@contoso.test", displayName: "Zoë", mail: "Zoe@Mail.example")
        )
        func names(_ property: DirectoryQuery.Property, _ how: DirectoryQuery.Comparison, _ value: String) async throws
            -> [String]
        {
            try await world.directory.users(DirectoryQuery(.init(property, how, value))).values.map(\.displayName)
        }
        #expect(try await names(.displayName, .startsWith, "AN") == ["Ann", "Anna"])
        #expect(try await names(.displayName, .equals, "ann") == ["Ann"])
        #expect(try await names(.displayName, .startsWith, "zoë") == ["Zoë"])
        #expect(try await names(.userPrincipalName, .equals, "BOB@contoso.example") == ["Bob"])
        #expect(try await names(.userPrincipalName, .startsWith, "ann") == ["Ann", "Anna"])
        #expect(try await names(.mail, .equals, "zoe@mail.example") == ["Zoë"])
        #expect(try await names(.displayName, .startsWith, "%").isEmpty)
        await #expect(throws: Problem("Request_UnsupportedQuery", shown: "")) { try await names(.appID, .equals, "x") }
        await #expect(throws: Problem.badRequest) { try await world.directory.users(DirectoryQuery(after: "!")) }
    }
}
