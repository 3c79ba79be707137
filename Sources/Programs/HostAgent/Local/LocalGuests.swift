import Synchronization

/// How many connections each user of the machine has to the local socket: one user must not keep the others, and sshd, from being served.
final class LocalGuests: Sendable {
    /// How many connections a user other than root may have at a time.
    static let most = 64

    private let counts = Mutex<[UInt32: Int]>([:])

    /// Counts a connection; false when the user has too many.
    func enter(_ uid: UInt32) -> Bool {
        self.counts.withLock { counts in
            guard uid == 0 || counts[uid, default: 0] < Self.most else { return false }
            counts[uid, default: 0] += 1
            return true
        }
    }

    /// A counted connection is over.
    func leave(_ uid: UInt32) {
        self.counts.withLock { counts in
            counts[uid, default: 1] -= 1
            if counts[uid] == 0 { counts[uid] = nil }
        }
    }
}
