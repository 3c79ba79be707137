import CSodium
import Dispatch
import Synchronization
public import Vocabulary

/// Argon2id behind a bounded pool: hashing is the cheapest way to exhaust a server, so only `threads` run and only `queue` wait.
///
/// 19 MiB and two passes, 15 ms a password: the OWASP Password Storage Cheat Sheet's first choice. The stored text is libsodium's
/// `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
public final class PasswordHasher: Sendable {
    /// The memory of one hash, in bytes.
    static let memory = 19 * 1024 * 1024
    /// The passes over it.
    static let passes: UInt64 = 2
    /// The longest password that is looked at, in bytes.
    static let longest = 1024

    private struct State {
        var running = 0
        var waiting: [@Sendable () -> Void] = []
    }

    private let threads: Int
    private let queue: Int
    private let state = Mutex(State())
    private let workers = DispatchQueue(label: "sallyport.passwords", attributes: .concurrent)

    /// Makes a pool: at most `threads` hashes at once, at most `queue` waiting.
    public init(threads: Int = 2, queue: Int = 64) {
        self.threads = max(1, threads)
        self.queue = max(0, queue)
    }

    /// Hashes a password for storing. Throws `busy` when too many wait.
    public func hash(_ password: Secret<[UInt8]>) async throws(PasswordError) -> String {
        try await self.run { Argon2.hash(password) }.get()
    }

    /// Whether a password is the one that was hashed. Without a hash it does the same work and says no. Throws `busy` when too many wait.
    public func verify(_ password: Secret<[UInt8]>, against hash: String?) async throws(PasswordError) -> Bool {
        try await self.run { Argon2.verify(password, against: hash) }.get()
    }

    /// Whether a stored hash was made with other parameters than today's, and should be replaced when the password is next seen.
    public func needsRehash(_ hash: String) -> Bool {
        Argon2.isReady && crypto_pwhash_str_needs_rehash(hash, Self.passes, Self.memory) != 0
    }

    /// How many hashes run or wait.
    public var load: Int {
        self.state.withLock { $0.running + $0.waiting.count }
    }

    private func run<Value: Sendable>(
        _ work: @escaping @Sendable () -> Result<Value, PasswordError>
    ) async -> Result<Value, PasswordError> {
        await withCheckedContinuation { continuation in
            let accepted = self.submit { continuation.resume(returning: work()) }
            if !accepted { continuation.resume(returning: .failure(.busy)) }
        }
    }

    /// Starts a job or puts it into the queue; false when that is full.
    func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        enum Fate { case start, wait, refuse }
        let fate: Fate = self.state.withLock { state in
            if state.running < self.threads {
                state.running += 1
                return .start
            }
            guard state.waiting.count < self.queue else { return .refuse }
            state.waiting.append(job)
            return .wait
        }
        if fate == .start { self.workers.async { self.work(job) } }
        return fate != .refuse
    }

    private func work(_ first: @Sendable () -> Void) {
        first()
        while let job = self.takeNext() {
            job()
        }
    }

    private func takeNext() -> (@Sendable () -> Void)? {
        self.state.withLock { state in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.running -= 1
            return nil
        }
    }
}
