import CLinux
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Does something inside a network namespace, on a thread of its own that ends with it: no thread ever has to find its way back.
enum NamespaceThread {
    private static let newNetwork: Int32 = 0x4000_0000

    /// Runs `body` in the namespace behind a path such as `/run/netns/name` or `/proc/7/ns/net`, and waits for it.
    @discardableResult
    static func run<Value: Sendable>(
        in place: String,
        _ body: @escaping @Sendable () throws(FabricError) -> Value
    ) throws(FabricError) -> Value {
        let namespace = open(place, O_RDONLY | O_CLOEXEC)
        guard namespace >= 0 else { throw .last("open", of: place) }
        defer { close(namespace) }
        let work = Work {
            guard clinux_setns(namespace, Self.newNetwork) == 0 else {
                return Result<Value, FabricError>.failure(.last("setns", of: place))
            }
            do throws(FabricError) {
                return .success(try body())
            } catch {
                return .failure(error)
            }
        }
        var thread = pthread_t()
        let failure = Self.begin(work, &thread)
        guard failure == 0 else { throw .system(call: "thread", of: place, number: failure) }
        pthread_join(thread, nil)
        guard let result = work.result.withLock({ $0 }) else { throw .message("A thread ended without a result.") }
        return try result.get()
    }

    /// Starts a thread that nobody waits for; false when there are too many.
    static func detach(_ body: @escaping @Sendable () -> Void) -> Bool {
        let work = Work<Void> {
            body()
            return .success(())
        }
        var thread = pthread_t()
        guard Self.begin(work, &thread) == 0 else { return false }
        pthread_detach(thread)
        return true
    }

    // Zero, or the number of the error.
    private static func begin(_ work: AnyWork, _ thread: inout pthread_t) -> Int32 {
        let failure = pthread_create(
            &thread,
            nil,
            { context in
                if let context { Unmanaged<AnyWork>.fromOpaque(context).takeRetainedValue().perform() }
                return nil
            },
            Unmanaged<AnyWork>.passRetained(work).toOpaque()
        )
        if failure != 0 { Unmanaged<AnyWork>.passUnretained(work).release() }
        return failure
    }

    private class AnyWork: @unchecked Sendable {  // It has no state; its one subclass keeps its own behind a lock.
        func perform() {}
    }

    private final class Work<Value: Sendable>: AnyWork, @unchecked Sendable {  // The result is behind the lock.
        let result = Mutex<Result<Value, FabricError>?>(nil)
        private let body: @Sendable () -> Result<Value, FabricError>

        init(_ body: @escaping @Sendable () -> Result<Value, FabricError>) {
            self.body = body
        }

        override func perform() {
            let made = self.body()
            self.result.withLock { $0 = made }
        }
    }
}
