import Synchronization
import Vocabulary

/// Accounts as last read, so that a request costs no query; forgotten when they or any group change.
final class AccountCache: Sendable {
    private struct Held {
        var accounts: [GUID: Account] = [:]
        var generation = 0
    }

    /// Past this many, everything is forgotten: simpler than keeping an order, and rare.
    private let limit = 50_000
    private let held = Mutex(Held())

    func account(_ id: GUID) -> Account? {
        self.held.withLock { $0.accounts[id] }
    }

    /// Take this before reading an account, and give it back with what was read.
    var generation: Int {
        self.held.withLock { $0.generation }
    }

    /// Remembers an account, unless something changed since its reading began.
    func remember(_ account: Account, readAt generation: Int) {
        self.held.withLock { held in
            guard held.generation == generation else { return }
            if held.accounts.count >= self.limit { held.accounts.removeAll() }
            held.accounts[account.subject.id] = account
        }
    }

    func forget(_ changes: [DirectoryChange]) {
        guard !changes.isEmpty else { return }
        self.held.withLock { held in
            held.generation += 1
            for change in changes {
                switch change {
                case .user(let id), .servicePrincipal(let id): held.accounts[id] = nil
                // Whoever is in the group, directly or not, is another subject now.
                case .group: held.accounts.removeAll()
                }
            }
        }
    }
}
