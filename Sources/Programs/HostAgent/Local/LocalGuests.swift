import Synchronization

/// How many connections each user of the machine has to the local socket: one user must not keep the others, and sshd, from being served.
///
/// One person may have thousands of numbers (subuid(5)), so all but root together are bounded too, well below the 1,024 files that a
/// program may open where nobody says otherwise.
final class LocalGuests: Sendable {
    /// How many connections a user other than root may have at a time.
    static let most = 64
    /// How many connections all users but root may have together at a time.
    static let mostTogether = 512

    private struct Counts {
        var each: [UInt32: Int] = [:]
        var together = 0
    }

    private let counts = Mutex(Counts())

    /// Counts a connection; false when there are too many. Root, whose programs ask whether somebody may enter, is never turned away.
    func enter(_ uid: UInt32) -> Bool {
        guard uid != 0 else { return true }
        return self.counts.withLock { counts in
            guard counts.together < Self.mostTogether, counts.each[uid, default: 0] < Self.most else { return false }
            counts.each[uid, default: 0] += 1
            counts.together += 1
            return true
        }
    }

    /// A counted connection is over.
    func leave(_ uid: UInt32) {
        guard uid != 0 else { return }
        self.counts.withLock { counts in
            counts.each[uid, default: 1] -= 1
            if counts.each[uid] == 0 { counts.each[uid] = nil }
            counts.together -= 1
        }
    }
}
