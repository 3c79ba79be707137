import AccessControl
import Resources
import Testing
import Vocabulary

@Suite("Many resources")
struct ScaleTests {
    @Test("are declared in one go, get addresses of their own, and are reloaded, listed and reached")
    func thousand() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network(
            "net",
            "10.0.0.0/8",
            [("AzureBastionSubnet", "10.255.0.0/26"), ("m", "10.0.0.0/16")]
        )
        let wishes = (0..<1000).flatMap { number in
            let interface = "\(ResourceWorld.network)/networkInterfaces/vm\(number)VMNic"
            return [
                ResourceWish(
                    ResourceWorld.path(interface),
                    ResourceWorld.interface("\(network)/subnets/m", nil)
                ),
                ResourceWish(
                    ResourceWorld.path("\(ResourceWorld.compute)/virtualMachines/vm\(number)"),
                    [
                        "location": "local",
                        "properties": ["networkProfile": ["networkInterfaces": [["id": .string(interface)]]]],
                    ]
                ),
            ]
        }
        let bastion = ResourceWorld.path(try await world.bastion("b", network, ["enableTunneling": true]))
        try await world.resources.putAll(wishes, by: .system)
        try await world.resources.load()
        let machines = try world.resources.list(
            type: "Microsoft.Compute/virtualMachines",
            below: ResourceWorld.path(ResourceWorld.group),
            for: world.reader
        )
        #expect(machines.count == 1000)
        #expect(Set(machines.flatMap { world.resources.addresses(of: $0.path) }).count == 1000)
        #expect(machines.allSatisfy { world.resources.reach($0.path, port: 22, from: bastion).code == "allowed" })
    }
}
