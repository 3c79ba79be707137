import AccessControl
import Fabric
import Resources
import Synchronization
import Testing
import Vocabulary

/// A fabric that has one network and makes nothing.
private struct OneNetwork: Fabric {
    let network: ResourcePath
    let name = "one"
    let images: [MachineImage] = []

    func image(for reference: ImageReference) -> MachineImage? { nil }
    func put(_ network: NetworkOrder) async throws(Problem) {}
    func remove(network: ResourcePath) async throws(Problem) {}
    func has(network: ResourcePath) -> Bool { network == self.network }
    func put(_ machine: MachineOrder) async throws(Problem) {}
    func perform(_ action: MachineAction, on machine: ResourcePath) async throws(Problem) {}
    func state(of machine: ResourcePath) -> MachineState? { nil }
    func connect(to address: String, port: Int, in network: ResourcePath, deadline: Duration) async throws(Problem)
        -> Int32
    {
        throw Problem("None", shown: "none")
    }
}

/// A fabric whose network comes and goes: it is there at every other question.
private final class Flicker: Fabric {
    let name = "flicker"
    let images: [MachineImage] = []
    private let asked = Atomic<Int>(0)

    var questions: Int { self.asked.load(ordering: .relaxed) }

    func image(for reference: ImageReference) -> MachineImage? { nil }
    func put(_ network: NetworkOrder) async throws(Problem) {}
    func remove(network: ResourcePath) async throws(Problem) {}
    func has(network: ResourcePath) -> Bool { self.asked.add(1, ordering: .relaxed).newValue % 2 == 1 }
    func put(_ machine: MachineOrder) async throws(Problem) {}
    func perform(_ action: MachineAction, on machine: ResourcePath) async throws(Problem) {}
    func state(of machine: ResourcePath) -> MachineState? { nil }
    func connect(to address: String, port: Int, in network: ResourcePath, deadline: Duration) async throws(Problem)
        -> Int32
    {
        throw Problem("None", shown: "none")
    }
}

@Suite("Networks that were made")
struct MadeNetworkTests {
    @Test("says in which network an address is meant, when the fabric made that network")
    func namesNetwork() async throws {
        let world = try await ResourceWorld()
        let subnets = [("AzureBastionSubnet", "10.0.255.0/26"), ("m", "10.0.0.0/24")]
        let hub = try await world.network("hub", "10.0.0.0/16", subnets)
        let bastion = ResourceWorld.path(
            try await world.bastion("b", hub, sku: "Standard", ["enableTunneling": true])
        )
        let machine = ResourceWorld.path(try await world.machine("near", "\(hub)/subnets/m", "10.0.0.10"))

        func endpoint() -> Endpoint? {
            guard case .allowed(let reach) = world.resources.reach(machine, port: 22, from: bastion) else { return nil }
            return reach.endpoint
        }
        #expect(endpoint() == Endpoint(address: "10.0.0.10", port: 22))
        world.resources.hooks.fabric = OneNetwork(network: ResourceWorld.path(hub))
        #expect(endpoint() == Endpoint(address: "10.0.0.10", port: 22, network: ResourceWorld.path(hub)))
    }

    @Test("never turns a connection inside a network that just goes away into one of the box's own")
    func goesAway() async throws {
        let world = try await ResourceWorld()
        let subnets = [("AzureBastionSubnet", "10.0.255.0/26"), ("m", "10.0.0.0/24")]
        let hub = try await world.network("hub", "10.0.0.0/16", subnets)
        let bastion = ResourceWorld.path(
            try await world.bastion("b", hub, sku: "Standard", ["enableTunneling": true])
        )
        let machine = ResourceWorld.path(try await world.machine("near", "\(hub)/subnets/m", "10.0.0.10"))
        let flicker = Flicker()
        world.resources.hooks.fabric = flicker
        _ = world.resources.reach(machine, port: 22, from: bastion)
        // One question, one answer: a second one in the same judgement might be answered differently.
        #expect(flicker.questions == 1)
    }
}
