import AgentWire
import Vocabulary

/// Everybody the host knows, as a pure value: who may log in as the server listed them, and who else was asked about.
struct AccountBook: Sendable {
    /// One person.
    struct Person: Hashable, Sendable {
        var account: HostAccount
        /// Whether the server lists the person among those who may log in.
        var mayEnter: Bool
        /// When the directory was last asked about this person.
        var seenAt: Instant
        var home: String
    }

    /// Why somebody was not let into the book.
    enum Objection: Hashable, Sendable {
        /// The name holds something that is not safe on a host, or the number is outside the range of people (X54, X55).
        case unacceptable
        /// The machine has an account of its own with that name or number (X49).
        case local
        /// Another person has that number (X47).
        case taken
    }

    /// How many people are remembered who may not log in.
    static let longestMemory = 1024

    private(set) var people: [GUID: Person] = [:]
    private var names: [String: GUID] = [:]
    private var numbers: [UInt32: GUID] = [:]
    private let shell: String

    init(shell: String) {
        self.shell = shell
    }

    /// What a new list takes away.
    struct Loss: Hashable, Sendable {
        /// Who may no longer log in.
        var gone: Set<GUID> = []
        /// Who may still log in, but is no administrator any more.
        var demoted: Set<GUID> = []

        var isEmpty: Bool { self.gone.isEmpty && self.demoted.isEmpty }
    }

    /// Replaces the list of those who may log in; returns what people lose by it, and who could not be taken in.
    mutating func replace(
        with accounts: [HostAccount],
        local: LocalAccounts,
        homes: inout HomeAssignments,
        at now: Instant
    ) -> (loss: Loss, objections: [GUID: Objection]) {
        let before = Set(self.people.values.filter(\.mayEnter).map(\.account.objectId))
        let administrators = before.filter(self.isAdministrator)
        for id in before {
            self.people[id]?.mayEnter = false
            self.people[id]?.account.administrator = false
        }
        var objections: [GUID: Objection] = [:]
        for account in accounts {
            if let objection = self.note(account, mayEnter: true, local: local, homes: &homes, at: now, indexing: false)
            {
                objections[account.objectId] = objection
            }
        }
        self.index()
        let after = Set(self.people.values.filter(\.mayEnter).map(\.account.objectId))
        let demoted = administrators.intersection(after).filter { !self.isAdministrator($0) }
        return (Loss(gone: before.subtracting(after), demoted: demoted), objections)
    }

    /// Whether somebody is an administrator now.
    func isAdministrator(_ id: GUID) -> Bool {
        self.people[id].map { $0.mayEnter && $0.account.administrator } ?? false
    }

    /// Takes note that somebody was heard of again, when everything is as it is known; otherwise false, and nothing is changed.
    mutating func renew(_ account: HostAccount, mayEnter: Bool, local: LocalAccounts, at now: Instant) -> Bool {
        guard let known = self.people[account.objectId], known.account == account, known.mayEnter == mayEnter,
            !local.clashes(name: account.name, number: account.uid)
        else { return false }
        self.people[account.objectId]?.seenAt = now
        return true
    }

    /// Takes a person in, or renews what is known.
    mutating func note(
        _ account: HostAccount,
        mayEnter: Bool,
        local: LocalAccounts,
        homes: inout HomeAssignments,
        at now: Instant,
        indexing: Bool = true
    ) -> Objection? {
        guard AccountName.isAcceptable(account.name), AccountNumbers.people.contains(account.uid) else {
            return .unacceptable
        }
        guard !local.clashes(name: account.name, number: account.uid) else { return .local }
        if let holder = self.numbers[account.uid], holder != account.objectId { return .taken }
        self.people[account.objectId] = Person(
            account: account,
            mayEnter: mayEnter,
            seenAt: now,
            home: homes.home(for: account.objectId, name: account.name, number: account.uid)
        )
        self.numbers[account.uid] = account.objectId
        if indexing {
            self.forgetOldest()
            self.index()
        }
        return nil
    }

