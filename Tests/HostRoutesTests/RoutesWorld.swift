import AccessControl
import AgentWire
import Audit
import Crypto
import Federation
import HostRoutes
import Hosts
import Hummingbird
import Identity
import Keys
import Passwords
import SQLiteStorage
import SSHAuthority
import SSHWire
import Synchronization
import TestKit
import Testing
import Vocabulary

/// A server half for hosts with one machine and its identity, reachable through a router.
struct RoutesWorld {
    static let base = "https://sallyport.test"

    let clock = TurnedClock()
    let directory: Directory
    let access: AccessControl
    let authority: SSHAuthority
    let federation: Federation
    let machine: ResourcePath
    let hosts: Hosts
    let router = Router()
    /// The machine's identity, while it has one.
    let identity: Box

    final class Box: Sendable {
        private let value: Mutex<GUID?>

        init(_ value: GUID) { self.value = Mutex(value) }

        var id: GUID? {
            get { self.value.withLock { $0 } }
            set { self.value.withLock { $0 = newValue } }
        }
    }

    init() async throws {
        let database = try await MemoryStore.make(
            AuditLog.migrations + SigningKeys.migrations + Directory.migrations + AccessControl.migrations
                + SSHAuthority.migrations + HostRegistry.migrations + Federation.migrations
        )
        let audit = AuditLog(database: database)
        let clock = self.clock.source
        self.directory = Directory(
            tenant: try Tenant(id: GUID(from: .system), displayName: "Contoso", domains: ["contoso.example"]),
            database: database,
            audit: audit,
            clock: clock,
            random: .system,
            passwords: PasswordHasher()
        )
        try await self.directory.load()
        self.access = AccessControl(database: database, audit: audit, clock: clock, random: .system)
        try await self.access.load()
        let sealing = try SealingKey(bytes: [UInt8](repeating: 7, count: 32))
        let keys = SSHCAKeys(database: database, audit: audit, clock: clock, random: .system, sealing: sealing)
        try await keys.load()
        let signing = SigningKeys(database: database, audit: audit, clock: clock, random: .system, sealing: sealing)
        try await signing.load()
        self.authority = SSHAuthority(
            directory: self.directory,
            accessControl: self.access,
            keys: keys,
            database: database,
            audit: audit,
            clock: clock,
            random: .system
        )
        try await self.authority.load()
        self.federation = Federation(
            directory: self.directory,
            keys: signing,
            database: database,
            audit: audit,
            clock: clock,
            random: .system,
            origin: try ServiceOrigin(base: Self.base)
        )
        let machine = try #require(
            ResourcePath("/subscriptions/5a11b0a7-0000-4000-8000-000000000002/resourceGroups/demo")
        ).appending("providers", "Microsoft.Compute", "virtualMachines", "myVM")
        let identity = Box(try await self.directory.putManagedIdentity(for: machine).id)
        var settings = HostSettings()
        settings.gathering = .zero
        let registry = HostRegistry(
            machines: Machines { $0 == machine ? Machine(path: machine, identity: identity.id) : nil },
            database: database,
            audit: audit,
            clock: clock,
            random: .system,
            settings: settings
        )
        try await registry.load()
        try await registry.setSignIn(on: machine, true)
        self.hosts = Hosts(
            registry: registry,
            directory: self.directory,
            accessControl: self.access,
            authority: self.authority,
            audit: audit,
            clock: clock,
            settings: settings
        )
        self.machine = machine
        self.identity = identity
        HostRoutes(
            hosts: self.hosts,
            directory: self.directory,
            authority: self.authority,
            accessControl: self.access,
            federation: self.federation,
            attestation: Attestation(certificatePEM: "certificate") { Array("signed ".utf8) + $0 }
        ).add(to: self.router)
    }

    func joinToken() async throws -> String {
        try await self.hosts.registry.makeJoinToken(for: self.machine, by: .system).withValue { $0 }
    }

    func join(_ key: SSHSigner) async throws -> Host {
        try await self.hosts.registry.join(self.request(try await self.joinToken(), key))
    }

    func request(_ token: String, _ key: SSHSigner) -> JoinRequest {
        JoinRequest(
            token: token,
            machineKey: key.publicKey.line(),
            hostname: "myvm",
            hostKeys: [SSHSigner.ed25519(.init()).publicKey.line()],
            osName: "Debian",
            osVersion: "12",
            agentVersion: "1",
            addresses: []
        )
    }

    /// The header with which a host proves itself.
    func proof(_ host: Host, _ key: SSHSigner, _ method: String, _ path: String) throws -> String {
        let seconds = self.clock.now.seconds
        let nonce = RandomSource.system.token(bytes: 16)
        let message = HostAuthorization.message(method: method, path: path, seconds: seconds, nonce: nonce)
        return HostAuthorization(
            hostId: host.id,
            seconds: seconds,
            nonce: nonce,
            signature: try key.sign(message).content
        ).header
    }

    /// A bearer token of a service principal that is a machine's identity, with a role or none.
    func bearer(role: String?) async throws -> (header: String, id: GUID) {
        let path = self.machine.appending("extensions", GUID(from: .system).description)
        let principal = try await self.directory.putManagedIdentity(for: path)
        if let role {
            _ = try await self.access.assign(
                RoleAssignmentDraft(
                    name: GUID(from: .system),
                    scope: self.machine,
                    roleDefinition: try #require(self.access.definition(named: role)).name,
                    principal: principal.id,
                    principalType: .servicePrincipal
                ),
                by: nil
            )
        }
        let token = try await self.federation.issueManagedIdentityToken(
            for: principal,
            resource: "https://management.azure.com/"
        )
        return ("Bearer " + token.accessToken.withValue { $0 }, principal.id)
    }
}
