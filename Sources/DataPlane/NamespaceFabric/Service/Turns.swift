import Synchronization
import Vocabulary

/// One at a time for each name, and others beside it. For threads that may block.
final class Turns: Sendable {
    // Only those that somebody has or waits for: names come and go.
    private let locks = Mutex<[ResourcePath: (turn: Turn, users: Int)]>([:])

    private final class Turn: Sendable {
        let lock = Mutex(())
    }

    /// How many names somebody has the turn of, or waits for.
    var count: Int { self.locks.withLock { $0.count } }

    /// Waits for the turn of a name and does something in it.
    func take<Value>(_ path: ResourcePath, _ body: () throws(FabricError) -> Value) throws(FabricError) -> Value {
        let turn = self.locks.withLock { locks in
            let turn = locks[path]?.turn ?? Turn()
            locks[path] = (turn, (locks[path]?.users ?? 0) + 1)
            return turn
        }
        defer {
            self.locks.withLock { locks in
                let users = (locks[path]?.users ?? 1) - 1
                locks[path] = users > 0 ? (turn, users) : nil
            }
        }
        return try turn.lock.withLock { (_) throws(FabricError) in try body() }
    }
}
