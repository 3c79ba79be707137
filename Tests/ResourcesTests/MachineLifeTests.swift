import AccessControl
import Fabric
import Resources
import Testing
import Vocabulary

@Suite("The life of machines that the fabric made")
struct MachineLifeTests {
    private static let path = "\(ResourceWorld.compute)/virtualMachines/vm1"

    @Test("start and stop, and say so")
    func power() async throws {
        let (world, fabric) = try await MadeMachine.make()
        func shown() throws -> String? {
            world.resources.instanceView(of: try MadeMachine.resource(in: world))["statuses"]?.array?
                .first { $0["code"]?.string?.hasPrefix("PowerState/") == true }?["displayStatus"]?.string
        }
        try await MadeMachine.act(world, "powerOff")
        #expect(try shown() == "VM stopped")
        try await MadeMachine.act(world, "START")
        #expect(try shown() == "VM running")
        try await MadeMachine.act(world, "poweroff", ["skipshutdown": "true"])
        try await MadeMachine.act(world, "restart")
        try await MadeMachine.act(world, "restart")
        try await MadeMachine.act(world, "deallocate")
        #expect(try shown() == "VM deallocated")
        try await MadeMachine.act(world, "redeploy")
        #expect(
            fabric.log.filter { !$0.hasPrefix("network") } == [
                "machine vm1", "powerOff vm1", "machine vm1", "start vm1", "kill vm1", "machine vm1", "start vm1",
                "restart vm1", "deallocate vm1", "deallocate vm1", "machine vm1", "start vm1",
            ]
        )
        #expect(try MadeMachine.resource(in: world).provisioningState == "Succeeded")
        for verb in ["generalize", "reimage", "fly"] {
            #expect(await world.code { try await MadeMachine.act(world, verb) } == "OperationNotAllowed")
        }
        // A machine joins once.
        #expect(fabric.machines.dropFirst().allSatisfy { $0.enrolment == nil })
    }

    @Test("restart also when nobody knows whether they run, as after the server was started without its fabric")
    func restartUnknown() async throws {
        let (world, fabric) = try await MadeMachine.make()
        fabric.forget(ResourceWorld.path(Self.path))
        try await MadeMachine.act(world, "restart")
        #expect(fabric.log.filter { !$0.hasPrefix("network") } == ["machine vm1", "machine vm1", "restart vm1"])
    }

    @Test("that are stopped are not reached, with the reason")
    func stoppedReach() async throws {
        let (world, _) = try await MadeMachine.make()
        let network = try await world.network(
            "net",
            "10.0.0.0/16",
            [("machines", "10.0.0.0/24"), ("AzureBastionSubnet", "10.0.1.0/26")]
        )
        let bastion = try await world.bastion("b", network, ["enableTunneling": true])
        func reach() -> String {
            world.resources.reach(ResourceWorld.path(Self.path), port: 22, from: ResourceWorld.path(bastion)).code
        }
        #expect(reach() == "allowed")
        try await MadeMachine.act(world, "deallocate")
        #expect(reach() == "MachineNotRunning")
    }

    @Test("can be deleted while they are being made, and leave nothing")
    func deleteWhileCreating() async throws {
        let (world, fabric) = try await MachineMakingTests.world()
        fabric.hold()
        try await world.put(Self.path, MachineMakingTests.body())
        guard
            case .started = try await world.resources.delete(ResourceWorld.path(Self.path), by: .subject(world.owner))
        else {
            Issue.record("no operation")
            return
        }
        #expect(try MadeMachine.resource(in: world).provisioningState == "Deleting")
        fabric.release()
        await world.resources.settle()
        #expect(world.resources.resource(ResourceWorld.path(Self.path)) == nil)
        #expect(fabric.state(of: ResourceWorld.path(Self.path)) == nil && fabric.log.last == "delete vm1")
        #expect(world.resources.list(type: "Microsoft.Compute/disks", below: .root).isEmpty)
    }

    @Test("stay, as failed, when the fabric cannot take them away")
    func deleteFails() async throws {
        let (world, fabric) = try await MadeMachine.make()
        fabric.fail(with: Problem("Busy", shown: "It does not stop."))
        _ = try await world.resources.delete(ResourceWorld.path(Self.path), by: .subject(world.owner))
        await world.resources.settle()
        #expect(try MadeMachine.resource(in: world).provisioningState == "Failed")
    }

    @Test("go with their group, machines before networks")
    func group() async throws {
        let (world, fabric) = try await MadeMachine.make()
        _ = try await world.resources.delete(ResourceWorld.path(ResourceWorld.group), by: .subject(world.owner))
        await world.resources.settle()
        #expect(fabric.log.suffix(2) == ["delete vm1", "remove net"])
        #expect(world.resources.list(type: nil, below: ResourceWorld.path(ResourceWorld.group)).isEmpty)
    }

    @Test("take along what says so, if one may delete that too")
    func companions() async throws {
        let interface: JSONValue = [
            "id": .string("\(ResourceWorld.network)/networkInterfaces/vm1VMNic"),
            "properties": ["deleteOption": "Delete"],
        ]
        let (world, _) = try await MadeMachine.make(MachineMakingTests.body(interface: interface))
        let helper = ResourceWorld.person("helper", 9)
        try await world.assign("Virtual Machine Contributor", to: helper, at: Self.path)
        try await world.assign("Reader", to: helper, at: ResourceWorld.group)
        let path = ResourceWorld.path(Self.path)
        #expect(
            await world.code { _ = try await world.resources.delete(path, by: .subject(helper)) }
                == "AuthorizationFailed"
        )
        _ = try await world.resources.delete(path, by: .subject(world.owner))
        await world.resources.settle()
        #expect(world.resources.list(type: "Microsoft.Network/networkInterfaces", below: .root).isEmpty)
        #expect(world.resources.list(type: "Microsoft.Compute/disks", below: .root).isEmpty)
    }
}
