import Synchronization
import Vocabulary

/// Lets one writer in at a time, in the order they came, so that each plans on what the one before it stored.
final class TurnQueue: Sendable {
    private struct State {
        var isTaken = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let longest: Int

    /// At most `longest` writers wait; the next one is refused.
    init(longest: Int) {
        self.longest = longest
    }

    /// Runs the body when its turn comes. Throws `TooManyRequests` when the queue is full.
    func run<Result: Sendable>(_ body: () async throws(Problem) -> Result) async throws(Problem) -> Result {
        try await self.enter()
        defer { self.leave() }
        return try await body()
    }

    /// Waits for its turn; `leave` must follow.
    func enter() async throws(Problem) {
        let isFull = self.state.withLock { $0.waiting.count >= self.longest }
        guard !isFull else {
            throw Problem("TooManyRequests", shown: "Too many changes are waiting. Try again in a moment.")
        }
        await withCheckedContinuation { continuation in
            let isFree = self.state.withLock { state in
                if state.isTaken {
                    state.waiting.append(continuation)
                    return false
                }
                state.isTaken = true
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    /// Lets the next one in.
    func leave() {
        let next = self.state.withLock { state in
            if state.waiting.isEmpty {
                state.isTaken = false
                return CheckedContinuation<Void, Never>?.none
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
