import Synchronization

/// How many connections to the metadata service there are: whoever is on the machine may open some, and must not use up the files that the
/// agent needs for those who sign in (1,024 where nobody says otherwise).
final class MetadataSeats: Sendable {
    /// How many there may be at a time.
    let most: Int
    private let taken = Mutex(0)

    init(most: Int = 128) {
        self.most = most
    }

    /// Takes one; false when there is none.
    func take() -> Bool {
        self.taken.withLock { taken in
            guard taken < self.most else { return false }
            taken += 1
            return true
        }
    }

    /// Gives one back.
    func leave() {
        self.taken.withLock { $0 -= 1 }
    }
}
