import AccessControl
import Audit
import HTTPTypes
import Hummingbird
import ResourceRoutes
import Resources
import Storage
import Synchronization
import TestKit
import Testing
import Vocabulary

@testable import Federation

/// The resource manager over HTTP with a subscription, a group, an owner, a reader and a stranger.
final class RouteWorld: Sendable {
    static let subscription = "/subscriptions/5a11b0a7-0000-4000-8000-000000000002"
    static let group = "\(subscription)/resourceGroups/demo"
    static let network = "\(group)/providers/Microsoft.Network"
    static let compute = "\(group)/providers/Microsoft.Compute"

    static let people: [String: Subject] = Dictionary(
        uniqueKeysWithValues: ["admin", "dave", "mallory"].enumerated().map { index, name in
            (
                name,
                Subject(
                    id: GUID(high: 0xa11ce, low: UInt64(index + 1)),
                    kind: .member,
                    name: "\(name)@contoso.example",
                    groups: []
                )
            )
        }
    )

    let resources: Resources
    let accessControl: AccessControl
    let random = SeededRandom()
    let audit: AuditLog
    private let routes: ResourceRoutes
    /// Held while an installation runs, so that a test sees it running.
    let gate = Gate()

    init(actions: [String: ResourceAction] = [:], limits: RequestLimits? = nil) async throws {
        let clock = TurnedClock()
        let database = try await MemoryStore.make(
            AuditLog.migrations + AccessControl.migrations + Resources.migrations
        )
        self.audit = AuditLog(database: database)
        self.accessControl = AccessControl(
            database: database,
            audit: self.audit,
            clock: clock.source,
            random: self.random.source
        )
        try await self.accessControl.load()
        let gate = self.gate
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
            clock: clock.source,
            random: self.random.source,
            hooks: ResourceHooks(
                assignIdentity: { _ in (GUID(high: 0x1d, low: 1), GUID(high: 0x7e0a, low: 1)) },
                removeIdentity: { _ in },
                signIn: SignInExtensionDriver(
                    enable: { _ in
                        await gate.pass()
                        return .allowed(())
                    },
                    disable: { _ in .allowed(()) }
                ),
                instanceView: { _ in
                    ["statuses": [["code": "PowerState/running", "displayStatus": "VM running", "level": "Info"]]]
                }
            )
        )
        try await self.resources.load()
        self.routes = ResourceRoutes(
            resources: self.resources,
            conventions: ARMConventions(
                authority: "https://localhost:8443/tenant",
                clock: clock.source,
                random: self.random.source
            ),
            origin: "https://localhost:8443",
            actions: actions,
            limits: limits ?? RequestLimits(clock: clock.source),
            authenticate: { header throws(Problem) in
                guard let name = header?.split(separator: " ").last.map(String.init), let subject = Self.people[name]
                else { throw Problem("AuthenticationFailed", shown: "Authentication failed.") }
                return Caller(
                    subject: subject,
                    appID: .zero,
                    tokenID: "t",
                    issuedAt: clock.now,
                    expiresAt: clock.now,
                    methods: []
                )
            }
        )
        try await self.declare(Self.subscription, ["properties": ["displayName": "Demo"]])
        try await self.declare(Self.group, ["location": "local"])
        try await self.assign("Owner", to: "admin", at: Self.subscription)
        try await self.assign("Reader", to: "dave", at: Self.group)
    }

    func declare(_ path: String, _ body: JSONValue) async throws {
        try await self.resources.put(try #require(ResourcePath(path)), body: body, by: .system)
    }

    func assign(_ role: String, to name: String, at scope: String) async throws {
        try await self.accessControl.assign(
            RoleAssignmentDraft(
                name: GUID(from: self.random.source),
                scope: try #require(ResourcePath(scope)),
                roleDefinition: try #require(self.accessControl.definition(named: role)).name,
                principal: try #require(Self.people[name]).id,
                principalType: .user
            ),
            by: nil
        )
    }

    /// Sends a request; `api-version` is added unless the address has a query with one.
    func send(
        _ method: HTTPRequest.Method,
        _ address: String,
        _ body: JSONValue? = nil,
        as name: String? = "admin",
        _ extra: [String: String] = [:]
    ) async throws -> RouteAnswer {
        var address = address.replacing("https://localhost:8443", with: "")
        if !address.contains("api-version") {
            address += (address.contains("?") ? "&" : "?") + "api-version=2024-11-01"
        }
        return try await self.sendExactly(method, address, body, as: name, extra)
    }

    /// Sends a request whose address stays as it is.
    func sendExactly(
        _ method: HTTPRequest.Method,
        _ address: String,
        _ body: JSONValue? = nil,
        as name: String? = "admin",
        _ extra: [String: String] = [:]
    ) async throws -> RouteAnswer {
        var headers: HTTPFields = [:]
        for (field, value) in extra { headers[try #require(HTTPField.Name(field))] = value }
        let router = Router(context: BasicRequestContext.self)
        self.routes.add(to: router)
        return try await router.answer(
            method,
            address,
            authorization: name.map { "Bearer \($0)" },
            headers: headers,
            body: body
        )
    }

    /// A network with a machine in it, made over HTTP as the command line makes them. Returns the machine's path.
    @discardableResult
    func machine(_ name: String = "myVM", identity: Bool = true) async throws -> String {
        let network = "\(Self.network)/virtualNetworks/net"
        _ = try await self.send(
            .put,
            network,
            [
                "location": "local",
                "properties": [
                    "addressSpace": ["addressPrefixes": ["10.1.0.0/16"]], "enableDdosProtection": false,
                    "enableVmProtection": false,
                    "subnets": [["name": "machines", "properties": ["addressPrefix": "10.1.0.0/24"]]],
                ],
            ]
        )
        let interface = "\(Self.network)/networkInterfaces/\(name)VMNic"
        _ = try await self.send(
            .put,
            interface,
            [
                "location": "local",
                "properties": [
                    "ipConfigurations": [
                        [
                            "name": "ipconfig1",
                            "properties": [
                                "privateIPAddressVersion": "IPv4", "privateIPAllocationMethod": "Dynamic",
                                "subnet": ["id": .string("\(network)/subnets/machines")],
                            ],
                        ]
                    ]
                ],
            ]
        )
        let machine = "\(Self.compute)/virtualMachines/\(name)"
        var body: JSONValue = [
            "location": "local",
            "properties": [
                "hardwareProfile": ["vmSize": "Standard_D2s_v5"],
                "storageProfile": ["osDisk": ["osType": "Linux", "name": nil]],
                "networkProfile": ["networkInterfaces": [["id": .string(interface)]]],
            ],
        ]
        if identity { body["identity"] = ["type": "SystemAssigned"] }
        _ = try await self.send(.put, machine, body)
        return machine
    }
}

extension RouteAnswer {
    /// Where to watch the operation that a request began.
    var operation: String {
        get throws {
            let name = try #require(HTTPField.Name("Azure-AsyncOperation"))
            return try #require(self.headers[name])
        }
    }
}

/// Holds whoever passes until it is opened.
final class Gate: Sendable {
    private struct State {
        var isOpen = true
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func close() { self.state.withLock { $0.isOpen = false } }

    func open() {
        let waiting = self.state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        waiting.forEach { $0.resume() }
    }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = self.state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}
