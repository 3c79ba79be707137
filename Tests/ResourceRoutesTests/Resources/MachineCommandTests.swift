import HTTPTypes
import Resources
import TestKit
import Testing
import Vocabulary

@Suite("What the command line asks about machines")
struct MachineCommandTests {
    @Test("az ssh vm: finds the machine by name, its system, its interface and its address")
    func sshLookup() async throws {
        let world = try await RouteWorld()
        let machine = try await world.machine()
        try await world.assign("Virtual Machine User Login", to: "mallory", at: RouteWorld.group)
        let filter = "$filter=name%20eq%20'MYVM'&api-version=2025-04-01"
        let found = try await world.sendExactly(.get, "\(RouteWorld.group)/resources?\(filter)", as: "mallory")
        #expect(found.document["value"]?.array?.count == 1)
        #expect(found.document["value"]?.array?.first?["type"] == "Microsoft.Compute/virtualMachines")
        #expect(found.document["value"]?.array?.first?["properties"] == nil)
        let shown = try await world.send(.get, machine, as: "mallory").document["properties"]
        #expect(shown?["storageProfile"]?["osDisk"]?["osType"] == "Linux")
        let interface = try #require(shown?["networkProfile"]?["networkInterfaces"]?.array?.first?["id"]?.string)
        let card = try await world.send(.get, interface, as: "mallory").document["properties"]
        #expect(card?["ipConfigurations"]?.array?.first?["properties"]?["privateIPAddress"] == "10.1.0.4")
    }

    @Test("az vm show -d: shows the power state when asked to expand")
    func instanceView() async throws {
        let world = try await RouteWorld()
        let machine = try await world.machine()
        let plain = try await world.send(.get, machine)
        #expect(plain.document["properties"]?["instanceView"] == nil)
        let shown = try await world.send(.get, "\(machine)?$expand=instanceView")
        let statuses = shown.document["properties"]?["instanceView"]?["statuses"]?.array
        #expect(statuses?.contains { $0["displayStatus"] == "VM running" } == true)
        let direct = try await world.send(.get, "\(machine)/instanceView")
        #expect(direct.document["statuses"] == shown.document["properties"]?["instanceView"]?["statuses"])
    }

    @Test("az vm list: lists a group and a subscription, filtered by right")
    func lists() async throws {
        let world = try await RouteWorld()
        try await world.machine("one")
        try await world.machine("two")
        for scope in [RouteWorld.group, RouteWorld.subscription] {
            let all = try await world.send(.get, "\(scope)/providers/Microsoft.Compute/virtualMachines", as: "dave")
            #expect(all.document["value"]?.array?.compactMap { $0["name"]?.string } == ["one", "two"])
            #expect(all.document["nextLink"] == nil)
        }
    }

