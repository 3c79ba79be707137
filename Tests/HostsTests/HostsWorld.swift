import AccessControl
import AgentWire
import Audit
import Crypto
import Hosts
import Identity
import Keys
import Passwords
import SQLiteStorage
import SSHAuthority
import SSHWire
import Storage
import Synchronization
import TestKit
import Testing
import Vocabulary

/// A machine that can be joined, people with and without roles on it, and everything that decides.
struct HostsWorld {
    static let group = ResourcePath("/subscriptions/5a11b0a7-0000-4000-8000-000000000002/resourceGroups/demo")

    let clock = TurnedClock()
    let database: SQLiteDatabase
    let audit: AuditLog
    let directory: Directory
    let access: AccessControl
    let keys: SSHCAKeys
    let authority: SSHAuthority
    let inventory = Inventory()
    let registry: HostRegistry
    let hosts: Hosts
    let machine: ResourcePath
    let alice: User
    let bob: User
    let dave: User
    let erin: User
    let robot: ServicePrincipal

    /// The machines that exist.
    final class Inventory: Sendable {
        private let machines = Mutex<[ResourcePath: Machine]>([:])

        subscript(path: ResourcePath) -> Machine? {
            get { self.machines.withLock { $0[path] } }
            set { self.machines.withLock { $0[path] = newValue } }
        }
    }

    init(_ change: (inout HostSettings) -> Void = { _ in }) async throws {
        let database = try await MemoryStore.make(
            AuditLog.migrations + SigningKeys.migrations + Directory.migrations + AccessControl.migrations
                + SSHAuthority.migrations + HostRegistry.migrations
        )
        let audit = AuditLog(database: database)
        let clock = self.clock.source
        let tenant = try Tenant(id: GUID(from: .system), displayName: "Contoso", domains: ["contoso.example"])
        let directory = Directory(
            tenant: tenant,
            database: database,
            audit: audit,
            clock: clock,
            random: .system,
            passwords: PasswordHasher()
        )
        try await directory.load()
        let access = AccessControl(database: database, audit: audit, clock: clock, random: .system)
        try await access.load()
        self.keys = SSHCAKeys(
            database: database,
            audit: audit,
            clock: clock,
            random: .system,
            sealing: try SealingKey(bytes: [UInt8](repeating: 7, count: 32))
        )
        try await self.keys.load()
        self.authority = SSHAuthority(
            directory: directory,
            accessControl: access,
            keys: self.keys,
            database: database,
            audit: audit,
            clock: clock,
            random: .system
        )
        try await self.authority.load()
        var settings = HostSettings()
        settings.gathering = .zero
        change(&settings)
        let inventory = self.inventory
        self.registry = HostRegistry(
            machines: Machines { inventory[$0] },
            database: database,
            audit: audit,
            clock: clock,
            random: .system,
            settings: settings
        )
        try await self.registry.load()
        self.hosts = Hosts(
            registry: self.registry,
            directory: directory,
            accessControl: access,
            authority: self.authority,
            audit: audit,
            clock: clock,
            settings: settings
        )
        self.machine = try #require(Self.group).appending("providers", "Microsoft.Compute", "virtualMachines", "myVM")
        let identity = try await directory.putManagedIdentity(for: self.machine)
        self.inventory[self.machine] = Machine(
            path: self.machine,
            identity: identity.id,
            names: ["myvm-host"],
            addresses: ["10.77.0.11"]
        )
        func user(_ name: String) async throws -> User {
            try await directory.put(user: UserDraft(userPrincipalName: name, displayName: name)).value
        }
        self.alice = try await user("alice@contoso.example")
        self.bob = try await user("bob@contoso.example")
        self.dave = try await user("dave@contoso.example")
        self.erin = try await user("erin_fabrikam.example#EXT#@contoso.example")
        self.robot = try await directory.put(servicePrincipal: ServicePrincipalDraft(displayName: "ci-robot")).value
        self.database = database
        self.audit = audit
        self.directory = directory
        self.access = access
        try await self.assign("Virtual Machine Administrator Login", to: self.alice.id)
        try await self.assign("Virtual Machine User Login", to: self.bob.id)
        try await self.assign("Reader", to: self.dave.id)
        try await self.assign("Virtual Machine User Login", to: self.erin.id)
        try await self.assign("Virtual Machine User Login", to: self.robot.id, .servicePrincipal)
        try await self.registry.setSignIn(on: self.machine, true)
    }

