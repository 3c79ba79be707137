import Fabric
import HTTPTypes
import Resources
import Synchronization
import TestKit
import Testing
import Vocabulary

/// Says yes to everything and remembers how machines are.
private final class QuietFabric: Fabric {
    private let states = Mutex<[ResourcePath: MachineState]>([:])
    let name = "quiet"
    let images = [
        MachineImage(
            id: "own",
            reference: ImageReference(publisher: "House", offer: "own", sku: "1", version: "3.1.4"),
            title: "House 1"
        )
    ]

    func image(for reference: ImageReference) -> MachineImage? { self.images[0] }
    func put(_ network: NetworkOrder) async throws(Problem) {}
    func remove(network: ResourcePath) async throws(Problem) {}
    func has(network: ResourcePath) -> Bool { true }
    func put(_ machine: MachineOrder) async throws(Problem) {
        self.states.withLock { $0[machine.path] = .running }
    }
    func perform(_ action: MachineAction, on machine: ResourcePath) async throws(Problem) {
        self.states.withLock { $0[machine] = action == .deallocate ? .deallocated : .stopped }
    }
    func state(of machine: ResourcePath) -> MachineState? { self.states.withLock { $0[machine] } }
    func connect(to address: String, port: Int, in network: ResourcePath, deadline: Duration)
        async throws(Problem) -> Int32
    { throw Problem("NotReachable", shown: "Nothing is reachable in a test.") }
}

@Suite("What the command line asks about machines that are made, and about catalogues")
struct MadeMachineTests {
    private static let body: JSONValue = [
        "location": "local",
        "properties": [
            "storageProfile": [
                "osDisk": ["createOption": "FromImage"],
                "imageReference": ["publisher": "House", "offer": "own", "sku": "1", "version": "latest"],
            ],
            "osProfile": [
                "computerName": "new", "adminUsername": "azureuser", "adminPassword": "Correct-Horse-9",
            ],
            "userData": "aGVsbG8=",
        ],
    ]

    /// A world with a machine `new` that the fabric made.
    private func world() async throws -> (RouteWorld, String) {
        let world = try await RouteWorld()
        world.resources.hooks.fabric = QuietFabric()
        _ = try await world.machine("old")
        let interface = "\(RouteWorld.network)/networkInterfaces/newVMNic"
        _ = try await world.send(
            .put,
            interface,
            [
                "location": "local",
                "properties": [
                    "ipConfigurations": [
                        [
                            "name": "ip",
                            "properties": [
                                "subnet": ["id": .string("\(RouteWorld.network)/virtualNetworks/net/subnets/machines")]
                            ],
                        ]
                    ]
                ],
            ]
        )
        let path = "\(RouteWorld.compute)/virtualMachines/new"
        var body = Self.body
        body["properties"]?["networkProfile"] = ["networkInterfaces": [["id": .string(interface)]]]
        let made = try await world.send(.put, path, body)
        #expect(made.status == 201 && made.document["properties"]?["provisioningState"] == "Creating")
        await world.resources.settle()
        #expect(try await world.send(.get, try made.operation).document["status"] == "Succeeded")
        return (world, path)
    }

    @Test("az vm create: is an operation whose end is a machine that says nothing secret")
    func create() async throws {
        let (world, path) = try await self.world()
        let shown = try await world.send(.get, path)
        #expect(shown.document["properties"]?["provisioningState"] == "Succeeded")
        #expect(shown.document["properties"]?["userData"] == nil)
        #expect(!shown.document.text.contains("Correct-Horse"))
        let expanded = try await world.send(.get, "\(path)?$expand=userData")
        #expect(expanded.document["properties"]?["userData"] == "aGVsbG8=")
        let disks = try await world.send(.get, "\(RouteWorld.compute)/disks")
        #expect(disks.document["value"]?.array?.count == 1)
    }

