import AccessControl
import Resources
import Testing
import Vocabulary

@Suite("Public addresses")
struct PublicAddressTests {
    private static func path(_ name: String) -> String { "\(ResourceWorld.network)/publicIPAddresses/\(name)" }

    private static func body(_ sku: String, _ method: String, label: String? = nil) -> JSONValue {
        var body: JSONValue = [
            "location": "local", "sku": ["name": .string(sku)],
            "properties": ["publicIPAllocationMethod": .string(method)],
        ]
        if let label { body["properties"]?["dnsSettings"] = ["domainNameLabel": .string(label)] }
        return body
    }

    private func world(_ pool: String = "192.0.2.8/31") async throws -> ResourceWorld {
        try await ResourceWorld(publicAddresses: [try #require(AddressPrefix(pool))])
    }

    private func address(_ world: ResourceWorld, _ name: String) -> String? {
        world.resources.resource(ResourceWorld.path(Self.path(name)))?.properties["ipAddress"]?.string
    }

    @Test("come out of the operator's pool, one each, until it is empty, and go back into it")
    func pool() async throws {
        let world = try await self.world()
        for name in ["a", "b"] { try await world.put(Self.path(name), Self.body("Standard", "Static")) }
        #expect(self.address(world, "a") == "192.0.2.8" && self.address(world, "b") == "192.0.2.9")
        let body = Self.body("Standard", "Static")
        #expect(await world.code { try await world.put(Self.path("c"), body) } == "PublicIPCountLimitReached")
        try await world.resources.delete(ResourceWorld.path(Self.path("a")), by: .subject(world.owner))
        try await world.put(Self.path("c"), body)
        try await world.put(Self.path("b"), body)
        #expect(self.address(world, "c") == "192.0.2.8" && self.address(world, "b") == "192.0.2.9")
    }

    @Test("are never the first or the last of a range, which belong to the network and to everybody in it")
    func rangeEnds() async throws {
        let world = try await self.world("192.0.2.8/30")
        for name in ["a", "b"] { try await world.put(Self.path(name), Self.body("Standard", "Static")) }
        #expect(self.address(world, "a") == "192.0.2.9" && self.address(world, "b") == "192.0.2.10")
        let body = Self.body("Standard", "Static")
        #expect(await world.code { try await world.put(Self.path("c"), body) } == "PublicIPCountLimitReached")
        let single = try await self.world("192.0.2.8/32")
        try await single.put(Self.path("a"), body)
        #expect(self.address(single, "a") == "192.0.2.8")
    }

    @Test("that are dynamic have an address while an interface uses them")
    func dynamic() async throws {
        let world = try await self.world()
        try await world.put(Self.path("a"), Self.body("Basic", "Dynamic"))
        #expect(self.address(world, "a") == nil)
        let network = try await world.network("net", "10.0.0.0/16", [("m", "10.0.0.0/24")])
        let interface = "\(ResourceWorld.network)/networkInterfaces/nic"
        let plain = ResourceWorld.interface("\(network)/subnets/m", nil)
        var element = try #require(plain["properties"]?["ipConfigurations"]?.array?.first)
        element["properties"]?["publicIPAddress"] = ["id": .string(Self.path("a"))]
        var attached = plain
        attached["properties"]?["ipConfigurations"] = [element]
        try await world.put(interface, attached)
        #expect(self.address(world, "a") == "192.0.2.8")
        try await world.put(interface, plain)
        #expect(self.address(world, "a") == nil)
        try await world.put(interface, attached)
        try await world.resources.delete(ResourceWorld.path(interface), by: .subject(world.owner))
        #expect(self.address(world, "a") == nil)
    }

    @Test("have no address where the operator has none to give")
    func noPool() async throws {
        let world = try await ResourceWorld()
        try await world.put(Self.path("a"), Self.body("Standard", "Static"))
        #expect(self.address(world, "a") == nil)
    }

    @Test(
        "follow the rules of their SKU and of names",
        arguments: [
            ("Standard", "Dynamic", String?.none, "StandardSkuPublicIPAddressAllocationMethodNotSupported"),
            ("Basic", "Dynamic", nil, "none"), ("Basic", "Static", nil, "none"),
            ("Standard", "Static", "web-1", "none"), ("Standard", "Static", "1web", "InvalidDomainNameLabel"),
            ("Standard", "Static", "web-", "InvalidDomainNameLabel"),
            ("Standard", "Static", "We", "InvalidDomainNameLabel"),
            ("Standard", "Static", "taken", "DnsRecordInUse"),
        ]
    )
    func rules(sku: String, method: String, label: String?, code: String) async throws {
        let world = try await self.world("192.0.2.0/24")
        try await world.put(Self.path("other"), Self.body("Standard", "Static", label: "taken"))
        let found = await world.code { try await world.put(Self.path("a"), Self.body(sku, method, label: label)) }
        #expect(found == code)
    }

    @Test("are named in the zone of their region, and names can be asked for before")
    func names() async throws {
        let world = try await self.world()
        #expect(world.resources.isFree(domainNameLabel: "web-1", in: "Local"))
        let made = try await world.put(Self.path("a"), Self.body("Standard", "Static", label: "web-1")).resource
        #expect(made.properties["dnsSettings"]?["fqdn"] == "web-1.local.cloud.contoso.example")
        #expect(!world.resources.isFree(domainNameLabel: "web-1", in: "Local"))
        #expect(!world.resources.isFree(domainNameLabel: "-", in: "Local"))
    }
}
