import Synchronization
import Vocabulary

/// Those who wait until a machine's agent has joined.
final class JoinWaiters: Sendable {
    private struct State {
        var next = 0
        var waiting: [String: [Int: CheckedContinuation<Void, Never>]] = [:]
    }

    private let state = Mutex(State())

    /// Tells them that a machine is there.
    func arrived(_ machine: ResourcePath) {
        let waiting = self.state.withLock { $0.waiting.removeValue(forKey: machine.key) } ?? [:]
        for one in waiting.values { one.resume() }
    }

    /// Waits until the machine is there, the deadline has passed or the task is cancelled.
    func wait(for machine: ResourcePath, within deadline: Duration, unless isThere: @escaping @Sendable () -> Bool)
        async
    {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(for: machine, unless: isThere) }
            group.addTask { try? await Task.sleep(for: deadline) }
            await group.next()
            group.cancelAll()
        }
    }

    private func wait(for machine: ResourcePath, unless isThere: @Sendable () -> Bool) async {
        let number = self.state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Asked after it is written down, so that an arrival in between is not missed.
                self.state.withLock { $0.waiting[machine.key, default: [:]][number] = continuation }
                if isThere() || Task.isCancelled { self.release(number, machine) }
            }
        } onCancel: {
            self.release(number, machine)
        }
    }

    private func release(_ number: Int, _ machine: ResourcePath) {
        let waiter = self.state.withLock { state in
            let waiter = state.waiting[machine.key]?.removeValue(forKey: number)
            if state.waiting[machine.key]?.isEmpty == true { state.waiting[machine.key] = nil }
            return waiter
        }
        waiter?.resume()
    }
}