    @Test("az vm deallocate: answers 202 with both addresses, and the list of states shows it")
    func deallocate() async throws {
        let (world, path) = try await self.world()
        let begun = try await world.send(.post, "\(path)/deallocate")
        #expect(begun.status == 202 && begun.headers[.location] != nil && begun.headers[.retryAfter] == "1")
        await world.resources.settle()
        #expect(try await world.send(.get, try begun.operation).document["status"] == "Succeeded")
        let end = try await world.send(.get, try #require(begun.headers[.location]))
        #expect(end.status == 200 && end.bytes.isEmpty)
        let list = try await world.send(.get, "\(RouteWorld.compute)/virtualMachines?statusOnly=true")
        let statuses = list.document["value"]?.array?.first?["properties"]?["instanceView"]?["statuses"]?.array
        #expect(statuses?.contains { $0["displayStatus"] == "VM deallocated" } == true)
    }

    @Test(
        "az vm start and its like: need the right of their own name",
        arguments: ["start", "restart", "powerOff", "deallocate", "redeploy", "runCommand"]
    )
    func rights(verb: String) async throws {
        let (world, path) = try await self.world()
        let refused = try await world.send(.post, "\(path)/\(verb)", as: "dave")
        #expect(refused.status == 403)
        #expect(refused.message.contains("Microsoft.Compute/virtualMachines/\(verb)/action"))
        #expect(try await world.send(.post, "\(path)/\(verb)", as: "mallory").status == 404)
    }

    @Test("az vm start: is refused for machines that were only declared")
    func declared() async throws {
        let world = try await RouteWorld()
        let machine = try await world.machine()
        let answer = try await world.send(.post, "\(machine)/start")
        #expect(answer.status == 409 && answer.code == "OperationNotAllowed")
    }

    @Test("az vm create --image: finds short names without signing in, and their versions in bare arrays")
    func images() async throws {
        let world = try await RouteWorld()
        let aliases = try await world.sendExactly(.get, "/metadata/aliases.json", as: nil)
        let ubuntu = aliases.document["outputs"]?["aliases"]?["value"]?["Linux"]?["Ubuntu2204"]
        #expect(ubuntu?["publisher"] == "Canonical" && ubuntu?["version"] == "latest")
        let publishers = "\(RouteWorld.subscription)/providers/Microsoft.Compute/locations/local/publishers"
        let skus = "\(publishers)/canonical/artifacttypes/vmimage/offers/0001-com-ubuntu-server-jammy/skus"
        let versions = try await world.send(
            .get,
            "\(skus)/22_04-lts-gen2/versions?$top=1&$orderby=name%20desc&$expand=properties"
        )
        let version = try #require(versions.document.array?.first?["name"]?.string)
        let one = try await world.send(.get, "\(skus)/22_04-lts-gen2/versions/\(version)")
        #expect(one.document["properties"]?["osDiskImage"]?["operatingSystem"] == "Linux")
        #expect(one.document["properties"]?["dataDiskImages"] == [])
        #expect(try await world.send(.get, "\(skus)/no/versions").status == 404)
        let listed = try await world.send(.get, publishers)
        #expect(listed.document.array?.contains { $0["name"] == "Debian" } == true)
        #expect(listed.document.array?.contains { $0["name"] == "Microsoft.Azure.ActiveDirectory" } == true)
    }

    @Test("az vm image list: holds what the fabric has of its own")
    func ownImages() async throws {
        let (world, _) = try await self.world()
        let base =
            "\(RouteWorld.subscription)/providers/Microsoft.Compute/locations/local/publishers/House/artifacttypes/"
        let offers = try await world.send(.get, "\(base)vmimage/offers")
        #expect(offers.document.array?.compactMap { $0["name"]?.string } == ["own"])
        let versions = try await world.send(.get, "\(base)vmimage/offers/own/skus/1/versions")
        #expect(versions.document.array?.compactMap { $0["name"]?.string } == ["3.1.4"])
    }

    @Test("az vm list-sizes, list-skus, list-usage: say what there is")
    func sizes() async throws {
        let (world, path) = try await self.world()
        let provider = "\(RouteWorld.subscription)/providers/Microsoft.Compute"
        let sizes = try await world.send(.get, "\(provider)/locations/local/vmSizes")
        let usual = sizes.document["value"]?.array?.first { $0["name"] == "Standard_D2s_v5" }
        #expect(usual?["numberOfCores"] == 2 && usual?["memoryInMB"] == 8192)
        #expect(try await world.send(.get, "\(path)/vmSizes").document == sizes.document)
        let skus = try await world.send(.get, "\(provider)/skus")
        #expect(skus.document["value"]?.array?.allSatisfy { $0["resourceType"] == "virtualMachines" } == true)
        let usages = try await world.send(.get, "\(provider)/locations/local/usages")
        #expect(usages.document["value"]?.array?.first?["currentValue"] == 4)
    }
}