    /// The person with this name as typed: a user principal name in any letter case, an earlier one, or the object id.
    func person(named typed: String) -> Person? {
        if let id = GUID(typed), let person = self.people[id] { return person }
        return self.names[AccountName.normalised(typed)].flatMap { self.people[$0] }
    }

    /// The person with this number.
    func person(number: UInt32) -> Person? {
        self.numbers[number].flatMap { self.people[$0] }
    }

    /// A person's line in the account data base.
    func account(of person: Person) -> LocalAccount {
        LocalAccount(
            name: person.account.name,
            uid: person.account.uid,
            gid: person.account.uid,
            comment: Self.comment(person.account.displayName),
            home: person.home,
            shell: self.shell
        )
    }

    /// The groups of a person besides the own one.
    func memberships(of person: Person) -> [UInt32] {
        guard person.mayEnter else { return [] }
        return person.account.administrator
            ? [AccountNumbers.users, AccountNumbers.administrators] : [AccountNumbers.users]
    }

    /// A group by its number: one of the two, or a person's own.
    func group(number: UInt32) -> LocalGroup? {
        switch number {
        case AccountNumbers.users:
            self.group(AccountNumbers.usersName, number) { $0.mayEnter }
        case AccountNumbers.administrators:
            self.group(AccountNumbers.administratorsName, number) { $0.mayEnter && $0.account.administrator }
        default:
            self.person(number: number).map { LocalGroup(name: $0.account.name, gid: number, members: []) }
        }
    }

    /// A group by its name.
    func group(named typed: String) -> LocalGroup? {
        switch typed {
        case AccountNumbers.usersName: self.group(number: AccountNumbers.users)
        case AccountNumbers.administratorsName: self.group(number: AccountNumbers.administrators)
        default: self.person(named: typed).flatMap { self.group(number: $0.account.uid) }
        }
    }

    /// Everybody, as the name service module reads it when the agent is away.
    func snapshot() -> AccountSnapshot {
        AccountSnapshot(
            entries: self.people.values.sorted { $0.account.uid < $1.account.uid }.map { person in
                AccountSnapshot.Entry(
                    account: self.account(of: person),
                    mayEnter: person.mayEnter,
                    isAdministrator: person.mayEnter && person.account.administrator,
                    aliases: [person.account.objectId.description]
                        + person.account.aliases.map(AccountName.normalised).filter {
                            self.names[$0] == person.account.objectId
                        }
                )
            }
        )
    }

    /// A display name as the comment field of an account: no separators of that file, no control characters, not too long.
    static func comment(_ displayName: String) -> String {
        let harmless = PrintableText.of(displayName, limit: 100).unicodeScalars.filter {
            !":,\\\"".unicodeScalars.contains($0)
        }
        return String(String.UnicodeScalarView(harmless))
    }

    // The member list is for display: it is cut where a reply would become too long. What counts is `memberships`.
    private func group(_ name: String, _ number: UInt32, where belongs: (Person) -> Bool) -> LocalGroup {
        var room = 12_000
        let members = self.people.values.filter(belongs).map(\.account.name).sorted().prefix { member in
            room -= member.utf8.count + 16
            return room > 0
        }
        return LocalGroup(name: name, gid: number, members: Array(members))
    }

    // Own names win over earlier names of others: a name that was given to somebody else must not lead to its former holder.
    private mutating func index() {
        self.names = [:]
        self.numbers = [:]
        let ordered = self.people.values.sorted { $0.seenAt < $1.seenAt }
        for person in ordered {
            for alias in person.account.aliases {
                self.names[AccountName.normalised(alias)] = person.account.objectId
            }
        }
        for person in ordered {
            self.names[person.account.name] = person.account.objectId
            self.numbers[person.account.uid] = person.account.objectId
        }
    }

    private mutating func forgetOldest() {
        let strangers = self.people.values.filter { !$0.mayEnter }
        guard strangers.count > Self.longestMemory else { return }
        for person in strangers.sorted(by: { $0.seenAt < $1.seenAt }).prefix(strangers.count - Self.longestMemory) {
            self.people[person.account.objectId] = nil
        }
    }
}
