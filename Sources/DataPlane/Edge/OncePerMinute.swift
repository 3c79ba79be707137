import NIOCore
import Synchronization

/// Lets one of many equal notices a minute through, because whoever fills the server would fill the log as well.
final class OncePerMinute: Sendable {
    private let last = Mutex<NIODeadline?>(nil)

    /// Whether this notice should be written; counts it as written then.
    func isDue(at now: NIODeadline = .now()) -> Bool {
        self.last.withLock { last in
            if let last, now < last + .minutes(1) { return false }
            last = now
            return true
        }
    }
}
