public import Vocabulary

/// What makes machines and networks real: the seam between resources, which are words, and a box, a hypervisor or a cluster.
///
/// Everything is keyed by resource path and idempotent: the same order twice makes one machine, a removal of what is not there does nothing.
/// Calls return when the effect is there or failed; callers run them inside long-running operations and give them deadlines.
public protocol Fabric: Sendable {
    /// What it is called in messages and in instance views, for example `namespaces`.
    var name: String { get }

    /// What it would start for an image, or nil when machines of that kind cannot be made here.
    func image(for reference: ImageReference) -> MachineImage?

    /// Everything it can start, for the image catalogue.
    var images: [MachineImage] { get }

    /// Makes a network real or changes it: subnets, addresses, filters, links to peers. Machines on it keep running.
    func put(_ network: NetworkOrder) async throws(Problem)

    /// Takes a network away. Throws while machines are attached.
    func remove(network: ResourcePath) async throws(Problem)

    /// Whether a network was made here. Cheap: asked at every connection.
    func has(network: ResourcePath) -> Bool

    /// Makes a machine with its disk and starts it. One that is there already is only brought up to date: it is started if it shall run, and
    /// stays as it is if somebody switched it off. Returns when one can sign in to it.
    func put(_ machine: MachineOrder) async throws(Problem)

    /// Starts, stops or removes a machine.
    func perform(_ action: MachineAction, on machine: ResourcePath) async throws(Problem)

    /// How a machine is right now; nil when there is none. Cheap: asked for every instance view.
    func state(of machine: ResourcePath) -> MachineState?

    /// Opens a TCP connection from inside a network and returns its descriptor, which then belongs to the caller.
    ///
    /// Networks may have the same ranges, so an address means something only together with its network.
    func connect(to address: String, port: Int, in network: ResourcePath, deadline: Duration) async throws(Problem)
        -> Int32
}

/// What is done to a machine that exists.
public enum MachineAction: String, Codable, Sendable, CaseIterable {
    /// Starts its processes; nothing happens when they run.
    case start
    /// Ends its processes in order and keeps address, memory limits and disk.
    case powerOff
    /// Ends its processes at once.
    case kill
    /// Stops and starts it.
    case restart
    /// Stops it and gives back everything except its disk.
    case deallocate
    /// Stops it and removes its disk.
    case delete
}

/// How a machine is, in the words of Azure's `PowerState/…` codes.
public enum MachineState: String, Codable, Sendable {
    case starting
    case running
    case stopping
    case stopped
    case deallocating
    case deallocated
}