    @Test("az resource list: pages by absolute links, without losing or repeating anything")
    func pages() async throws {
        let world = try await RouteWorld()
        try await world.machine("one")
        try await world.machine("two")
        var next: String? = "\(RouteWorld.subscription)/resources?$top=2&$filter=location eq 'local'"
            .replacing(" ", with: "%20")
        var names: [String] = []
        while let address = next {
            let page = try await world.send(.get, address)
            names += page.document["value"]?.array?.compactMap { $0["name"]?.string } ?? []
            next = page.document["nextLink"]?.string
            if let next { #expect(next.hasPrefix("https://localhost:8443/") && next.contains("api-version=")) }
            #expect(names.count <= 5)
            if names.count > 5 { break }
        }
        #expect(names.sorted() == ["net", "one", "oneVMNic", "two", "twoVMNic"])
    }

    @Test(
        "az resource list: understands filters",
        arguments: [
            ("resourceType eq 'microsoft.compute/VIRTUALMACHINES'", 1), ("name eq 'net' or name eq 'myVM'", 2),
            ("substringof('vm', name)", 2), ("resourceGroup eq 'DEMO' and name ne 'net'", 2),
            ("tagName eq 'env' and tagValue eq 'prod'", 1), ("tagName eq 'env' and tagValue eq 'test'", 0),
            ("identity eq 'SystemAssigned'", 1), ("name eq 'it''s'", 0), ("(name eq 'net')", 1),
        ]
    )
    func filters(filter: String, count: Int) async throws {
        let world = try await RouteWorld()
        let machine = try await world.machine()
        _ = try await world.send(.patch, machine, ["tags": ["env": "prod"]])
        let sent = filter.replacing(" ", with: "%20")
        let found = try await world.send(.get, "\(RouteWorld.group)/resources?$filter=\(sent)")
        #expect(found.document["value"]?.array?.count == count, "\(found.document.text)")
    }

    @Test(
        "az resource list: refuses filters that it does not know",
        arguments: [
            "properties/osProfile/adminUsername eq 'root'", "name eq", "name eq 'a", "name gt 'a'",
            "name eq 'a' name eq 'b'",
            "substringof('a', properties)", "((((((((((((((((((name eq 'a'))))))))))))))))))", "etag eq 'a'",
        ]
    )
    func unknownFilters(filter: String) async throws {
        let world = try await RouteWorld()
        let found = try await world.send(
            .get,
            "\(RouteWorld.group)/resources?$filter=\(filter.replacing(" ", with: "%20"))"
        )
        #expect(found.status == 400 && found.code == "InvalidFilterInQueryString")
    }

    @Test("az vm identity assign and remove")
    func identity() async throws {
        let world = try await RouteWorld()
        let machine = try await world.machine(identity: false)
        let on = try await world.send(.patch, machine, ["identity": ["type": "SystemAssigned"]])
        #expect(on.status == 200 && on.document["identity"]?["principalId"]?.string != nil)
        let off = try await world.send(.patch, machine, ["identity": ["type": "None"]])
        #expect(off.status == 200 && off.document["identity"] == nil)
    }

    @Test("az vm update: takes back the whole document that it gave out")
    func roundTrip() async throws {
        let world = try await RouteWorld()
        let machine = try await world.machine()
        var whole = try await world.send(.get, "\(machine)?$expand=instanceView").document
        whole["tags"] = ["a": "b"]
        let answer = try await world.send(.put, machine, whole)
        #expect(answer.status == 200 && answer.document["tags"] == ["a": "b"])
        #expect(answer.document["properties"]?["instanceView"] == nil)
    }

    @Test("az vm extension set: three bare lists, then an operation that is watched")
    func extensionSet() async throws {
        let world = try await RouteWorld()
        let machine = try await world.machine()
        let catalogue = "\(RouteWorld.subscription)/providers/Microsoft.Compute/locations/local/publishers"
        let types = "\(catalogue)/Microsoft.Azure.ActiveDirectory/artifacttypes/vmextension/types"
        for (address, name) in [
            (catalogue, "Microsoft.Azure.ActiveDirectory"), (types, "AADSSHLoginForLinux"),
            ("\(types)/AADSSHLoginForLinux/versions", "1.0.0.0"),
        ] {
            let list = try #require(try await world.send(.get, address, as: "dave").document.array)
            #expect(list.contains { $0["name"]?.string == name })
        }
        world.gate.close()
        let path = "\(machine)/extensions/AADSSHLoginForLinux"
        let begun = try await world.send(
            .put,
            path,
            [
                "location": "local",
                "properties": [
                    "publisher": "Microsoft.Azure.ActiveDirectory", "type": "AADSSHLoginForLinux",
                    "typeHandlerVersion": "1.0", "autoUpgradeMinorVersion": true,
                ],
            ]
        )
        #expect(begun.status == 201 && begun.document["properties"]?["provisioningState"] == "Creating")
        #expect(begun.headers[.retryAfter] == "1")
        let poll = try begun.operation
        #expect(
            poll.hasPrefix(
                "https://localhost:8443\(RouteWorld.subscription)/providers/Microsoft.Compute/locations/local/operations/"
            )
        )
        let running = try await world.send(.get, poll)
        // Clients that are told no interval wait half a minute for what takes a second.
        #expect(running.document["status"] == "InProgress" && running.headers[.retryAfter] == "1")
        #expect(try await world.send(.put, path, begun.document).code == "AnotherOperationInProgress")
        #expect(try await world.send(.get, poll, as: "mallory").status == 404)
        world.gate.open()
        await world.resources.settle()
        let ended = try await world.send(.get, poll)
        #expect(ended.document["status"] == "Succeeded" && ended.headers[.retryAfter] == nil)
        #expect(try await world.send(.get, path).document["properties"]?["provisioningState"] == "Succeeded")
        let list = try await world.send(.get, "\(machine)/extensions").document["value"]?.array
        #expect(list?.first?["properties"]?["publisher"] == "Microsoft.Azure.ActiveDirectory")
    }

    @Test("az vm list: extensions of machines are named and not shown, because az stops at their two members `type`")
    func extensionsInLists() async throws {
        let world = try await RouteWorld()
        let machine = try await world.machine()
        let path = "\(machine)/extensions/AADSSHLoginForLinux"
        try await world.declare(
            path,
            ["properties": ["publisher": "Microsoft.Azure.ActiveDirectory", "type": "AADSSHLoginForLinux"]]
        )
        let list = try await world.send(.get, "\(RouteWorld.compute)/virtualMachines").document["value"]?.array
        #expect(list?.first?["resources"] == [["id": .string(path)]])
        let alone = try await world.send(.get, machine).document["resources"]?.array
        #expect(alone?.first?["properties"]?["publisher"] == "Microsoft.Azure.ActiveDirectory")
    }

