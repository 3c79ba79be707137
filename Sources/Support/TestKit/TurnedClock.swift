import Synchronization
public import Vocabulary

/// A clock that stands still until a test turns it.
public final class TurnedClock: Sendable {
    private let reading: Mutex<Instant>

    /// Starts at 2026-01-01T00:00:00Z unless told otherwise.
    public init(_ start: Instant = Instant(seconds: 1_767_225_600)) {
        self.reading = Mutex(start)
    }

    /// The time now.
    public var now: Instant { self.reading.withLock { $0 } }

    /// What the code under test is given.
    public var source: TimeSource { TimeSource { self.now } }

    /// Moves the hands.
    public func turn(_ duration: Duration) {
        self.reading.withLock { $0 = $0 + duration }
    }
}

/// Predictable bytes for tests: SplitMix64 from a seed.
public final class SeededRandom: Sendable {
    private let state: Mutex<UInt64>

    /// The same seed gives the same bytes.
    public init(_ seed: UInt64 = 1) {
        self.state = Mutex(seed)
    }

    /// What the code under test is given.
    public var source: RandomSource {
        RandomSource { count in (0..<count).map { _ in UInt8(truncatingIfNeeded: self.next()) } }
    }

    /// The next number.
    public func next() -> UInt64 {
        self.state.withLock { state in
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
            return z ^ z >> 31
        }
    }
}
