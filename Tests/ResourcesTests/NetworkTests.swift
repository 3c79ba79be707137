import AccessControl
import Resources
import Testing
import Vocabulary

@Suite("Networks")
struct NetworkTests {
    @Test(
        "refuses subnets that do not fit",
        arguments: [
            ("10.1.0.0/24", "NetcfgInvalidSubnet"), ("10.0.0.128/25", "NetcfgSubnetRangesOverlap"),
            ("10.0.1.0/30", "NetcfgInvalidSubnet"), ("10.0.1.7/24", "InvalidCIDRNotation"), ("10.0.1.0/24", "none"),
        ]
    )
    func subnets(prefix: String, code: String) async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("a", "10.0.0.0/24")])
        let found = await world.code {
            try await world.put("\(network)/subnets/b", ["properties": ["addressPrefix": .string(prefix)]])
        }
        #expect(found == code)
    }

    @Test("keeps subnets when a PUT leaves them out, and removes those that a list leaves out")
    func subnetLists() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("a", "10.0.0.0/24"), ("b", "10.0.1.0/24")])
        var body: JSONValue = [
            "location": "local", "properties": ["addressSpace": ["addressPrefixes": ["10.0.0.0/16"]]],
        ]
        try await world.put(network, body)
        let type = "Microsoft.Network/virtualNetworks/subnets"
        #expect(world.resources.list(type: type, below: ResourceWorld.path(network)).map(\.name) == ["a", "b"])
        body["properties"]?["subnets"] = [["name": "b", "properties": ["addressPrefix": "10.0.1.0/24"]]]
        try await world.put(network, body)
        #expect(world.resources.list(type: type, below: ResourceWorld.path(network)).map(\.name) == ["b"])
    }

    @Test("gives out addresses in order, leaving out reserved and taken ones, and keeps them")
    func allocation() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("a", "10.0.0.0/29")])
        let subnet = "\(network)/subnets/a"
        func address(_ name: String) async throws -> String? {
            try await world.put(
                "\(ResourceWorld.network)/networkInterfaces/\(name)",
                ResourceWorld.interface(subnet, nil)
            )
            .resource.properties["ipConfigurations"]?.array?.first?["properties"]?["privateIPAddress"]?.string
        }
        #expect(try await address("one") == "10.0.0.4")
        #expect(try await address("two") == "10.0.0.5")
        #expect(try await address("one") == "10.0.0.4")
        #expect(try await address("three") == "10.0.0.6")
        #expect(await world.code { _ = try await address("four") } == "SubnetIsFull")
    }

    @Test("gives out addresses at the very end of the address space")
    func lastAddresses() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "255.0.0.0/8", [("a", "255.255.0.0/16")])
        let made = try await world.put(
            "\(ResourceWorld.network)/networkInterfaces/nic",
            ResourceWorld.interface("\(network)/subnets/a", nil)
        )
        let configuration = made.resource.properties["ipConfigurations"]?.array?.first
        #expect(configuration?["properties"]?["privateIPAddress"] == "255.255.0.4")
    }

    @Test(
        "refuses addresses that an interface cannot have",
        arguments: [
            ("10.0.0.10", "PrivateIPAddressInUse"), ("10.0.0.3", "PrivateIPAddressNotInSubnet"),
            ("10.0.0.255", "PrivateIPAddressNotInSubnet"), ("10.0.9.9", "PrivateIPAddressNotInSubnet"),
            ("169.254.169.254", "PrivateIPAddressNotInSubnet"), ("127.0.0.1", "PrivateIPAddressNotInSubnet"),
        ]
    )
    func badAddresses(address: String, code: String) async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        try await world.machine("vm1", "\(network)/subnets/machines", "10.0.0.10")
        let found = await world.code { try await world.machine("vm2", "\(network)/subnets/machines", address) }
        #expect(found == code)
    }

    @Test("does not let one interface serve two machines")
    func sharedInterface() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        try await world.machine("vm1", "\(network)/subnets/machines", "10.0.0.10")
        let code = await world.code {
            try await world.put(
                "\(ResourceWorld.compute)/virtualMachines/vm2",
                [
                    "location": "local",
                    "properties": [
                        "networkProfile": [
                            "networkInterfaces": [
                                ["id": .string("\(ResourceWorld.network)/networkInterfaces/vm1VMNic")]
                            ]
                        ]
                    ],
                ]
            )
        }
        #expect(code == "ResourceInUse")
    }

    @Test("asks for the right on what a resource refers to before telling whether it exists")
    func linkedRights() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        let other = "\(ResourceWorld.subscription)/resourceGroups/other"
        try await world.put(other, ["location": "local"])
        try await world.assign("Contributor", to: world.reader, at: other)
        for subnet in ["\(network)/subnets/machines", "\(network)/subnets/none"] {
            let code = await world.code {
                try await world.put(
                    "\(other)/providers/Microsoft.Network/networkInterfaces/nic",
                    ResourceWorld.interface(subnet, nil),
                    as: world.reader
                )
            }
            #expect(code == "LinkedAuthorizationFailed")
        }
    }

    @Test("refuses references into another subscription")
    func otherSubscription() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        let other = "/subscriptions/5a11b0a7-0000-4000-8000-00000000000f"
        try await world.declare(other, ["properties": ["displayName": "Other"]])
        try await world.declare("\(other)/resourceGroups/g", ["location": "local"])
        try await world.assign("Owner", to: world.owner, at: other)
        let code = await world.code {
            try await world.put(
                "\(other)/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/nic",
                ResourceWorld.interface("\(network)/subnets/machines", nil)
            )
        }
        #expect(code == "InvalidResourceReference")
    }

    @Test("takes route tables on ordinary subnets and never on AzureBastionSubnet")
    func routeTables() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [])
        let table = "\(ResourceWorld.network)/routeTables/routes"
        func route(_ name: String, _ prefix: String, _ hop: String, _ address: String? = nil) -> JSONValue {
            var properties: JSONValue = ["addressPrefix": .string(prefix), "nextHopType": .string(hop)]
            properties["nextHopIpAddress"] = address.map { .string($0) }
            return ["name": .string(name), "properties": properties]
        }
        for (routes, code) in [
            ([route("a", "0.0.0.0/0", "VirtualAppliance")], "InvalidRouteNextHop"),
            ([route("a", "0.0.0.0/0", "Internet", "10.0.0.4")], "InvalidRouteNextHop"),
            ([route("a", "nonsense", "Internet")], "InvalidAddressPrefix"),
            ([route("a", "10.9.0.0/16", "None"), route("b", "10.9.0.0/16", "Internet")], "RouteConflict"),
            ([route("a", "0.0.0.0/0", "VirtualAppliance", "10.0.1.4")], "none"),
        ] {
            let body: JSONValue = ["location": "local", "properties": ["routes": .array(routes)]]
            #expect(await world.code { try await world.put(table, body) } == code)
        }
        for (name, prefix, code) in [
            ("a", "10.0.1.0/24", "none"),
            ("AzureBastionSubnet", "10.0.2.0/24", "RouteTableCannotBeAttachedForAzureBastionSubnet"),
        ] {
            let properties: JSONValue = ["addressPrefix": .string(prefix), "routeTable": ["id": .string(table)]]
            let found = await world.code {
                try await world.put("\(network)/subnets/\(name)", ["properties": properties])
            }
            #expect(found == code)
        }
        let gone = await world.code {
            try await world.resources.delete(ResourceWorld.path(table), by: .subject(world.owner))
        }
        #expect(gone == "InUseRouteTableCannotBeDeleted")
    }

    @Test("connects a peering when both halves exist and disconnects it when one goes")
    func peering() async throws {
        let world = try await ResourceWorld()
        let one = try await world.network("one", "10.1.0.0/16", [])
        let two = try await world.network("two", "10.2.0.0/16", [])
        func state(_ path: String) -> JSONValue? {
            world.resources.resource(ResourceWorld.path(path))?.properties["peeringState"]
        }
        let half = "\(one)/virtualNetworkPeerings/to-two"
        let back = "\(two)/virtualNetworkPeerings/to-one"
        func put(_ path: String, _ remote: String) async throws {
            try await world.put(
                path,
                ["properties": ["remoteVirtualNetwork": ["id": .string(remote)], "peeringState": "Connected"]]
            )
        }
        try await put(half, two)
        #expect(state(half) == "Initiated")
        try await put(back, one)
        #expect(state(half) == "Connected" && state(back) == "Connected")
        _ = try await world.resources.delete(ResourceWorld.path(back), by: .subject(world.owner))
        #expect(state(half) == "Disconnected")
        try await put(back, one)
        #expect(state(half) == "Disconnected" && state(back) == "Initiated")
        try await put(half, two)
        #expect(state(half) == "Connected" && state(back) == "Connected")
    }

    @Test("refuses to peer networks that share addresses")
    func overlap() async throws {
        let world = try await ResourceWorld()
        let one = try await world.network("one", "10.1.0.0/16", [])
        let two = try await world.network("two", "10.1.128.0/17", [])
        #expect(await world.code { try await world.peer(one, two) } == "VnetAddressSpacesOverlap")
    }
}
