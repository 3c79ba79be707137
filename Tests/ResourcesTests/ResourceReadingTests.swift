import AccessControl
import Resources
import Testing
import Vocabulary

@Suite("Reading resources")
struct ResourceReadingTests {
    static let missing = "\(ResourceWorld.compute)/virtualMachines/none"

    @Test("says NotFound for a machine that is not there to somebody who may read")
    func notFound() async throws {
        let world = try await ResourceWorld()
        let code = await world.code { _ = try world.resources.get(ResourceWorld.path(Self.missing), for: world.reader) }
        #expect(code == "ResourceNotFound")
    }

    @Test("says AuthorizationFailed in the same words whether or not the machine is there")
    func forbidden() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        let machine = try await world.machine("vm1", "\(network)/subnets/machines", "10.0.0.10")
        try await world.put("\(ResourceWorld.subscription)/resourceGroups/other", ["location": "local"])
        try await world.assign("Reader", to: world.stranger, at: "\(ResourceWorld.subscription)/resourceGroups/other")
        var shown: Set<String> = []
        for path in [machine, Self.missing] {
            do {
                _ = try world.resources.get(ResourceWorld.path(path), for: world.stranger)
                Issue.record("readable")
            } catch {
                #expect(error.code == "AuthorizationFailed")
                shown.insert(error.shown.replacing(path, with: "*"))
            }
        }
        #expect(shown.count == 1)
    }

    @Test("hides a subscription from somebody without any role in it")
    func hiddenSubscription() async throws {
        let world = try await ResourceWorld()
        let missing = await world.code {
            _ = try world.resources.get(ResourceWorld.path(Self.missing), for: world.stranger)
        }
        #expect(missing == "SubscriptionNotFound")
        #expect(world.resources.subscriptions(for: world.stranger).isEmpty)
        #expect(world.resources.subscriptions(for: world.reader).count == 1)
    }

    @Test("names what is missing on the way to a resource")
    func missingParents() async throws {
        let world = try await ResourceWorld()
        for (path, code) in [
            (
                "\(ResourceWorld.subscription)/resourceGroups/no/providers/Microsoft.Compute/virtualMachines/a",
                "ResourceGroupNotFound"
            ),
            ("\(ResourceWorld.compute)/virtualMachines/none/extensions/e", "ParentResourceNotFound"),
            ("\(ResourceWorld.subscription)/resourceGroups/no", "ResourceGroupNotFound"),
            ("\(ResourceWorld.group)/providers/Microsoft.Web/sites/a", "InvalidResourceType"),
        ] {
            #expect(
                await world.code { _ = try world.resources.get(ResourceWorld.path(path), for: world.owner) } == code
            )
        }
    }

    @Test("lists only what the subject may read")
    func filteredList() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        let first = try await world.machine("vm1", "\(network)/subnets/machines", "10.0.0.10")
        try await world.machine("vm2", "\(network)/subnets/machines", "10.0.0.11")
        try await world.assign("Virtual Machine User Login", to: world.stranger, at: first)
        let scope = ResourceWorld.path(ResourceWorld.subscription)
        let type = "Microsoft.Compute/virtualMachines"
        #expect(try world.resources.list(type: type, below: scope, for: world.stranger).map(\.name) == ["vm1"])
        #expect(try world.resources.list(type: type, below: scope, for: world.owner).map(\.name) == ["vm1", "vm2"])
    }

    @Test("does not tell an empty group from one that does not exist without the right to know")
    func emptyGroups() async throws {
        let world = try await ResourceWorld()
        try await world.put("\(ResourceWorld.subscription)/resourceGroups/empty", ["location": "local"])
        for (name, owners) in [("empty", "none"), ("nothing", "ResourceGroupNotFound")] {
            let scope = ResourceWorld.path("\(ResourceWorld.subscription)/resourceGroups/\(name)")
            let read = { (subject: Subject) async -> String in
                await world.code { _ = try world.resources.list(type: nil, below: scope, for: subject) }
            }
            #expect(await read(world.reader) == "AuthorizationFailed")
            #expect(await read(world.owner) == owners)
        }
    }

    @Test("shows in a network what lies in it, with ids of their own")
    func embedded() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        try await world.machine("vm1", "\(network)/subnets/machines", "10.0.0.10")
        let document = world.resources.document(of: try #require(world.resources.resource(ResourceWorld.path(network))))
        let subnet = document["properties"]?["subnets"]?.array?.first
        #expect(subnet?["id"]?.string == "\(network)/subnets/machines")
        #expect(subnet?["properties"]?["privateEndpointNetworkPolicies"] == "Disabled")
        let used = subnet?["properties"]?["ipConfigurations"]?.array?.first?["id"]?.string
        #expect(used == "\(ResourceWorld.network)/networkInterfaces/vm1VMNic/ipConfigurations/ipconfig1")
    }

    @Test("shows an interface's machine and its configurations' ids")
    func interfaceDocument() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        let machine = try await world.machine("vm1", "\(network)/subnets/machines", "10.0.0.10")
        let path = ResourceWorld.path("\(ResourceWorld.network)/networkInterfaces/vm1VMNic")
        let properties = world.resources.document(of: try #require(world.resources.resource(path)))["properties"]
        #expect(properties?["virtualMachine"]?["id"]?.string == machine)
        #expect(properties?["primary"] == true)
        let configuration = properties?["ipConfigurations"]?.array?.first
        #expect(configuration?["id"]?.string == "\(path)/ipConfigurations/ipconfig1")
        #expect(configuration?["properties"]?["privateIPAddress"] == "10.0.0.10")
    }

    @Test("gives every machine a power state, also one that never joined")
    func instanceView() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        let machine = try await world.machine("vm1", "\(network)/subnets/machines", "10.0.0.10")
        let resource = try #require(world.resources.resource(ResourceWorld.path(machine)))
        let view = world.resources.document(of: resource, expandingInstanceView: true)["properties"]?["instanceView"]
        let codes = (view?["statuses"]?.array ?? []).compactMap { $0["code"]?.string }
        #expect(codes == ["ProvisioningState/succeeded", "PowerState/unknown"])
        world.resources.hooks.instanceView = { _ in
            ["statuses": [["code": "PowerState/running", "displayStatus": "VM running"]]]
        }
        let live = world.resources.instanceView(of: resource)["statuses"]?.array ?? []
        #expect(live.last?["displayStatus"] == "VM running")
    }

    @Test("shows an operation to who began it and to those who may read its target, to nobody else")
    func operations() async throws {
        let world = try await ResourceWorld()
        let network = try await world.network("net", "10.0.0.0/16", [("machines", "10.0.0.0/24")])
        let machine = try await world.machine("vm1", "\(network)/subnets/machines", "10.0.0.10")
        try await world.assign("Contributor", to: world.stranger, at: "\(ResourceWorld.network)/virtualNetworks/net")
        guard
            case .started(let operation) = try await world.resources.delete(
                ResourceWorld.path(machine),
                by: .subject(world.owner)
            )
        else {
            Issue.record("no operation")
            return
        }
        await world.resources.settle()
        let subscription = try #require(ResourceWorld.path(machine).subscription)
        let see = { (subject: Subject, place: GUID) async -> String in
            await world.code { _ = try world.resources.operation(operation.id, in: place, for: subject) }
        }
        #expect(await see(world.owner, subscription) == "none")
        #expect(await see(world.reader, subscription) == "none")
        #expect(await see(world.stranger, subscription) == "OperationNotFound")
        #expect(await see(world.owner, .zero) == "OperationNotFound")
    }
}
