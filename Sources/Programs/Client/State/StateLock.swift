import FoundationEssentials
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
public import Vocabulary

/// The right to change something in the state directory, which one process has at a time. It ends with the value, or with the process.
public struct StateLock: ~Copyable, Sendable {
    private let descriptor: Int32

    /// Takes the lock that a file stands for, when it is free.
    ///
    /// Throws `Busy` when others have had it for all of `patience`. On file systems without locks everybody gets it.
    public static func take(_ file: String, patience: Duration = .seconds(30)) async throws -> StateLock {
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw Problem("StateDirectory", shown: "Cannot write \(file): \(String(cString: strerror(errno))).")
        }
        let lock = StateLock(descriptor: descriptor)
        let start = ContinuousClock.now
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK || errno == EINTR {
            guard ContinuousClock.now - start < patience else {
                throw Problem("Busy", shown: "Another sally has been at work with \(file) for \(patience). Try again.")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return lock
    }

    deinit {
        close(self.descriptor)
    }

    /// Gives the lock back.
    public consuming func release() {}
}
