import AgentWire
import Testing
import Vocabulary

@testable import HostAgent

@Suite("Account book")
struct AccountBookTests {
    static let now = Instant(seconds: 1_800_000_000)
    private var homes = HomeAssignments(base: "/home") { _, _ in false }
    private let local = LocalAccounts(
        passwd: "root:x:0:0:root:/root:/bin/sh\nclash@x.y:x:1000:1000::/:/bin/sh\nbig:x:1879048999:1::/:/bin/sh\n"
    )

    static func id(_ number: UInt64) -> GUID { GUID(high: 1, low: number) }

    static func account(
        _ number: UInt64,
        _ name: String,
        uid: UInt32? = nil,
        admin: Bool = false,
        aliases: [String] = []
    ) -> HostAccount {
        HostAccount(
            objectId: Self.id(number),
            name: name,
            uid: uid ?? 1_879_048_192 + UInt32(number),
            displayName: "P",
            administrator: admin,
            aliases: aliases
        )
    }

    private mutating func book(_ accounts: HostAccount...) -> AccountBook {
        var book = AccountBook(shell: "/bin/bash")
        _ = book.replace(with: accounts, local: self.local, homes: &self.homes, at: Self.now)
        return book
    }

    @Test("finds a person by name in any letter case, by earlier name, by object id and by number")
    mutating func spellings() {
        let book = self.book(Self.account(1, "alice@x.y", aliases: ["Old.Alice@x.y"]))
        for typed in [
            "alice@x.y", "ALICE@X.Y", "old.alice@x.y", Self.id(1).description, Self.id(1).description.uppercased(),
        ] {
            #expect(book.person(named: typed)?.account.name == "alice@x.y")
        }
        #expect(book.person(number: 1_879_048_193)?.account.name == "alice@x.y")
        #expect(book.person(named: "alice@x.z") == nil)
    }

    @Test("finds a service principal by its application id and its object id")
    mutating func servicePrincipal() {
        let name = "5a117000-0000-4000-8000-00000000000a"
        let book = self.book(Self.account(7, name, aliases: [Self.id(7).description]))
        #expect(book.person(named: name.uppercased())?.account.objectId == Self.id(7))
        #expect(book.person(named: Self.id(7).description)?.account.name == name)
    }

