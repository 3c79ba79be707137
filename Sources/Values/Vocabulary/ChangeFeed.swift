import Synchronization

/// Tells those who asked that something changed, after the change is committed.
///
/// Listeners run on the caller's thread, in the order they asked, and must return at once: they note the change and do the work elsewhere.
public final class ChangeFeed<Change: Sendable>: Sendable {
    private let listeners = Mutex<[@Sendable (Change) -> Void]>([])

    /// Makes a feed that nobody listens to yet.
    public init() {}

    /// Adds a listener for the life of the feed.
    public func subscribe(_ listener: @escaping @Sendable (Change) -> Void) {
        self.listeners.withLock { $0.append(listener) }
    }

    /// Tells everyone.
    public func publish(_ change: Change) {
        for listener in self.listeners.withLock({ $0 }) {
            listener(change)
        }
    }
}
