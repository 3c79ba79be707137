public import Vocabulary

/// The fabric of an installation that makes no machines: they exist already and are enrolled by hand.
public struct NoFabric: Fabric {
    /// There is one.
    public init() {}

    public var name: String { "none" }
    public var images: [MachineImage] { [] }

    public func image(for reference: ImageReference) -> MachineImage? { nil }
    public func put(_ network: NetworkOrder) async throws(Problem) {}
    public func remove(network: ResourcePath) async throws(Problem) {}
    public func has(network: ResourcePath) -> Bool { false }
    public func put(_ machine: MachineOrder) async throws(Problem) {}
    public func perform(_ action: MachineAction, on machine: ResourcePath) async throws(Problem) {
        guard action == .delete else {
            throw Problem(
                "OperationNotAllowed",
                shown: "This installation does not run machines itself, so it cannot \(action.rawValue) one."
            )
        }
    }

    public func state(of machine: ResourcePath) -> MachineState? { nil }

    public func connect(to address: String, port: Int, in network: ResourcePath, deadline: Duration)
        async throws(Problem) -> Int32
    {
        throw Problem("NotReachable", shown: "This installation has no networks of its own.")
    }
}
