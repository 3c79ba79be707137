import AccessControl
import Audit
import Resources
import Storage
import Synchronization
import Testing
import Vocabulary

@Suite("Writing resources")
struct ResourceWritingTests {
    @Test("keeps the spelling of Azure in ids, whatever the client wrote")
    func spelling() async throws {
        let world = try await ResourceWorld()
        let made = try await world.put(
            "/SUBSCRIPTIONS/\(ResourceWorld.subscription.split(separator: "/")[1].uppercased())/resourcegroups/DEMO"
                + "/providers/microsoft.network/virtualnetworks/MyNet",
            ["location": "Local", "properties": ["addressSpace": ["addressPrefixes": ["10.0.0.0/16"]]]]
        )
        #expect(made.created)
        #expect(made.resource.path.description == "\(ResourceWorld.network)/virtualNetworks/MyNet")
        #expect(made.resource.location == "local")
    }

    @Test("answers a repeated PUT without a new version")
    func idempotent() async throws {
        let world = try await ResourceWorld()
        let body: JSONValue = [
            "location": "local", "properties": ["addressSpace": ["addressPrefixes": ["10.0.0.0/16"]]],
        ]
        let path = "\(ResourceWorld.network)/virtualNetworks/net"
        let first = try await world.put(path, body)
        let second = try await world.put(path, body)
        #expect(first.changed && !second.changed && !second.created)
        #expect(first.resource.etag == second.resource.etag)
    }

