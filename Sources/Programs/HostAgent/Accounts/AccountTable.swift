import AgentWire
import Synchronization
import Vocabulary

/// The account book as everything on the host shares it: looked at from the local socket's event loop, changed by what the server says.
final class AccountTable: Sendable {
    private struct State {
        var book: AccountBook
        var homes: HomeAssignments
        var local: LocalAccounts
        var principals: PrincipalFiles
        var saved: [UInt8] = []
    }

    private let state: Mutex<State>
    private let layout: HostLayout
    private let now: TimeSource

    init(book: AccountBook, homes: HomeAssignments, layout: HostLayout, now: TimeSource) {
        let local = LocalAccounts(passwd: HostFile.text(layout.passwdFile) ?? "")
        let principals = PrincipalFiles(directory: layout.principalsDirectory)
        self.state = Mutex(State(book: book, homes: homes, local: local, principals: principals))
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

    /// The same by the file as it is now: whoever stands at the door may have been given a local account since the last list came.
    func isLocalNow(_ name: String) -> Bool {
        let local = LocalAccounts(passwd: HostFile.text(self.layout.passwdFile) ?? "")
        self.state.withLock { $0.local = local }
        return self.isLocal(name)
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
        return self.change { state in
            state.local = local
            return state.book.replace(with: accounts, local: local, homes: &state.homes, at: now)
        }
    }

    /// One person, as a look-up or a decision brought; returns why not, when not.
    func note(_ account: HostAccount, mayEnter: Bool) -> AccountBook.Objection? {
        let now = self.now.now
        // Nearly always: a login must not wait for a copy of the whole book.
        let isRenewed = self.state.withLock { state in
            !state.saved.isEmpty && state.book.renew(account, mayEnter: mayEnter, local: state.local, at: now)
        }
        if isRenewed { return nil }
        return self.change { state in
            state.book.note(account, mayEnter: mayEnter, local: state.local, homes: &state.homes, at: now)
        }
    }

    // The name service module takes accounts from the file without asking, so nobody may learn of a change before the file says the same: a name
    // that went over to somebody else must not lead to the number of who had it before. A file that cannot be written goes away.
    private func change<Result>(_ body: (inout State) -> Result) -> Result {
        self.state.withLock { state in
            let result = body(&state)
            do throws(HostAgentError) {
                try self.writeSnapshot(&state)
            } catch {
                try? HostFile.remove(self.layout.snapshotFile)
                state.saved = []
            }
            return result
        }
    }

    /// Writes the files that the name service module and sshd read, unless they say all this already.
    func saveSnapshot() throws(HostAgentError) {
        try self.state.withLock { (state) throws(HostAgentError) in try self.writeSnapshot(&state) }
    }

    private func writeSnapshot(_ state: inout State) throws(HostAgentError) {
        guard let bytes = try? state.book.snapshot().encoded() else {
            throw .configuration("the account snapshot cannot be written")
        }
        guard state.saved != bytes else { return }
        try state.principals.update(state.book)
        try HostFile.makeDirectory(self.layout.stateDirectory, mode: 0o755)
        try HostFile.replace(self.layout.snapshotFile, with: bytes, .root(0o644), durable: false)
        state.saved = bytes
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
