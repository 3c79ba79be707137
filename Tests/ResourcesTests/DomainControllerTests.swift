import AccessControl
import Resources
import Testing
import Vocabulary

@Suite("Where the domain's controller is")
struct DomainControllerTests {
    private func answer(_ servers: [String]?, kerberos: Bool = true) async throws -> String {
        let world = try await ResourceWorld()
        let net = try await world.network(
            "net",
            "10.0.0.0/16",
            [("AzureBastionSubnet", "10.0.255.0/26"), ("m", "10.0.0.0/24")]
        )
        if let servers {
            var body: JSONValue = [
                "location": "local",
                "properties": [
                    "addressSpace": ["addressPrefixes": ["10.0.0.0/16"]],
                    "dhcpOptions": ["dnsServers": .array(servers.map { .string($0) })],
                ],
            ]
            body["properties"]?["subnets"] = [
                ["name": "AzureBastionSubnet", "properties": ["addressPrefix": "10.0.255.0/26"]],
                ["name": "m", "properties": ["addressPrefix": "10.0.0.0/24"]],
            ]
            try await world.declare(net, body)
        }
        let host = try await world.bastion("b", net, sku: "Standard", ["enableKerberos": .bool(kerberos)])
        switch world.resources.domainController(of: ResourceWorld.path(host)) {
        case .allowed(let reach): return "\(reach.endpoint)"
        case .refused(let refusal): return refusal.code
        }
    }

    @Test("is the first DNS server of the bastion host's network, port 88")
    func first() async throws {
        #expect(try await self.answer(["10.0.0.9", "10.0.0.10"]) == "10.0.0.9:88")
    }

    @Test("is asked for only where the switch is on and a server is named")
    func missing() async throws {
        #expect(try await self.answer(["10.0.0.9"], kerberos: false) == "KerberosDisabled")
        #expect(try await self.answer(nil) == "DomainControllerNotFound")
        #expect(try await self.answer([]) == "DomainControllerNotFound")
    }

    @Test(
        "is nowhere else than in that network, whatever is named",
        arguments: [
            ("127.0.0.1", "AddressNotReachable"), ("169.254.169.254", "AddressNotReachable"),
            ("168.63.129.16", "AddressNotReachable"), ("10.1.0.4", "AddressNotReachable"),
            ("dc.corp.example", "AddressNotValid"), ("fd00::1", "AddressNotValid"), ("10.0.0.1", "AddressReserved"),
        ]
    )
    func elsewhere(address: String, code: String) async throws {
        #expect(try await self.answer([address]) == code)
    }
}