    @Test("az vm extension set: a failed operation is 200 with status Failed")
    func failedOperation() async throws {
        let world = try await RouteWorld()
        let machine = try await world.machine(identity: false)
        let begun = try await world.send(
            .put,
            "\(machine)/extensions/e",
            ["properties": ["publisher": "Microsoft.Azure.ActiveDirectory", "type": "AADSSHLoginForLinux"]]
        )
        await world.resources.settle()
        let poll = try begun.operation
        let ended = try await world.send(.get, poll)
        #expect(ended.status == 200 && ended.document["status"] == "Failed")
        #expect(ended.document["error"]?["code"] == "VMExtensionProvisioningError")
        #expect(ended.document["error"]?["message"]?.string?.contains("22") == true)
    }

    @Test("az vm delete: 202, watched at both addresses, then nothing")
    func deleteMachine() async throws {
        let world = try await RouteWorld()
        let machine = try await world.machine()
        let begun = try await world.send(.delete, machine)
        #expect(begun.status == 202 && begun.headers[.retryAfter] == "1")
        await world.resources.settle()
        let result = try await world.send(.get, try #require(begun.headers[.location]))
        #expect(result.status == 204)
        #expect(try await world.send(.get, machine).status == 404)
        let interface = try await world.send(.get, "\(RouteWorld.network)/networkInterfaces/myVMVMNic")
        #expect(interface.status == 200 && interface.document["properties"]?["virtualMachine"] == nil)
    }

    @Test("az network: subnets, public addresses and bastion hosts have what the command line reads")
    func networks() async throws {
        let world = try await RouteWorld()
        try await world.machine()
        let network = "\(RouteWorld.network)/virtualNetworks/net"
        let subnet = try await world.send(
            .put,
            "\(network)/subnets/AzureBastionSubnet",
            ["properties": ["addressPrefix": "10.1.1.0/26"]]
        )
        #expect(subnet.status == 201 && subnet.document["properties"]?["privateEndpointNetworkPolicies"] == "Disabled")
        let address = try await world.send(
            .put,
            "\(RouteWorld.network)/publicIPAddresses/pip",
            [
                "location": "local", "sku": ["name": "Standard"],
                "properties": ["publicIPAllocationMethod": "Static", "idleTimeoutInMinutes": 4],
            ]
        )
        #expect(address.status == 201 && address.document["sku"]?["name"] == "Standard")
        let host = try await world.send(
            .put,
            "\(RouteWorld.network)/bastionHosts/b",
            [
                "location": "local", "sku": ["name": "Standard"], "tags": [:],
                "properties": [
                    "disableCopyPaste": false, "enableFileCopy": false, "enableIpConnect": true,
                    "enableKerberos": false,
                    "enableSessionRecording": false, "enableShareableLink": false, "enableTunneling": true,
                    "scaleUnits": 2,
                    "ipConfigurations": [
                        [
                            "name": "bastion_ip_config",
                            "properties": [
                                "subnet": ["id": .string("\(network)/subnets/AzureBastionSubnet")],
                                "publicIPAddress": ["id": .string("\(RouteWorld.network)/publicIPAddresses/pip")],
                            ],
                        ]
                    ],
                ],
            ]
        )
        #expect(host.status == 201 && host.document["properties"]?["dnsName"] == "localhost:8443")
        #expect(host.document["properties"]?["enableTunneling"] == true)
        for type in ["virtualNetworks", "publicIPAddresses", "networkInterfaces", "bastionHosts"] {
            let list = try await world.send(.get, "\(RouteWorld.network)/\(type)", as: "dave")
            #expect(list.document["value"]?.array?.count == 1, "\(type)")
        }
        let subnets = try await world.send(.get, "\(network)/subnets", as: "dave").document["value"]?.array
        #expect(subnets?.count == 2)
    }

    @Test("a reader changes nothing", arguments: ["put", "patch", "delete"])
    func reader(verb: String) async throws {
        let world = try await RouteWorld()
        let machine = try await world.machine()
        let before = try await world.send(.get, machine).document
        let method = try #require(HTTPRequest.Method(verb.uppercased()))
        let answer = try await world.send(method, machine, before, as: "dave")
        #expect(answer.status == 403 && answer.code == "AuthorizationFailed")
        #expect(try await world.send(.get, machine).document == before)
    }
}
