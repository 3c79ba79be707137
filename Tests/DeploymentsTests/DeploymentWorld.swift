import AccessControl
import Audit
import Deployments
import Resources
import Storage
import Synchronization
import TestKit
import Testing
import Vocabulary

/// A subscription with a group, an owner, a reader, and templates to deploy there.
final class DeploymentWorld: Sendable {
    static let subscription = "/subscriptions/5a11b0a7-0000-4000-8000-000000000002"
    static let group = "\(subscription)/resourceGroups/demo"
    static let network = "\(group)/providers/Microsoft.Network"
    static let compute = "\(group)/providers/Microsoft.Compute"
    static let machineIdentity = GUID(high: 0x1d, low: 1)

    let clock = TurnedClock()
    let random = SeededRandom()
    let database: any Database
    let audit: AuditLog
    let accessControl: AccessControl
    let resources: Resources
    let deployments: Deployments
    let owner = DeploymentWorld.person("admin", 1)
    let reader = DeploymentWorld.person("dave", 2)
    let builder = DeploymentWorld.person("bob", 3)
    let flag: KnownFlag

    static func person(_ name: String, _ number: UInt64) -> Subject {
        Subject(id: GUID(high: 0xa11ce, low: number), kind: .member, name: "\(name)@contoso.example", groups: [])
    }

    init() async throws {
        let database = try await MemoryStore.make(
            AuditLog.migrations + AccessControl.migrations + Resources.migrations + Deployments.migrations
        )
        let isKnown = KnownFlag()
        self.database = database
        self.audit = AuditLog(database: database)
        self.accessControl = AccessControl(
            database: database,
            audit: self.audit,
            clock: self.clock.source,
            random: self.random.source
        )
        try await self.accessControl.load()
        self.resources = Resources(
            settings: ResourceSettings(
                tenantID: GUID(high: 0x7e0a, low: 1),
                tenantName: "Contoso",
                domains: ["contoso.example"],
                dataPlaneHost: { _ in "localhost:8443" }
            ),
            accessControl: self.accessControl,
            database: database,
            audit: self.audit,
            clock: self.clock.source,
            random: self.random.source,
            hooks: ResourceHooks(
                assignIdentity: { _ in (Self.machineIdentity, GUID(high: 0x7e0a, low: 1)) },
                removeIdentity: { _ in },
                signIn: .absent,
                instanceView: { _ in nil }
            )
        )
        try await self.resources.load()
        self.flag = isKnown
        self.deployments = Deployments(
            resources: self.resources,
            accessControl: self.accessControl,
            database: database,
            audit: self.audit,
            clock: self.clock.source,
            random: self.random.source,
            hooks: DeploymentHooks(
                current: { isKnown.value ? $0 : nil },
                principalType: { $0 == Self.machineIdentity ? .servicePrincipal : nil }
            )
        )
        try await self.declare(Self.subscription, ["properties": ["displayName": "Demo"]])
        try await self.declare(Self.group, ["location": "local"])
        try await self.assign("Owner", to: self.owner, at: Self.subscription)
        try await self.assign("Reader", to: self.reader, at: Self.group)
        try await self.assign("Contributor", to: self.builder, at: Self.group)
    }

    /// Whether the directory still knows whoever deploys.
    final class KnownFlag: Sendable {
        private let state = Mutex(true)
        var value: Bool {
            get { self.state.withLock { $0 } }
            set { self.state.withLock { $0 = newValue } }
        }
    }

