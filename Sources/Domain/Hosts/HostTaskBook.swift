import AgentWire
import Synchronization
import Vocabulary

/// The work that hosts were given and have not ended: one piece for each host at a time.
final class HostTaskBook: Sendable {
    private struct Entry {
        let host: GUID
        let result: AsyncStream<HostTaskResult>.Continuation
    }

    private let entries = Mutex<[GUID: Entry]>([:])

    /// Notes a piece of work; its result comes out of the stream. Nil when the host has not ended another one.
    func begin(_ id: GUID, on host: GUID) -> AsyncStream<HostTaskResult>? {
        let (stream, result) = AsyncStream.makeStream(of: HostTaskResult.self, bufferingPolicy: .bufferingNewest(1))
        let isFree = self.entries.withLock { entries in
            guard !entries.values.contains(where: { $0.host == host }) else { return false }
            entries[id] = Entry(host: host, result: result)
            return true
        }
        return isFree ? stream : nil
    }

    /// Takes a result; one from another host than the one that was asked is nobody's.
    func ended(_ result: HostTaskResult, on host: GUID) {
        let entry = self.entries.withLock { $0[result.id] }
        guard let entry, entry.host == host else { return }
        entry.result.yield(result)
        entry.result.finish()
    }

    /// Forgets a piece of work.
    func forget(_ id: GUID) {
        self.entries.withLock { $0.removeValue(forKey: id) }?.result.finish()
    }
}
