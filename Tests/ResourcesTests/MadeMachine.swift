import Resources
import Testing
import Vocabulary

/// A machine `vm1` that the fake fabric made, and what tests do with it.
enum MadeMachine {
    static let path = ResourceWorld.path("\(ResourceWorld.compute)/virtualMachines/vm1")

    /// A world with the machine, made after a body.
    static func make(_ body: JSONValue = MachineMakingTests.body()) async throws -> (ResourceWorld, FakeFabric) {
        let (world, fabric) = try await MachineMakingTests.world()
        try await world.put(Self.path.description, body)
        await world.resources.settle()
        return (world, fabric)
    }

    /// The machine as it is now.
    static func resource(in world: ResourceWorld) throws -> Resource {
        try #require(world.resources.resource(Self.path))
    }

    /// Does an action to its end.
    static func act(_ world: ResourceWorld, _ verb: String, _ options: [String: String] = [:]) async throws {
        _ = try await world.resources.act(
            verb,
            on: Self.path,
            ActionCall(options: options, author: .subject(world.owner))
        )
        await world.resources.settle()
    }
}