    @discardableResult
    func assign(_ role: String, to principal: GUID, _ type: PrincipalType = .user) async throws -> RoleAssignment {
        try await self.access.assign(
            RoleAssignmentDraft(
                name: GUID(from: .system),
                scope: try #require(Self.group),
                roleDefinition: try #require(self.access.definition(named: role)).name,
                principal: principal,
                principalType: type
            ),
            by: nil
        ).0
    }

    func unassign(_ principal: GUID) async throws {
        let filter = RoleAssignmentFilter(principals: [principal])
        for one in self.access.assignments(at: try #require(Self.group), filter) {
            try await self.access.remove(one.name, at: one.scope, by: nil)
        }
    }

    static func request(_ token: String, key: SSHSigner = .ed25519(.init())) -> JoinRequest {
        JoinRequest(
            token: token,
            machineKey: key.publicKey.line(),
            hostname: "somewhere-else",
            hostKeys: [SSHSigner.ed25519(.init()).publicKey.line(comment: "root@host")],
            osName: "Debian",
            osVersion: "12",
            agentVersion: "1.0",
            addresses: ["10.77.0.11"]
        )
    }

    func join(key: SSHSigner = .ed25519(.init())) async throws -> Host {
        let token = try await self.registry.makeJoinToken(for: self.machine, by: .system)
        return try await self.registry.join(Self.request(token.withValue { $0 }, key: key))
    }

    func question(_ id: GUID, as typed: String) -> EntryQuestion {
        EntryQuestion(objectId: id, typedName: typed, service: "sshd", source: "192.0.2.7")
    }

    func report(of person: GUID, serial: UInt64 = 7, administrator: Bool? = nil) -> SessionReport {
        SessionReport(
            session: GUID(from: .system),
            objectId: person,
            serial: SerialNumber(serial),
            keyId: "key",
            source: "192.0.2.7",
            tty: "pts/0",
            openedAt: self.clock.now,
            administrator: administrator
        )
    }

    /// Runs the review while the body runs.
    func reviewing(_ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.hosts.run() }
            try await body()
            group.cancelAll()
        }
    }
}

/// The agent's end of a control channel.
final class FakeAgent: Sendable {
    let connection: HostConnection
    private let messages: Box
    private let ended: Mutex<[String]>

    /// What the link puts in.
    final class Box: Sendable {
        let stream: AsyncStream<ServerMessage>
        let continuation: AsyncStream<ServerMessage>.Continuation
        let ends = Mutex<[String]>([])
        let isFull = Mutex(false)

        init() {
            (self.stream, self.continuation) = AsyncStream.makeStream(of: ServerMessage.self)
        }
    }

    init(_ world: HostsWorld, _ host: Host) async throws {
        let box = Box()
        let link = HostLink { frame in
            guard !box.isFull.withLock({ $0 }) else { return false }
            if let message = try? ServerMessage.decode(frame) { box.continuation.yield(message) }
            return true
        } end: { reason in
            box.ends.withLock { $0.append(reason) }
            box.continuation.finish()
        }
        self.messages = box
        self.ended = Mutex([])
        self.connection = try await world.hosts.connect(host, over: link)
    }

    /// Why the server ended the connection.
    var ends: [String] { self.messages.ends.withLock { $0 } }

    /// Stops reading.
    func stall() { self.messages.isFull.withLock { $0 = true } }

    func say(_ message: AgentMessage, id: Int64? = nil) async throws {
        await self.connection.receive(try message.encoded(id: id))
    }

    /// The next message that is of interest; earlier ones are dropped.
    func next<Result>(_ pick: (ServerMessage) -> Result?) async throws -> Result {
        for await message in self.messages.stream {
            if let result = pick(message) { return result }
        }
        throw Problem("ConnectionEnded", shown: self.ends.joined())
    }

    func nextEnd() async throws -> EndOrder {
        try await self.next { if case .end(let order) = $0 { order } else { nil } }
    }

    func nextAccounts() async throws -> [HostAccount] {
        try await self.next { if case .accounts(let accounts) = $0 { accounts } else { nil } }
    }

    func nextConfiguration() async throws -> HostConfiguration {
        try await self.next { if case .configuration(let configuration) = $0 { configuration } else { nil } }
    }

    func status(_ state: HostStatus.LoginState, code: Int = 0, sessions: [SessionReport] = []) -> AgentMessage {
        .status(
            HostStatus(
                loginState: state,
                exitCode: code,
                message: code == 0 ? "" : "cannot write",
                agentVersion: "1.0",
                osName: "Debian",
                osVersion: "12",
                hostname: "somewhere-else",
                addresses: [],
                hostKeys: self.connection.host.report.hostKeys,
                sessions: sessions
            )
        )
    }
}
