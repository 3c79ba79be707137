import Fabric
import Testing
import Vocabulary

@testable import NamespaceFabric

@Suite("Orders") struct OrderRulesTests {
    private static let path = ResourcePath.root.appending("virtualNetworks", "red")
    private static let network = NetworkRecord(
        id: "0123456789",
        path: path,
        subnets: [.init(name: "default", prefix: "10.0.0.0/24", number: 0)],
        link: LinkAddresses(index: 0)
    )

    private func check(
        host: String = "one",
        user: String = "azureuser",
        password: String? = nil,
        subnet: String = "default",
        address: String = "10.0.0.4",
        server: String = "sallyport.internal",
        memory: Int? = nil,
        processors: Int? = nil
    ) throws(FabricError) {
        var order = MachineOrder(
            path: Self.path,
            image: "bookworm",
            hostName: host,
            interfaces: [.init(network: Self.path, subnet: subnet, address: address)],
            memory: memory,
            processors: processors
        )
        order.administrator = .init(name: user, publicKeys: [], password: password.map { Secret($0) })
        order.enrolment = .init(port: 8443, serverName: server, authority: "", token: Secret("t"))
        try OrderRules.check(MachineMessage(order)) { $0 == Self.path ? Self.network : nil }
    }

    @Test("takes a sound order") func sound() throws {
        try self.check()
        try self.check(host: "web-1.internal", user: "Jane.Doe", password: "a b\"c$", subnet: "DEFAULT")
    }

    @Test(
        "refuses host names with more than letters, digits, hyphens and dots",
        arguments: ["", "a b", "-a", "a\n", "a/b", "ä"]
    )
    func hostNames(name: String) {
        #expect(throws: FabricError.self) { try self.check(host: name) }
    }

    @Test(
        "refuses administrators that useradd would take for something else",
        arguments: ["", "-m", "1a", "a;b", "a:b", "a b", "a\n"]
    )
    func userNames(name: String) {
        #expect(throws: FabricError.self) { try self.check(user: name) }
    }

    @Test("refuses sizes that no box has, and that would overflow") func sizes() throws {
        try self.check(memory: 1024, processors: 2)
        for size in [0, -1, Int.max] {
            #expect(throws: FabricError.self) { try self.check(memory: size) }
            #expect(throws: FabricError.self) { try self.check(processors: size) }
        }
    }

    @Test("refuses a password with a second line") func password() {
        #expect(throws: FabricError.self) { try self.check(password: "a\nroot:b") }
    }

    @Test(
        "refuses addresses outside the subnet, and the gateway's",
        arguments: ["10.0.1.4", "10.0.0.1", "10.0.0.4/24", ""]
    )
    func addresses(address: String) {
        #expect(throws: FabricError.self) { try self.check(address: address) }
    }

    @Test("refuses a subnet and a server that are none") func others() {
        #expect(throws: FabricError.self) { try self.check(subnet: "other") }
        #expect(throws: FabricError.self) { try self.check(server: "a b") }
    }
}