    @Test("puts people into the groups that their rights say")
    mutating func groups() throws {
        var book = self.book(Self.account(1, "alice@x.y", admin: true), Self.account(2, "bob@x.y"))
        _ = book.note(
            Self.account(3, "dave@x.y", admin: true),
            mayEnter: false,
            local: self.local,
            homes: &self.homes,
            at: Self.now
        )
        #expect(
            book.memberships(of: try #require(book.person(named: "alice@x.y"))) == [
                AccountNumbers.users, AccountNumbers.administrators,
            ]
        )
        #expect(book.memberships(of: try #require(book.person(named: "bob@x.y"))) == [AccountNumbers.users])
        #expect(book.memberships(of: try #require(book.person(named: "dave@x.y"))).isEmpty)
        #expect(book.group(named: "sallyport-users")?.members == ["alice@x.y", "bob@x.y"])
        #expect(book.group(named: "sallyport-admins")?.members == ["alice@x.y"])
        #expect(book.group(named: "dave@x.y")?.gid == 1_879_048_195)
        #expect(book.group(number: 0) == nil)
    }

    @Test("says who is gone when the list is replaced")
    mutating func gone() {
        var book = self.book(Self.account(1, "alice@x.y"), Self.account(2, "bob@x.y"))
        let change = book.replace(
            with: [Self.account(2, "bob@x.y")],
            local: self.local,
            homes: &self.homes,
            at: Self.now
        )
        #expect(change.loss == AccountBook.Loss(gone: [Self.id(1)]))
        #expect(book.person(named: "alice@x.y")?.mayEnter == false)
    }

    @Test("says who is an administrator no longer, and not who is gone altogether")
    mutating func demoted() {
        var book = self.book(
            Self.account(1, "alice@x.y", admin: true),
            Self.account(2, "bob@x.y", admin: true),
            Self.account(3, "dave@x.y", admin: true),
            Self.account(4, "erin@x.y")
        )
        let change = book.replace(
            with: [
                Self.account(1, "alice@x.y", admin: true), Self.account(2, "bob@x.y"), Self.account(4, "erin@x.y"),
            ],
            local: self.local,
            homes: &self.homes,
            at: Self.now
        )
        #expect(change.loss == AccountBook.Loss(gone: [Self.id(3)], demoted: [Self.id(2)]))
    }

    @Test("refuses numbers of the system, of local people, and of each other (X47, X55)")
    mutating func numbers() {
        var book = self.book(Self.account(1, "alice@x.y"))
        let attempts: [(HostAccount, AccountBook.Objection)] = [
            (Self.account(2, "r@x.y", uid: 0), .unacceptable), (Self.account(2, "r@x.y", uid: 61_500), .unacceptable),
            (Self.account(2, "r@x.y", uid: AccountNumbers.administrators), .unacceptable),
            (Self.account(2, "r@x.y", uid: 1_879_048_999), .local), (Self.account(2, "clash@x.y"), .local),
            (Self.account(2, "bob@x.y", uid: 1_879_048_193), .taken), (Self.account(2, "root"), .unacceptable),
            (Self.account(2, "a:b@x.y"), .unacceptable),
        ]
        for (account, objection) in attempts {
            #expect(
                book.note(account, mayEnter: true, local: self.local, homes: &self.homes, at: Self.now) == objection
            )
        }
    }

    @Test("gives a name that was passed on to its new holder, not to the former one")
    mutating func passedOn() {
        let book = self.book(Self.account(1, "alice2@x.y", aliases: ["alice@x.y"]), Self.account(2, "alice@x.y"))
        #expect(book.person(named: "alice@x.y")?.account.objectId == Self.id(2))
    }

    @Test("keeps a person's home when the name changes, and never gives one home to two")
    mutating func home() {
        var book = self.book(Self.account(1, "alice@x.y"))
        _ = book.replace(
            with: [Self.account(1, "alice2@x.y"), Self.account(2, "alice@x.y")],
            local: self.local,
            homes: &self.homes,
            at: Self.now
        )
        #expect(book.person(named: "alice2@x.y")?.home == "/home/alice@x.y")
        #expect(book.person(named: "alice@x.y")?.home == "/home/alice@x.y.1879048194")
    }

    @Test("takes another name for a home that somebody else's directory has")
    func takenHome() {
        var homes = HomeAssignments(base: "/home") { path, _ in path == "/home/a@b" }
        #expect(homes.home(for: Self.id(1), name: "a@b", number: 5) == "/home/a@b.5")
    }

    @Test("keeps separators and control characters out of the comment")
    func comment() {
        #expect(AccountBook.comment("A:b,c\u{1b}[31m\nd") == "Abc?[31m?d")
    }

    @Test("forgets the oldest of those who may not enter, never those who may")
    mutating func memory() {
        var book = self.book(Self.account(1, "alice@x.y"))
        for number in 2...UInt64(AccountBook.longestMemory + 10) {
            _ = book.note(
                Self.account(number, "p\(number)@x.y"),
                mayEnter: false,
                local: self.local,
                homes: &self.homes,
                at: Self.now + .seconds(Int64(number))
            )
        }
        #expect(book.people.count == AccountBook.longestMemory + 1)
        #expect(book.person(named: "alice@x.y") != nil)
        #expect(book.person(named: "p2@x.y") == nil)
    }

    @Test("writes a snapshot that leads with the object id")
    mutating func snapshot() throws {
        let entry = try #require(
            self.book(Self.account(1, "alice@x.y", admin: true, aliases: ["old@x.y"])).snapshot().entries.first
        )
        #expect(entry.aliases == [Self.id(1).description, "old@x.y"])
        #expect(entry.mayEnter && entry.isAdministrator)
    }
}

@Suite("Decisions without the server")
struct OfflinePolicyTests {
    private let person = AccountBook.Person(
        account: AccountBookTests.account(1, "alice@x.y", admin: true),
        mayEnter: true,
        seenAt: AccountBookTests.now,
        home: "/home/a"
    )

    @Test("lets people in for the stated time after the last contact, and not a moment longer")
    func bound() {
        let policy = OfflinePolicy(lastContact: AccountBookTests.now, longest: .seconds(600))
        #expect(policy.decide(self.person, at: AccountBookTests.now + .seconds(600)).allowed)
        let late = policy.decide(self.person, at: AccountBookTests.now + .seconds(601))
        #expect(!late.allowed)
        #expect(late.refusal?.code == "ServerUnreachable")
    }

    @Test("lets nobody in who could not enter at the last contact, and nobody at all before the first")
    func strict() {
        var stranger = self.person
        stranger.mayEnter = false
        let policy = OfflinePolicy(lastContact: AccountBookTests.now)
        #expect(policy.decide(stranger, at: AccountBookTests.now).refusal?.code == "RoleMissing")
        #expect(!OfflinePolicy().decide(self.person, at: AccountBookTests.now).allowed)
    }

    @Test("a clock that was set back makes the time no longer")
    func setBack() {
        let policy = OfflinePolicy(lastContact: AccountBookTests.now, longest: .seconds(600))
        #expect(policy.decide(self.person, at: AccountBookTests.now - .seconds(600)).allowed)
        #expect(!policy.decide(self.person, at: AccountBookTests.now - .seconds(601)).allowed)
    }

    @Test("believes no more than a day")
    func longest() {
        let policy = OfflinePolicy(lastContact: AccountBookTests.now)
        policy.hold(for: .seconds(10_000_000))
        #expect(!policy.decide(self.person, at: AccountBookTests.now + .seconds(86_401)).allowed)
    }
}
