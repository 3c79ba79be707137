import Fabric
import Synchronization
import Vocabulary

/// Writes down what it is told and says what a test wants to hear; makes nothing.
final class FakeFabric: Fabric {
    private struct State {
        var log: [String] = []
        var machines: [MachineOrder] = []
        var networks: [NetworkOrder] = []
        var states: [String: MachineState] = [:]
        var present: Set<String> = []
        var failure: Problem?
        var isHeld = false
        var held: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    let name = "fake"
    let images = [
        MachineImage(
            id: "bookworm",
            reference: ImageReference(publisher: "Debian", offer: "debian-12", sku: "12-gen2", version: "12.9"),
            title: "Debian GNU/Linux 12"
        )
    ]

    func image(for reference: ImageReference) -> MachineImage? {
        guard reference.offer != "unknown" else { return nil }
        let isOwn = reference.publisher == "Debian"
        return MachineImage(
            id: "bookworm",
            reference: self.images[0].reference,
            title: "Debian GNU/Linux 12",
            substitutes: isOwn ? nil : reference
        )
    }

    /// What happened, in order.
    var log: [String] { self.state.withLock { $0.log } }
    /// The orders for machines, in order.
    var machines: [MachineOrder] { self.state.withLock { $0.machines } }
    /// The orders for networks, in order.
    var networks: [NetworkOrder] { self.state.withLock { $0.networks } }

    /// Fails everything from now on; nil ends it.
    func fail(with problem: Problem?) { self.state.withLock { $0.failure = problem } }

    /// Lets machines wait while they are being made.
    func hold() { self.state.withLock { $0.isHeld = true } }

    /// Lets them go on.
    func release() {
        let held = self.state.withLock { state in
            state.isHeld = false
            defer { state.held = [] }
            return state.held
        }
        for one in held { one.resume() }
    }

    func put(_ network: NetworkOrder) async throws(Problem) {
        try self.note("network \(network.path.name)") { state in
            state.networks.append(network)
            state.present.insert(network.path.key)
        }
    }

    func remove(network: ResourcePath) async throws(Problem) {
        try self.note("remove \(network.name)") { $0.present.remove(network.key) }
    }

    func has(network: ResourcePath) -> Bool { self.state.withLock { $0.present.contains(network.key) } }

    func put(_ machine: MachineOrder) async throws(Problem) {
        await withCheckedContinuation { continuation in
            let goesOn = self.state.withLock { state in
                if state.isHeld { state.held.append(continuation) }
                return !state.isHeld
            }
            if goesOn { continuation.resume() }
        }
        try self.note("machine \(machine.path.name)") { state in
            state.machines.append(machine)
            // One that was switched off stays as it is.
            if state.states[machine.path.key] == nil { state.states[machine.path.key] = .running }
        }
    }

    func perform(_ action: MachineAction, on machine: ResourcePath) async throws(Problem) {
        try self.note("\(action.rawValue) \(machine.name)") { state in
            switch action {
            case .start, .restart: state.states[machine.key] = .running
            case .powerOff, .kill: state.states[machine.key] = .stopped
            case .deallocate: state.states[machine.key] = .deallocated
            case .delete: state.states[machine.key] = nil
            }
        }
    }

    func state(of machine: ResourcePath) -> MachineState? { self.state.withLock { $0.states[machine.key] } }

    /// As if the service had not been heard of yet.
    func forget(_ machine: ResourcePath) { self.state.withLock { $0.states[machine.key] = nil } }

    func connect(to address: String, port: Int, in network: ResourcePath, deadline: Duration)
        async throws(Problem) -> Int32
    { throw Problem("NotReachable", shown: "Nothing is reachable in a test.") }

    private func note(_ line: String, _ change: (inout State) -> Void) throws(Problem) {
        let failure = self.state.withLock { state in
            state.log.append(line)
            if state.failure == nil { change(&state) }
            return state.failure
        }
        if let failure { throw failure }
    }
}

/// A set that several may change.
final class Box<Element: Hashable & Sendable>: Sendable {
    private let elements = Mutex<Set<Element>>([])

    func insert(_ element: Element) { self.elements.withLock { _ = $0.insert(element) } }
    func contains(_ element: Element) -> Bool { self.elements.withLock { $0.contains(element) } }
}
