import NIOCore
import NIOPosix
import Synchronization

/// The threads on which sign-ins wait for domain controllers: a few of their own, so that a controller that is slow or down keeps nobody else waiting.
enum KerberosThreads {
    /// How many sign-ins talk to controllers at once.
    static let count = 16
    /// How many there may be in all; more are turned away rather than left waiting longer than their clients do.
    static let most = 32

    private static let pool: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: Self.count)
        pool.start()
        return pool
    }()
    private static let present = Mutex(0)

    /// Runs something that may stand still; nil when too many do already.
    static func run<Result: Sendable>(
        on eventLoop: any EventLoop,
        _ body: @escaping @Sendable () -> Result
    ) -> EventLoopFuture<Result>? {
        let hasRoom = Self.present.withLock { present in
            guard present < Self.most else { return false }
            present += 1
            return true
        }
        guard hasRoom else { return nil }
        return Self.pool.runIfActive(eventLoop: eventLoop) {
            defer { Self.present.withLock { $0 -= 1 } }
            return body()
        }
    }
}
