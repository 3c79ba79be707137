import HTTPTypes
import TestKit
import Testing
import Vocabulary

@testable import ResourceRoutes

@Suite("Rules of the resource manager")
struct ManagerRuleTests {
    private static let address = "\(RouteWorld.network)/publicIPAddresses/ip"
    private static let lock = "\(RouteWorld.group)/providers/Microsoft.Authorization/locks/keep"

    private func world(_ limits: RequestLimits? = nil) async throws -> RouteWorld {
        let world = try await RouteWorld(
            actions: ["microsoft.network/bastionhosts/getactivesessions": { _ in ["value": []] }],
            limits: limits
        )
        _ = try await world.send(.put, Self.address, ["location": "local", "properties": [:]])
        return world
    }

    @Test("lock a group against changes, removals and actions, and show the lock to az lock")
    func locks() async throws {
        let world = try await self.world()
        let network = "\(RouteWorld.network)/virtualNetworks/net"
        try await world.declare(
            network,
            [
                "location": "local",
                "properties": [
                    "addressSpace": ["addressPrefixes": ["10.0.0.0/16"]],
                    "subnets": [["name": "AzureBastionSubnet", "properties": ["addressPrefix": "10.0.0.0/26"]]],
                ],
            ]
        )
        let bastion = "\(RouteWorld.network)/bastionHosts/b"
        let subnet: JSONValue = ["subnet": ["id": .string("\(network)/subnets/AzureBastionSubnet")]]
        try await world.declare(
            bastion,
            ["location": "local", "properties": ["ipConfigurations": [["name": "c", "properties": subnet]]]]
        )
        #expect(try await world.send(.post, "\(bastion)/getActiveSessions").status == 200)
        let made = try await world.send(.put, Self.lock, ["properties": ["level": "ReadOnly", "notes": "audit"]])
        #expect(made.status == 201)
        #expect(made.document["properties"] == ["level": "ReadOnly", "notes": "audit"])
        #expect(made.document["type"] == "Microsoft.Authorization/locks")
        for (method, path) in [
            (HTTPRequest.Method.put, Self.address), (.delete, Self.address), (.delete, RouteWorld.group),
            (.post, "\(bastion)/getActiveSessions"),
        ] {
            let answer = try await world.send(method, path, method == .put ? ["location": "local"] : nil)
            #expect(answer.status == 409 && answer.code == "ScopeLocked")
        }
        #expect(try await world.send(.get, Self.address).status == 200)
        let locks = "\(RouteWorld.subscription)/providers/Microsoft.Authorization/locks"
        #expect(try await world.send(.get, locks).document["value"]?.array?.count == 1)
        let own = try await world.send(.get, "\(locks)?$filter=atScope()&api-version=2016-09-01")
        #expect(own.document["value"] == [])
        #expect(try await world.send(.delete, Self.lock).status == 200)
        #expect(try await world.send(.delete, Self.address).status == 200)
    }

    @Test("answer the tags of a scope by themselves")
    func tags() async throws {
        let world = try await self.world()
        let tags = "\(Self.address)/providers/Microsoft.Resources/tags/default"
        let put = try await world.send(.put, tags, ["properties": ["tags": ["a": "1"]]])
        #expect(put.document["properties"] == ["tags": ["a": "1"]])
        let patch: JSONValue = ["operation": "Merge", "properties": ["tags": ["b": "2"]]]
        _ = try await world.send(.patch, tags, patch)
        #expect(try await world.send(.get, tags).document["properties"] == ["tags": ["a": "1", "b": "2"]])
        #expect(try await world.send(.get, Self.address).document["tags"] == ["a": "1", "b": "2"])
        let names = try await world.send(.get, "\(RouteWorld.subscription)/tagNames").document["value"]?.array
        #expect(names?.compactMap { $0["tagName"]?.string } == ["a", "b"])
        #expect(try await world.send(.patch, tags, ["operation": "Grow"]).code == "InvalidRequestContent")
        #expect(try await world.send(.put, tags, [:], as: "dave").status == 403)
        #expect(try await world.send(.delete, tags).status == 200)
        #expect(try await world.send(.get, Self.address).document["tags"] == nil)
    }

    @Test("answer 304 to who has the version, and refuse changes of another one")
    func versions() async throws {
        let world = try await self.world()
        let etag = try #require(try await world.send(.get, Self.address).headers[.eTag])
        let same = try await world.send(.get, Self.address, nil, as: "admin", ["If-None-Match": "\"x\", \(etag)"])
        #expect(same.status == 304 && same.bytes.isEmpty)
        let body: JSONValue = ["location": "local", "tags": ["a": "b"], "properties": [:]]
        for (field, value, status) in [
            ("If-Match", "W/\"other\"", 412), ("If-None-Match", "*", 412), ("If-Match", "\"x\", \(etag)", 200),
        ] {
            #expect(try await world.send(.put, Self.address, body, as: "admin", [field: value]).status == status)
        }
        #expect(try await world.send(.delete, Self.address, nil, as: "admin", ["If-Match": etag]).status == 412)
    }

