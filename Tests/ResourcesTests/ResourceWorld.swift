import AccessControl
import Audit
import Fabric
import Resources
import Storage
import Synchronization
import TestKit
import Testing
import Vocabulary

/// A subscription with a group, people with rights, and hooks that a test can steer.
final class ResourceWorld: Sendable {
    static let subscription = "/subscriptions/5a11b0a7-0000-4000-8000-000000000002"
    static let group = "\(subscription)/resourceGroups/demo"
    static let network = "\(group)/providers/Microsoft.Network"
    static let compute = "\(group)/providers/Microsoft.Compute"

    let clock = TurnedClock()
    let random = SeededRandom()
    let database: any Database
    let audit: AuditLog
    let accessControl: AccessControl
    let resources: Resources
    /// What turning sign-in on answers.
    let enabling = Mutex<Verdict<Void>>(.allowed(()))
    /// What makes machines, for worlds that have such a thing.
    let fabric: FakeFabric?
    /// The networks that the operator declared.
    let declaredBox: Box<ResourcePath>
    /// What happened outside, in order.
    let calls = Mutex<[String]>([])

    let owner = ResourceWorld.person("admin", 1)
    let reader = ResourceWorld.person("dave", 2)
    let stranger = ResourceWorld.person("mallory", 3)

    static func person(_ name: String, _ number: UInt64) -> Subject {
        Subject(id: GUID(high: 0xa11ce, low: number), kind: .member, name: "\(name)@contoso.example", groups: [])
    }

    static func path(_ text: String) -> ResourcePath {
        ResourcePath(text) ?? .root
    }

    /// A world of its own, or one on the store of another: what comes back after a restart.
    init(
        fabric: FakeFabric? = nil,
        after other: ResourceWorld? = nil,
        publicAddresses: [AddressPrefix] = []
    ) async throws {
        self.fabric = fabric
        var store = other?.database
        if store == nil {
            store = try await MemoryStore.make(
                AuditLog.migrations + AccessControl.migrations + Resources.migrations
            )
        }
        let database = try #require(store)
        self.database = database
        self.audit = AuditLog(database: database)
        self.accessControl = AccessControl(
            database: database,
            audit: self.audit,
            clock: self.clock.source,
            random: self.random.source
        )
        try await self.accessControl.load()
        var settings = ResourceSettings(
            tenantID: GUID(high: 0x7e0a, low: 1),
            tenantName: "Contoso",
            domains: ["contoso.example"],
            dataPlaneHost: { _ in "localhost:8443" }
        )
        settings.publicAddresses = publicAddresses
        settings.publicDomain = "cloud.contoso.example"
        let declared = Box<ResourcePath>()
        self.declaredBox = declared
        settings.isDeclared = { declared.contains($0) }
        self.resources = Resources(
            settings: settings,
            accessControl: self.accessControl,
            database: database,
            audit: self.audit,
            clock: self.clock.source,
            random: self.random.source
        )
        try await self.resources.load()
        self.resources.hooks = self.hooks
        guard other == nil else {
            self.resources.resume()
            return
        }
        try await self.declare(Self.subscription, ["properties": ["displayName": "Demo"]])
        try await self.declare(Self.group, ["location": "local"])
        try await self.assign("Owner", to: self.owner, at: Self.subscription)
        try await self.assign("Reader", to: self.reader, at: Self.group)
    }

    private var hooks: ResourceHooks {
        var hooks = self.plainHooks
        hooks.joinDeadline = .zero
        hooks.clientID = { _ in GUID(high: 0xc11e, low: 1) }
        guard let fabric = self.fabric else { return hooks }
        hooks.fabric = fabric
        hooks.enrolment = { path in
            self.calls.withLock { $0.append("token \(path.name)") }
            return MachineOrder.Enrolment(
                port: 8443,
                serverName: "sallyport.internal",
                authority: "PEM",
                token: Secret("token-of-\(path.name)")
            )
        }
        return hooks
    }

    private var plainHooks: ResourceHooks {
        ResourceHooks(
            assignIdentity: { path in
                self.calls.withLock { $0.append("assign \(path.name)") }
                return (GUID(high: 0x1d, low: UInt64(path.name.utf8.count)), GUID(high: 0x7e0a, low: 1))
            },
            removeIdentity: { path in self.calls.withLock { $0.append("remove \(path.name)") } },
            signIn: SignInExtensionDriver(
                enable: { path in
                    self.calls.withLock { $0.append("enable \(path.name)") }
                    return self.enabling.withLock { $0 }
                },
                disable: { path in
                    self.calls.withLock { $0.append("disable \(path.name)") }
                    return .allowed(())
                }
            ),
            instanceView: { _ in nil }
        )
    }