    func declare(_ path: String, _ body: JSONValue) async throws {
        try await self.resources.put(try #require(ResourcePath(path)), body: body, by: .system)
    }

    func assign(_ role: String, to subject: Subject, at scope: String) async throws {
        try await self.accessControl.assign(
            RoleAssignmentDraft(
                name: GUID(from: self.random.source),
                scope: try #require(ResourcePath(scope)),
                roleDefinition: try #require(self.accessControl.definition(named: role)).name,
                principal: subject.id,
                principalType: .user
            ),
            by: nil
        )
    }

    static func path(_ name: String = "d1", in scope: String = group) -> ResourcePath {
        ResourcePath("\(scope)/providers/Microsoft.Resources/deployments/\(name)") ?? .root
    }

    func author(_ subject: Subject? = nil) -> ChangeAuthor {
        .subject(subject ?? self.owner, source: "192.0.2.1", correlation: "c0ffee")
    }

    static func body(_ template: JSONValue, _ parameters: JSONValue = [:], mode: String = "incremental") -> JSONValue {
        var whole: JSONValue = [
            "$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0", "parameters": [:], "variables": [:], "resources": [], "outputs": [:],
        ]
        for (name, part) in template.object ?? [:] { whole[name] = part }
        return ["properties": ["mode": .string(mode), "template": whole, "parameters": parameters]]
    }

    /// Deploys and waits for the end.
    @discardableResult
    func deploy(_ body: JSONValue, _ name: String = "d1", as subject: Subject? = nil, in scope: String = group)
        async throws
        -> Deployment
    {
        let (accepted, _) = try await self.deployments.start(
            Self.path(name, in: scope),
            body: body,
            by: self.author(subject)
        )
        #expect(accepted.state == .accepted)
        await self.deployments.settle()
        return try await self.deployments.get(accepted.path, for: self.owner)
    }

    /// The problem that a request meets.
    func problem(_ body: JSONValue, as subject: Subject? = nil, _ name: String = "d1") async -> Problem? {
        do throws(Problem) {
            _ = try await self.deployments.start(Self.path(name), body: body, by: self.author(subject))
            return nil
        } catch {
            return error
        }
    }

    // MARK: Templates

    static func net(_ name: String = "net", _ more: JSONValue = [:]) -> JSONValue {
        var resource: JSONValue = [
            "type": "Microsoft.Network/virtualNetworks", "apiVersion": "2015-06-15", "name": .string(name),
            "location": "local",
            "dependsOn": [], "tags": [:],
            "properties": [
                "addressSpace": ["addressPrefixes": ["10.0.0.0/16"]],
                "subnets": [["name": "vm1Subnet", "properties": ["addressPrefix": "10.0.0.0/24"]]],
            ],
        ]
        for (name, part) in more.object ?? [:] { resource[name] = part }
        return resource
    }

    /// What `az vm create --assign-identity --role --scope` sends, in its order: the role assignment before the machine.
    static func machine(_ name: String = "vm1") -> JSONValue {
        let interface = "\(name)VMNic"
        return [
            "parameters": [
                "adminPassword": ["type": "securestring", "metadata": ["description": "Secure adminPassword"]]
            ],
            "resources": [
                net("\(name)VNET"),
                [
                    "type": "Microsoft.Network/publicIPAddresses", "apiVersion": "2022-01-01",
                    "name": .string("\(name)PublicIP"),
                    "location": "local", "tags": [:], "dependsOn": [], "sku": ["name": "Standard"],
                    "properties": ["publicIPAllocationMethod": "Static"],
                ],
                [
                    "type": "Microsoft.Network/networkInterfaces", "apiVersion": "2015-06-15",
                    "name": .string(interface),
                    "location": "local", "tags": [:],
                    "dependsOn": [
                        .string("Microsoft.Network/virtualNetworks/\(name)VNET"),
                        .string("Microsoft.Network/publicIpAddresses/\(name)PublicIP"),
                    ],
                    "properties": [
                        "ipConfigurations": [
                            [
                                "name": .string("ipconfig\(name)"),
                                "properties": [
                                    "privateIPAllocationMethod": "Dynamic",
                                    "subnet": [
                                        "id": .string("\(network)/virtualNetworks/\(name)VNET/subnets/vm1Subnet")
                                    ],
                                    "publicIPAddress": ["id": .string("\(network)/publicIPAddresses/\(name)PublicIP")],
                                ],
                            ]
                        ]
                    ],
                ],
                [
                    "type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2015-07-01",
                    "name": "0b8e3a4c-0000-4000-8000-000000000001",
                    "dependsOn": [.string("Microsoft.Compute/virtualMachines/\(name)")],
                    "properties": [
                        "roleDefinitionId": .string(
                            "\(subscription)/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
                        ),
                        "principalId": .string(
                            "[reference('\(compute)/virtualMachines/\(name)', '2019-07-01', 'Full').identity.principalId]"
                        ),
                        "scope": .string(subscription),
                    ],
                ],
                [
                    "type": "Microsoft.Compute/virtualMachines", "apiVersion": "2026-04-01", "name": .string(name),
                    "location": "local", "tags": [:],
                    "dependsOn": [.string("Microsoft.Network/networkInterfaces/\(interface)")],
                    "identity": ["type": "SystemAssigned"],
                    "properties": [
                        "hardwareProfile": ["vmSize": "Standard_D2s_v5"],
                        "networkProfile": [
                            "networkInterfaces": [
                                [
                                    "id": .string("\(network)/networkInterfaces/\(interface)"),
                                    "properties": ["deleteOption": nil],
                                ]
                            ]
                        ],
                        "storageProfile": [
                            "osDisk": ["osType": "Linux", "name": nil]
                        ],
                        "osProfile": [
                            "computerName": .string(name), "adminUsername": "azureuser",
                            "adminPassword": "[parameters('adminPassword')]", "customData": "I2Nsb3VkLWNvbmZpZw==",
                        ],
                    ],
                ],
            ],
        ]
    }
}