    @Test("limit what one caller may ask, and tell everybody what is left")
    func limits() async throws {
        var settings = RequestLimits.Settings()
        settings.reads = RequestLimits.Bucket(size: 2, refill: 0.1)
        let clock = TurnedClock()
        let world = try await self.world(RequestLimits(clock: clock.source, settings: settings))
        let name = try #require(HTTPField.Name("x-ms-ratelimit-remaining-subscription-reads"))
        #expect(try await world.send(.get, Self.address).headers[name] == "1")
        let missing = try await world.send(.get, Self.address + "2")
        #expect(missing.status == 404 && missing.headers[name] == "0")
        let limited = try await world.send(.get, Self.address)
        #expect(limited.status == 429 && limited.code == "TooManyRequests")
        #expect(limited.headers[.retryAfter] == "10")
        #expect(try await world.send(.get, Self.address, nil, as: "dave").status == 200)
        clock.turn(.seconds(10))
        #expect(try await world.send(.get, Self.address).status == 200)
    }

    @Test("remember no more callers than they may")
    func limitedTable() {
        let clock = TurnedClock()
        var settings = RequestLimits.Settings()
        settings.callers = 4
        settings.writes = RequestLimits.Bucket(size: 1, refill: 0.001)
        let limits = RequestLimits(clock: clock.source, settings: settings)
        for number in 0..<100 {
            clock.turn(.milliseconds(1))
            #expect(limits.admit(GUID(high: 1, low: UInt64(number)), .writes) == .admitted(remaining: 0))
        }
        #expect(limits.admit(GUID(high: 1, low: 99), .writes) == .limited(seconds: 1000))
    }

    @Test("export a group as a template without what belongs to the server")
    func export() async throws {
        let world = try await self.world()
        try await world.machine()
        let answer = try await world.send(.post, "\(RouteWorld.group)/exportTemplate", ["resources": ["*"]])
        let elements = answer.document["template"]?["resources"]?.array ?? []
        #expect(Set(elements.compactMap { $0["name"]?.string }) == ["ip", "net", "net/machines", "myVMVMNic", "myVM"])
        let nic = elements.first { $0["name"] == "myVMVMNic" }
        #expect(nic?["dependsOn"]?.array?.first?.string?.hasSuffix("/subnets/machines") == true)
        #expect(
            elements.allSatisfy { $0["properties"]?["provisioningState"] == nil && $0["properties"]?["vmId"] == nil }
        )
        #expect(try await world.send(.post, "\(RouteWorld.group)/exportTemplate", [:], as: "dave").status == 403)
    }

    @Test("refuse to move resources, after saying what is wrong with the request")
    func moving() async throws {
        let world = try await self.world()
        let target = "\(RouteWorld.subscription)/resourceGroups/other"
        let move = "\(RouteWorld.group)/moveResources"
        func body(_ id: String, _ group: String) -> JSONValue {
            ["resources": [.string(id)], "targetResourceGroup": .string(group)]
        }
        #expect(try await world.send(.post, move, [:]).code == "InvalidRequestContent")
        #expect(try await world.send(.post, move, body(Self.address, target)).code == "ResourceGroupNotFound")
        _ = try await world.send(.put, target, ["location": "local"])
        #expect(try await world.send(.post, move, body(target, target)).code == "ResourceMoveResourcesNotInGroup")
        let refused = try await world.send(.post, move, body(Self.address, target))
        #expect(refused.status == 409 && refused.code == "ResourceMoveNotSupported")
    }

    @Test("show what is in effect on an interface, names that are free, and every type that is offered")
    func answers() async throws {
        let world = try await self.world()
        try await world.machine()
        let nic = "\(RouteWorld.network)/networkInterfaces/myVMVMNic"
        let routes = try await world.send(.post, "\(nic)/effectiveRouteTable").document["value"]?.array
        #expect(routes?.compactMap { $0["nextHopType"]?.string } == ["VnetLocal", "Internet"])
        #expect(try await world.send(.post, "\(nic)/effectiveNetworkSecurityGroups").document["value"] == [])
        let check = "\(RouteWorld.subscription)/providers/Microsoft.Network/locations/local/CheckDnsNameAvailability"
        let free = try await world.send(.get, "\(check)?domainNameLabel=web-1&api-version=2024-01-01")
        #expect(free.document["available"] == true)
        let name = try await world.send(
            .post,
            "/providers/Microsoft.Resources/checkResourceName",
            ["name": "MicrosoftThing", "type": "a/b"]
        )
        #expect(name.document["status"] == "Reserved")
        let provider = try await world.send(.get, "\(RouteWorld.subscription)/providers/Microsoft.Network")
        let types = Set((provider.document["resourceTypes"]?.array ?? []).compactMap { $0["resourceType"]?.string })
        #expect(types.isSuperset(of: ["networkSecurityGroups", "networkSecurityGroups/securityRules", "routeTables"]))
    }
}
