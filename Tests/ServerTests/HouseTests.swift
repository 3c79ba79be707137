import AccessControl
import FoundationEssentials
import Identity
import Resources
import SQLiteStorage
import Testing
import Vocabulary

@testable import Server

/// A data directory that goes when the test is over.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        self.path = FileManager.default.temporaryDirectory.path + "/sallyport-test-\(GUID(from: .system))"
        try PrivateFiles.makeDirectory(self.path)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: self.path)
    }
}

@Suite("A data directory and what is made in it")
struct HouseTests {
    private static let plan = """
        apiVersion: 1
        subscriptions:
          - {id: 5a11b0a7-0000-4000-8000-000000000002, displayName: Demo}
        users:
          - {upn: alice, displayName: Alice, password: {environment: PASSWORD}}
        servicePrincipals:
          - {name: robot, appId: 5a11b0a7-0000-4000-8000-000000000009}
        groups:
          - {name: outer, members: [inner]}
          - {name: inner, members: [alice]}
        resourceGroups:
          - {name: demo}
        virtualNetworks:
          - name: net
            resourceGroup: demo
            addressPrefixes: [10.9.0.0/24]
            subnets:
              - {name: machines, addressPrefix: 10.9.0.0/25}
              - {name: AzureBastionSubnet, addressPrefix: 10.9.0.192/26}
        bastionHosts:
          - {name: gate, resourceGroup: demo, virtualNetwork: net, enableTunneling: true}
        virtualMachines:
          - {name: one, resourceGroup: demo, virtualNetwork: net, subnet: machines, privateAddress: 10.9.0.11}
        roleAssignments:
          - {principal: outer, role: Reader, scope: demo}
          - {principal: alice, role: Virtual Machine User Login, scope: demo/one}
        """

    private func house(_ directory: TemporaryDirectory, domain: String? = "contoso.example") async throws -> House {
        let configuration = try ServerConfiguration(
            flags: [.data: directory.path + "/data"],
            environment: [:],
            file: [:]
        )
        let data = try DataDirectory(configuration.dataDirectory)
        let tenant = try domain.map { try Tenant(id: GUID(from: .system), displayName: $0, domains: [$0]) }
        return try await House(configuration, in: data, tenant: tenant)
    }

    private func apply(_ house: House, plan: String = plan, dryRun: Bool = false) async throws -> [String] {
        try await Applier(
            directory: house.directory,
            accessControl: house.accessControl,
            resources: house.resources,
            networks: house.networks,
            random: .system,
            dryRun: dryRun,
            secrets: ["environment:PASSWORD": "Correct-Horse-9"]
        ).apply(try ApplyFile(parsing: plan))
    }

    @Test("without a tenant nothing starts")
    func noTenant() async throws {
        let directory = try TemporaryDirectory()
        let problem = await #expect(throws: Problem.self) { try await self.house(directory, domain: nil) }
        #expect(problem?.code == "NoTenant")
    }

    @Test("a store whose sealing key is missing or another is left alone, with a sentence for the operator")
    func lostSealingKey() async throws {
        let directory = try TemporaryDirectory()
        _ = try await self.house(directory)
        let path = directory.path + "/data/seal.key"
        let kept = try Data(contentsOf: URL(filePath: path))
        try FileManager.default.removeItem(atPath: path)
        let missing = await #expect(throws: Problem.self) { try await self.house(directory) }
        #expect(missing?.code == "SealingKey" && missing?.shown.contains("seal.key is missing") == true)
        #expect(!FileManager.default.fileExists(atPath: path))
        let other = FileManager.default.createFile(
            atPath: path,
            contents: Data(repeating: 7, count: 32),
            attributes: [.posixPermissions: 0o600]
        )
        #expect(other)
        let wrong = await #expect(throws: Problem.self) { try await self.house(directory) }
        #expect(wrong?.shown.contains("is not the key of this store") == true)
        try kept.write(to: URL(filePath: path))
        _ = try await self.house(directory)
    }

    @Test("one process at a time uses a data directory")
    func oneProcess() throws {
        let directory = try TemporaryDirectory()
        let first = try DataDirectory(directory.path + "/data")
        #expect(throws: Problem.self) { _ = try DataDirectory(directory.path + "/data") }
        _ = first.path
    }

