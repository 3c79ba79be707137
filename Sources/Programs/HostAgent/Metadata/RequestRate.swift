import Synchronization
import Vocabulary

/// How often the metadata service answers: a program that asks in a loop must not keep the agent from its work.
///
/// Steady rates are the real service's (5 requests a second, 20 for identity); a pause saves up for a burst of 120.
final class RequestRate: Sendable {
    /// What is counted apart.
    enum Category: Sendable {
        case identity
        case other
    }

    private struct Bucket {
        let perSecond: Int64
        var thousandths: Int64 = RequestRate.burst * 1000
        var filled: Instant

        mutating func take(_ now: Instant) -> Bool {
            let passed = max(0, now.milliseconds - self.filled.milliseconds)
            self.thousandths = min(RequestRate.burst * 1000, self.thousandths + min(passed, 3_600_000) * self.perSecond)
            self.filled = now
            guard self.thousandths >= 1000 else { return false }
            self.thousandths -= 1000
            return true
        }
    }

    private static let burst: Int64 = 120

    private let time: TimeSource
    private let buckets: Mutex<(identity: Bucket, other: Bucket)>

    init(time: TimeSource = .system) {
        self.time = time
        self.buckets = Mutex((Bucket(perSecond: 20, filled: time.now), Bucket(perSecond: 5, filled: time.now)))
    }

    /// Whether one more may be answered now; counts it when so.
    func allows(_ category: Category) -> Bool {
        let now = self.time.now
        return self.buckets.withLock { buckets in
            switch category {
            case .identity: buckets.identity.take(now)
            case .other: buckets.other.take(now)
            }
        }
    }
}
