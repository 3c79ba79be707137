import AgentWire
import Synchronization
import Vocabulary

/// The account book as everything on the host shares it: looked at from the local socket's event loop, changed by what the server says.
final class AccountTable: Sendable {
    private struct State {
        var book: AccountBook
        var homes: HomeAssignments
        var local: LocalAccounts
        var saved: [UInt8] = []
    }

    private let state: Mutex<State>
    private let layout: HostLayout
    private let now: TimeSource

    init(book: AccountBook, homes: HomeAssignments, layout: HostLayout, now: TimeSource) {
        let local = LocalAccounts(passwd: HostFile.text(layout.passwdFile) ?? "")
        self.state = Mutex(State(book: book, homes: homes, local: local))
        self.layout = layout
        self.now = now
    }

    /// Reads from the book.
    func read<Result>(_ body: (borrowing AccountBook) -> Result) -> Result {
        self.state.withLock { body($0.book) }
    }

    /// The homes given so far.
    var homes: [GUID: String] { self.state.withLock { $0.homes.homes } }

    /// Whether the machine has an account of its own by this name.
    func isLocal(_ name: String) -> Bool {
        self.state.withLock { $0.local.names.contains(AccountName.normalised(name)) }
    }

    /// Whether everything that runs under a number is this person's: the machine has no account with it, and nobody else of ours has.
    func owns(_ id: GUID, number: UInt32) -> Bool {
        self.state.withLock { state in
            let holder = state.book.person(number: number)?.account.objectId ?? id
            return AccountNumbers.people.contains(number) && holder == id && !state.local.numbers.contains(number)
        }
    }

    /// Everybody who may log in, as the server lists them: returns what people lose by it, and who could not be taken in.
    func replace(
        with accounts: [HostAccount]
    ) -> (loss: AccountBook.Loss, objections: [GUID: AccountBook.Objection]) {
        let local = LocalAccounts(passwd: HostFile.text(self.layout.passwdFile) ?? "")
        let now = self.now.now
        return self.state.withLock { state in
            state.local = local
            return state.book.replace(with: accounts, local: local, homes: &state.homes, at: now)
        }
    }

    /// One person, as a look-up or a decision brought; returns why not, when not.
    func note(_ account: HostAccount, mayEnter: Bool) -> AccountBook.Objection? {
        let now = self.now.now
        return self.state.withLock { state in
            state.book.note(account, mayEnter: mayEnter, local: state.local, homes: &state.homes, at: now)
        }
    }

    /// Writes the file that the name service module reads when the agent is away.
    func saveSnapshot() throws(HostAgentError) {
        let snapshot = self.state.withLock { $0.book.snapshot() }
        guard let bytes = try? snapshot.encoded() else {
            throw .configuration("the account snapshot cannot be written")
        }
        guard self.state.withLock({ $0.saved != bytes }) else { return }
        try HostFile.makeDirectory(self.layout.stateDirectory, mode: 0o755)
        try HostFile.replace(self.layout.snapshotFile, with: bytes, .root(0o644), durable: false)
        self.state.withLock { $0.saved = bytes }
    }

    /// The answer to a question of the name service, as far as the book knows; nil when the directory has to be asked.
    func answer(_ request: LocalRequest) -> LocalReply? {
        self.read { book in
            switch request {
            case .account(let name): book.person(named: name).map { .account(book.account(of: $0)) }
            case .accountByNumber(let number):
                book.person(number: number).map { .account(book.account(of: $0)) } ?? .notFound
            case .group(let name):
                book.group(named: name).map { .group($0) }
            case .groupByNumber(let number): book.group(number: number).map { .group($0) } ?? .notFound
            case .memberships(let name): book.person(named: name).map { .memberships(book.memberships(of: $0)) }
            default: nil
            }
        }
    }
}
