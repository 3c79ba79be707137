import Fabric
import Vocabulary

/// A machine as it is kept on disk. No secret is in it.
struct MachineRecord: Codable, Sendable {
    /// Ten hexadecimal digits, drawn at random.
    let id: String
    let path: ResourcePath
    let image: String
    var hostName: String
    var interfaces: [MachineOrder.Interface]
    var memory: Int?
    var processors: Int?
    /// Where its agent finds the server; nil for one without an agent.
    var server: Server?
    /// Whether it shall run: what is started again after the box was.
    var isWanted = true
    /// What it is called while it does not run.
    var isDeallocated = false
    /// `unshare`, which waits for process 1.
    var launcher: ProcessIdentity?
    /// Process 1, by its number outside.
    var process: ProcessIdentity?
    /// What was begun with it and is not finished; a service that ended in the middle finds it here at its next start.
    var step: Step?

    /// Work on a machine that takes a while.
    enum Step: String, Codable {
        /// It is taken back: its secrets came with the order, which is not kept, so whoever ordered it has to say it again.
        case making
        /// It is done again from the beginning.
        case starting
        /// It is finished.
        case removing
    }

    struct Server: Codable, Hashable, Sendable {
        let name: String
        let port: Int
        let authority: String
    }

    /// Whether its processes run.
    var isRunning: Bool { self.process?.isAlive ?? false }

    /// What it is while nothing is being done to it.
    var restingState: MachineState {
        if self.isRunning { return .running }
        return self.isDeallocated ? .deallocated : .stopped
    }

    /// Its places on a network.
    func attachments(in network: NetworkRecord) -> [MachinePort] {
        self.interfaces.enumerated().compactMap { number, interface in
            guard interface.network == network.path, let subnet = network.subnet(interface.subnet) else { return nil }
            return MachinePort(machine: self.id, number: number, interface: interface, bridge: subnet.bridge)
        }
    }
}