    @Test("a directory that others may enter is refused")
    func openDirectory() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/open"
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o755]
        )
        #expect(throws: Problem.self) { try PrivateFiles.makeDirectory(path) }
    }

    @Test("applying a file twice changes nothing the second time")
    func idempotent() async throws {
        let directory = try TemporaryDirectory()
        let house = try await self.house(directory)
        #expect(try await self.apply(house).count > 10)
        #expect(try await self.apply(house) == [])
    }

    @Test("a dry run says what would change and changes nothing")
    func dryRun() async throws {
        let directory = try TemporaryDirectory()
        let house = try await self.house(directory)
        #expect(try await self.apply(house, dryRun: true).count > 10)
        #expect(try await house.directory.user(named: "alice@contoso.example") == nil)
        #expect(house.resources.list(type: "Microsoft.Compute/virtualMachines", below: .root).isEmpty)
    }

    @Test("a program that was applied stands among the applications once, and goes with its entry")
    func applications() async throws {
        let house = try await self.house(try TemporaryDirectory())
        for _ in 1...2 { _ = try await self.apply(house) }
        let found = try await house.directory.registrations(DirectoryQuery(limit: 10)).values
        #expect(found.map(\.displayName) == ["robot"])
        #expect(found.first?.appID.description == "5a11b0a7-0000-4000-8000-000000000009")
        _ = try await self.apply(
            house,
            plan: Self.plan.replacing("{name: robot,", with: "{name: robot, removed: true,")
        )
        #expect(try await house.directory.registrations(DirectoryQuery(limit: 10)).values.isEmpty)
    }

    @Test("what was applied is there after a restart, and decides")
    func restart() async throws {
        let directory = try TemporaryDirectory()
        let first = try await self.house(directory)
        _ = try await self.apply(first)
        try first.database.close()
        let second = try await self.house(directory, domain: nil)
        let alice = try #require(try await second.directory.user(named: "ALICE@contoso.example"))
        let subject = try #require(try await second.directory.subject(alice.id))
        let machine = try #require(second.resources.list(type: "Microsoft.Compute/virtualMachines", below: .root).first)
        #expect(second.accessControl.decide(.virtualMachineLogin, at: machine.path, for: subject).isAllowed)
        #expect(!second.accessControl.decide(.virtualMachineLoginAsAdmin, at: machine.path, for: subject).isAllowed)
        #expect(
            second.accessControl.decide(.read("Microsoft.Network/bastionHosts"), at: machine.path, for: subject)
                .isAllowed
        )
    }

    @Test("a virtual network that nobody declared is not dialled into, whatever range it claims")
    func invented() async throws {
        let directory = try TemporaryDirectory()
        let house = try await self.house(directory)
        _ = try await self.apply(house)
        let group = "/subscriptions/5a11b0a7-0000-4000-8000-000000000002/resourceGroups/demo/providers"
        let network = try #require(ResourcePath(group + "/Microsoft.Network/virtualNetworks/invented"))
        let bastion = try #require(ResourcePath(group + "/Microsoft.Network/bastionHosts/mine"))
        let subnet = network.description + "/subnets/AzureBastionSubnet"
        _ = try await house.resources.putAll(
            [
                ResourceWish(
                    network,
                    [
                        "location": "local",
                        "properties": [
                            "addressSpace": ["addressPrefixes": ["192.168.0.0/16"]],
                            "subnets": [
                                ["name": "AzureBastionSubnet", "properties": ["addressPrefix": "192.168.1.0/26"]]
                            ],
                        ],
                    ]
                ),
                ResourceWish(
                    bastion,
                    [
                        "location": "local", "sku": ["name": "Standard"],
                        "properties": [
                            "enableTunneling": true, "enableIpConnect": true,
                            "ipConfigurations": [["name": "c", "properties": ["subnet": ["id": .string(subnet)]]]],
                        ],
                    ]
                ),
            ],
            by: .system
        )
        let target = try #require(ResourcePath(group + "/Microsoft.Network/bh-hostConnect/192.168.7.7"))
        guard case .refused(let refusal) = house.resources.reach(target, port: 22, from: bastion) else {
            Issue.record("an invented network was dialled into")
            return
        }
        #expect(refusal.code == "NetworkNotWired")
    }

    @Test("a store whose last page is damaged is refused, not served")
    func damaged() async throws {
        let directory = try TemporaryDirectory()
        let house = try await self.house(directory)
        _ = try await self.apply(house)
        try house.database.close()
        let file = directory.path + "/data/sallyport.sqlite"
        var bytes = try Data(contentsOf: URL(filePath: file))
        let size = bytes.count
        bytes.replaceSubrange((size - 4096)..<size, with: Data(repeating: 0xa5, count: 4096))
        try bytes.write(to: URL(filePath: file))
        await #expect(throws: (any Error).self) { try await self.house(directory, domain: nil) }
    }

    @Test("the certificate is kept while the names are the same, and made anew when they change")
    func certificate() throws {
        let directory = try TemporaryDirectory()
        let now = TimeSource.system.now
        let names = ["localhost", "10.0.0.1", "::1"]
        let first = try TLSFiles.prepare(in: directory.path + "/tls", names: names, at: now)
        let text = try PrivateFiles.required(first.certificate)
        #expect(
            try PrivateFiles.required(TLSFiles.prepare(in: directory.path + "/tls", names: names, at: now).certificate)
                == text
        )
        let more = try TLSFiles.prepare(in: directory.path + "/tls", names: names + ["more.example"], at: now)
        #expect(try PrivateFiles.required(more.certificate) != text)
        let late = try TLSFiles.prepare(in: directory.path + "/tls", names: names, at: now + .seconds(380 * 86_400))
        #expect(try PrivateFiles.required(late.certificate) != text)
    }

    @Test("private files have mode 0600")
    func modes() async throws {
        let directory = try TemporaryDirectory()
        let house = try await self.house(directory)
        try house.database.close()
        for name in ["sallyport.sqlite", "seal.key", "lock"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: directory.path + "/data/" + name)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
        }
    }
}
