import Fabric
import Testing
import Vocabulary

@testable import NamespaceFabric

@Suite("Addresses") struct AddressTests {
    @Test("takes the next free link") func nextFree() {
        #expect(LinkAddresses.free(from: 5, taken: [])?.box == "169.254.128.21")
        #expect(LinkAddresses.free(from: 5, taken: ["169.254.128.21"])?.box == "169.254.128.25")
        #expect(LinkAddresses.free(from: 8191, taken: ["169.254.255.253"])?.index == 0)
    }

    @Test("never takes the link around the metadata address") func sparesMetadata() {
        let all = (0..<LinkAddresses.count).compactMap { LinkAddresses.free(from: $0, taken: [])?.index }
        #expect(!all.contains { LinkAddresses(index: $0).box == "169.254.169.253" })
    }

    @Test("says so when no link is free") func noneFree() {
        let taken = Set((0..<LinkAddresses.count).map { LinkAddresses(index: $0).box })
        #expect(LinkAddresses.free(from: 0, taken: taken) == nil)
    }

    @Test("keeps bridges of subnets that stay") func keepsBridges() throws {
        let path = ResourcePath.root.appending("a", "b")
        let before = try NetworkRecord.subnets(
            of: NetworkOrder(
                path: path,
                subnets: [.init(name: "a", prefix: "10.0.0.0/24"), .init(name: "b", prefix: "10.0.1.0/24")]
            ),
            before: []
        )
        let after = try NetworkRecord.subnets(
            of: NetworkOrder(
                path: path,
                subnets: [.init(name: "c", prefix: "10.0.2.0/24"), .init(name: "B", prefix: "10.0.1.0/24")]
            ),
            before: before
        )
        #expect(before.map(\.bridge) == ["br0", "br1"])
        #expect(after.map(\.bridge) == ["br2", "br1"])
    }

    @Test("refuses a subnet without room or sense", arguments: ["10.0.0.0/30", "10.0.0.0", "fd00::/64"])
    func refusesSubnets(prefix: String) {
        let order = NetworkOrder(path: .root, subnets: [.init(name: "a", prefix: prefix)])
        #expect(throws: FabricError.self) { try NetworkRecord.subnets(of: order, before: []) }
    }

    @Test("names ports within fifteen bytes") func portNames() {
        let place = MachinePort(
            machine: "0123456789",
            number: 7,
            interface: .init(network: .root, subnet: "a", address: "10.0.0.4"),
            bridge: "br0"
        )
        #expect(place.port.utf8.count <= 15)
        #expect(place.device == "eth7")
    }
}