    func assign(_ role: String, to subject: Subject, at scope: String) async throws {
        try await self.accessControl.assign(
            RoleAssignmentDraft(
                name: GUID(from: self.random.source),
                scope: Self.path(scope),
                roleDefinition: try #require(self.accessControl.definition(named: role)).name,
                principal: subject.id,
                principalType: .user
            ),
            by: nil
        )
    }

    @discardableResult
    func declare(_ path: String, _ body: JSONValue) async throws -> Resource {
        try await self.resources.put(Self.path(path), body: body, by: .system).resource
    }

    @discardableResult
    func put(_ path: String, _ body: JSONValue, as subject: Subject? = nil) async throws -> PutOutcome {
        try await self.resources.put(Self.path(path), body: body, by: .subject(subject ?? self.owner))
    }

    /// A network with subnets of the given names and ranges.
    @discardableResult
    func network(_ name: String, _ space: String, _ subnets: [(String, String)]) async throws -> String {
        let path = "\(Self.network)/virtualNetworks/\(name)"
        try await self.put(
            path,
            [
                "location": "local",
                "properties": [
                    "addressSpace": ["addressPrefixes": [.string(space)]],
                    "subnets": .array(
                        subnets.map {
                            ["name": .string($0.0), "properties": ["addressPrefix": .string($0.1)]]
                        }
                    ),
                ],
            ]
        )
        return path
    }

    /// A machine with one interface at an address of a subnet.
    @discardableResult
    func machine(
        _ name: String,
        _ subnet: String,
        _ address: String,
        identity: Bool = true,
        system: String = "Linux"
    ) async throws -> String {
        let interface = "\(Self.network)/networkInterfaces/\(name)VMNic"
        try await self.put(interface, Self.interface(subnet, address))
        let path = "\(Self.compute)/virtualMachines/\(name)"
        var body: JSONValue = [
            "location": "local",
            "properties": [
                "networkProfile": ["networkInterfaces": [["id": .string(interface)]]],
                "storageProfile": ["osDisk": ["osType": .string(system), "createOption": "Attach"]],
            ],
        ]
        if identity { body["identity"] = ["type": "SystemAssigned"] }
        try await self.put(path, body)
        return path
    }

    static func interface(_ subnet: String, _ address: String?) -> JSONValue {
        var properties: JSONValue = ["subnet": ["id": .string(subnet)]]
        if let address {
            properties["privateIPAddress"] = .string(address)
            properties["privateIPAllocationMethod"] = "Static"
        }
        return [
            "location": "local",
            "properties": ["ipConfigurations": [["name": "ipconfig1", "properties": properties]]],
        ]
    }

    /// A declared bastion host in the network's AzureBastionSubnet.
    @discardableResult
    func bastion(_ name: String, _ network: String, sku: String = "Standard", _ flags: [String: JSONValue] = [:])
        async throws -> String
    {
        let path = "\(Self.network)/bastionHosts/\(name)"
        try await self.declare(path, Self.host(network, sku: sku, flags))
        return path
    }

    static func host(_ network: String, sku: String, _ flags: [String: JSONValue]) -> JSONValue {
        let own: [String: JSONValue] = [
            "ipConfigurations": [
                [
                    "name": "bastion_ip_config",
                    "properties": ["subnet": ["id": .string("\(network)/subnets/AzureBastionSubnet")]],
                ]
            ]
        ]
        return [
            "location": "local", "sku": ["name": .string(sku)],
            "properties": .object(own.merging(flags) { $1 }),
        ]
    }

    /// Both halves of a peering.
    func peer(_ one: String, _ other: String) async throws {
        for (from, to) in [(one, other), (other, one)] {
            let name = Self.path(to).name
            try await self.put(
                "\(from)/virtualNetworkPeerings/to-\(name)",
                ["properties": ["remoteVirtualNetwork": ["id": .string(to)]]]
            )
        }
    }

    /// The code of the problem that a body throws, or "none".
    func code(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "none"
        } catch let problem as Problem {
            return problem.code
        } catch {
            return "\(error)"
        }
    }
}

extension Verdict {
    /// The refusal's code, or "allowed".
    var code: String {
        switch self {
        case .allowed: "allowed"
        case .refused(let refusal): refusal.code
        }
    }
}