    @Test("survives a reload, with everything that was decided once")
    func reload() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        let machine = try await world.machine("vm1", "\(network)/subnets/machines", "10.0.0.10")
        let before = world.resources.list(below: .root)
        try await world.resources.load()
        #expect(world.resources.list(below: .root) == before)
        #expect(world.resources.addresses(of: ResourceWorld.path(machine)) == ["10.0.0.10"])
    }

    @Test("leaves nothing behind when one of several wishes is refused")
    func allOrNothing() async throws {
        let world = try await ResourceWorld()
        let good = ResourceWish(
            ResourceWorld.path("\(ResourceWorld.network)/virtualNetworks/a"),
            ["location": "local", "properties": ["addressSpace": ["addressPrefixes": ["10.0.0.0/16"]]]]
        )
        let bad = ResourceWish(
            ResourceWorld.path("\(ResourceWorld.network)/virtualNetworks/a/subnets/s"),
            ["properties": ["addressPrefix": "192.168.0.0/24"]]
        )
        let code = await world.code { try await world.resources.putAll([good, bad], by: .system) }
        #expect(code == "NetcfgInvalidSubnet")
        #expect(world.resources.resource(good.path) == nil)
        let dry = try await world.resources.putAll([good], by: .system, dryRun: true)
        #expect(dry[0].created && dry[0].changed)
        #expect(world.resources.resource(good.path) == nil)
    }

    @Test("never keeps passwords, custom data and protected settings")
    func writeOnly() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        let machine = try await world.machine("vm1", "\(network)/subnets/machines", "10.0.0.10")
        _ = try await world.resources.patch(
            ResourceWorld.path(machine),
            body: ["properties": ["osProfile": ["adminUsername": "azureuser", "adminPassword": "hunter2!"]]],
            by: .subject(world.owner)
        )
        try await world.put(
            "\(machine)/extensions/AADSSHLoginForLinux",
            [
                "location": "local",
                "properties": [
                    "publisher": "Microsoft.Azure.ActiveDirectory", "type": "AADSSHLoginForLinux",
                    "protectedSettings": ["key": "hunter2!"],
                ],
            ]
        )
        await world.resources.settle()
        let rows = try await world.database.read {
            try $0.rows("SELECT record FROM resource").map { try $0.text("record") }
        }
        #expect(rows.contains { $0.contains("azureuser") })
        #expect(!rows.contains { $0.contains("hunter2") })
    }

    @Test("ignores what belongs to the server when a client sends it")
    func readOnly() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        let machine = try await world.machine("vm1", "\(network)/subnets/machines", "10.0.0.10")
        let id = try #require(world.resources.resource(ResourceWorld.path(machine))?.properties["vmId"])
        let changed = try await world.resources.patch(
            ResourceWorld.path(machine),
            body: [
                "properties": ["vmId": "00000000-0000-0000-0000-000000000000"],
                "identity": ["type": "SystemAssigned", "principalId": "00000000-0000-0000-0000-000000000000"],
            ],
            by: .subject(world.owner)
        ).resource
        #expect(changed.properties["vmId"] == id)
        #expect(changed.identityPrincipal != .zero)
        let code = await world.code {
            var body = changed.document
            body["properties"]?["provisioningState"] = "Deleting"
            try await world.put(machine, body)
        }
        #expect(code == "InvalidRequestContent")
    }

    @Test(
        "refuses a body that names another resource",
        arguments: [
            ("name", "other"), ("id", "\(ResourceWorld.network)/virtualNetworks/other"),
            ("type", "Microsoft.Network/bastionHosts"),
        ]
    )
    func otherIdentity(member: String, value: String) async throws {
        let world = try await ResourceWorld()
        var body: JSONValue = [
            "location": "local", "properties": ["addressSpace": ["addressPrefixes": ["10.0.0.0/16"]]],
        ]
        body[member] = .string(value)
        let sent = body
        let code = await world.code { try await world.put("\(ResourceWorld.network)/virtualNetworks/net", sent) }
        #expect(code == "InvalidRequestContent")
    }

    @Test("keeps location and demands one")
    func location() async throws {
        let world = try await ResourceWorld()
        let path = "\(ResourceWorld.network)/virtualNetworks/net"
        let properties: JSONValue = ["addressSpace": ["addressPrefixes": ["10.0.0.0/16"]]]
        #expect(await world.code { try await world.put(path, ["properties": properties]) } == "LocationRequired")
        try await world.put(path, ["location": "local", "properties": properties])
        let moved = await world.code { try await world.put(path, ["location": "west us", "properties": properties]) }
        #expect(moved == "InvalidResourceLocation")
    }

    @Test("replaces tags as a whole and lets networks be patched in nothing else")
    func tags() async throws {
        let world = try await ResourceWorld()
        let path = ResourceWorld.path(try await world.network("net", "10.0.0.0/16", []))
        for tags in [["a": "1", "b": "2"], ["c": "3"]] as [JSONValue] {
            try await world.resources.patch(path, body: ["tags": tags], by: .subject(world.owner))
        }
        #expect(world.resources.resource(path)?.tags == ["c": "3"])
        let code = await world.code {
            try await world.resources.patch(path, body: ["properties": [:]], by: .subject(world.owner))
        }
        #expect(code == "InvalidRequestContent")
    }

    @Test("holds versions against If-Match and If-None-Match")
    func preconditions() async throws {
        let world = try await ResourceWorld()
        let path = ResourceWorld.path(try await world.network("net", "10.0.0.0/16", []))
        let etag = try #require(world.resources.resource(path)?.etag)
        let stale = await world.code {
            try await world.resources.patch(
                path,
                body: ["tags": ["a": "1"]],
                by: .subject(world.owner),
                preconditions: Preconditions(ifMatch: "W/\"0\"")
            )
        }
        #expect(stale == "PreconditionFailed")
        try await world.resources.patch(
            path,
            body: ["tags": ["a": "1"]],
            by: .subject(world.owner),
            preconditions: Preconditions(ifMatch: etag)
        )
        let again = await world.code {
            try await world.resources.put(
                path,
                body: ["location": "local", "properties": ["addressSpace": ["addressPrefixes": ["10.0.0.0/16"]]]],
                by: .subject(world.owner),
                preconditions: Preconditions(mustBeNew: true)
            )
        }
        #expect(again == "PreconditionFailed")
    }

    @Test("removes a group with everything in it, in an operation when a machine is concerned")
    func removeGroup() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        try await world.machine("vm1", "\(network)/subnets/machines", "10.0.0.10")
        let group = ResourceWorld.path(ResourceWorld.group)
        guard case .started(let operation) = try await world.resources.delete(group, by: .subject(world.owner)) else {
            Issue.record("no operation")
            return
        }
        await world.resources.settle()
        #expect(world.resources.list(below: group).isEmpty)
        #expect(world.calls.withLock { $0 }.contains("remove vm1"))
        let ended = try world.resources.operation(
            operation.id,
            in: try #require(group.subscription),
            for: world.owner
        )
        #expect(ended.status == .succeeded)
        #expect(
            await world.code { _ = try await world.resources.delete(group, by: .subject(world.owner)) }
                == "ResourceGroupNotFound"
        )
    }

    @Test("takes the roles on a resource away with it, so that the next one of the same name starts without any")
    func rolesGo() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        let subnet = "\(network)/subnets/machines"
        let machine = try await world.machine("vm1", subnet, "10.0.0.10")
        try await world.assign("Virtual Machine User Login", to: world.stranger, at: machine)
        _ = try await world.resources.delete(ResourceWorld.path(machine), by: .subject(world.owner))
        await world.resources.settle()
        try await world.machine("vm1", subnet, "10.0.0.10")
        let decision = world.accessControl.decide(
            .virtualMachineLogin,
            at: ResourceWorld.path(machine),
            for: world.stranger
        )
        #expect(!decision.isAllowed)
        #expect(world.accessControl.decide(.read("x/y"), at: ResourceWorld.path(machine), for: world.reader).isAllowed)
    }

    @Test("refuses to remove what something else needs, and says what")
    func inUse() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        try await world.machine("vm1", "\(network)/subnets/machines", "10.0.0.10")
        for (path, code) in [
            ("\(network)/subnets/machines", "InUseSubnetCannotBeDeleted"),
            (network, "InUseSubnetCannotBeDeleted"),
            ("\(ResourceWorld.network)/networkInterfaces/vm1VMNic", "NicInUse"),
        ] {
            let found = await world.code {
                _ = try await world.resources.delete(ResourceWorld.path(path), by: .subject(world.owner))
            }
            #expect(found == code, "\(path)")
        }
    }

    @Test("serves many writers at once, one after the other")
    func manyWriters() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        try await withThrowingTaskGroup { group in
            for number in 0..<50 {
                group.addTask {
                    try await world.put(
                        "\(ResourceWorld.network)/networkInterfaces/nic\(number)",
                        ResourceWorld.interface("\(network)/subnets/machines", nil)
                    )
                }
            }
            try await group.waitForAll()
        }
        let addresses = world.resources.list(
            type: "Microsoft.Network/networkInterfaces",
            below: .root
        ).compactMap { $0.properties["ipConfigurations"]?.array?.first?["properties"]?["privateIPAddress"]?.string }
        #expect(Set(addresses).count == 50)
    }

    @Test("answers the removal of nothing with nothing")
    func absent() async throws {
        let world = try await ResourceWorld()
        let path = ResourceWorld.path("\(ResourceWorld.network)/virtualNetworks/none")
        guard case .absent = try await world.resources.delete(path, by: .subject(world.owner)) else {
            Issue.record("something was there")
            return
        }
    }

    @Test("writes a line into the audit for what changed and for what was refused")
    func audited() async throws {
        let world = try await ResourceWorld()
        try await world.network("net", "10.0.0.0/16", [])
        _ = await world.code {
            try await world.put("\(ResourceWorld.network)/virtualNetworks/other", [:], as: world.reader)
        }
        let entries = try await world.audit.entries(limit: 2).map(\.event)
        #expect(entries[0].outcome == .refused && entries[0].actorName == "dave@contoso.example")
        #expect(entries[1].action == "resource.write" && entries[1].actorName == "admin@contoso.example")
    }
}
