import Fabric
import Synchronization
import Vocabulary

/// What the fabric was last told about each machine's places, so that it is told again only when that changed.
final class FittedPlaces: Sendable {
    private let known = Mutex<[String: [MachineOrder.Interface]]>([:])

    /// Notes what it was told.
    func note(_ places: [MachineOrder.Interface], of machine: ResourcePath) {
        self.known.withLock { $0[machine.key] = places }
    }

    /// Forgets a machine.
    func forget(_ machine: ResourcePath) {
        self.known.withLock { $0[machine.key] = nil }
    }

    subscript(machine: ResourcePath) -> [MachineOrder.Interface]? {
        self.known.withLock { $0[machine.key] }
    }
}
