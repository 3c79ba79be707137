import Synchronization

/// Lets one change through at a time, first come first served, so that memory follows the store in the store's own
/// order.
///
/// Waiting ends when the change in front has been stored or has failed; the store bounds how long that takes.
final class Turnstile: Sendable {
    private struct State {
        var isBusy = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Runs a change when everything before it is through.
    func pass<Result: Sendable>(_ change: () async throws -> Result) async throws -> Result {
        await withCheckedContinuation { continuation in
            let isFree = self.state.withLock { state in
                if state.isBusy {
                    state.waiting.append(continuation)
                    return false
                }
                state.isBusy = true
                return true
            }
            if isFree { continuation.resume() }
        }
        defer { self.leave() }
        return try await change()
    }

    private func leave() {
        let next = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.waiting.isEmpty {
                state.isBusy = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
