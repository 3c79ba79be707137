public import AgentWire
public import Audit
import Crypto
public import Identity
import SSHWire
public import Storage
import Synchronization
public import Vocabulary

/// Which machines have joined, with which keys; and the single-use tokens to join with.
public final class HostRegistry: Sendable {
    /// Where machines are looked up.
    public let machines: Machines
    private let database: any Database
    private let audit: AuditLog
    private let clock: TimeSource
    private let random: RandomSource
    private let settings: HostSettings
    private let state = Mutex(State())

    private struct State {
        var hosts: [GUID: Host] = [:]
        var byMachine: [ResourcePath: GUID] = [:]
        var signIn: Set<ResourcePath> = []
        var nonces = NonceCache()
    }

    /// Makes a registry on a store that has the schema; call `load` before anything else.
    public init(
        machines: Machines,
        database: any Database,
        audit: AuditLog,
        clock: TimeSource,
        random: RandomSource,
        settings: HostSettings = HostSettings()
    ) {
        self.machines = machines
        self.database = database
        self.audit = audit
        self.clock = clock
        self.random = random
        self.settings = settings
    }

    /// Reads what is stored. Throws `StorageError`.
    public func load() async throws {
        let (hosts, signIn) = try await self.database.read { reader in
            (
                // Without LIMIT: all of it is kept in memory.
                try reader.rows("SELECT id, path, machine_key, report, joined_at, last_seen FROM host").map(Self.host),
                try reader.rows("SELECT path FROM host_sign_in").map { try $0.path("path") }
            )
        }
        self.state.withLock { state in
            state.hosts = Dictionary(hosts.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
            state.byMachine = Dictionary(hosts.map { ($0.machine, $0.id) }, uniquingKeysWith: { $1 })
            state.signIn = Set(signIn)
        }
    }

    // MARK: Joining

    /// Makes a token that lets one host join as this machine, once. Throws `ResourceNotFound`, or `StorageError`.
    public func makeJoinToken(
        for machine: ResourcePath,
        lifetime: Duration = .seconds(3600),
        by author: Author
    ) async throws -> Secret<String> {
        guard let known = self.machines.machine(machine) else { throw Problem.machineNotFound(machine) }
        let now = self.clock.now
        let token = self.random.token()
        let end = now + min(max(lifetime, .seconds(60)), .seconds(7 * 86_400))
        try await self.database.write { transaction in
            try transaction.run("DELETE FROM host_join_token WHERE expires_at <= \(now)")
            try transaction.run(
                """
                INSERT INTO host_join_token (digest, path, expires_at)
                VALUES (\(Self.digest(token)), \(known.path.description), \(end))
                """
            )
            try self.audit.record(
                AuditEvent(
                    at: now,
                    actor: author.id,
                    actorName: author.name,
                    action: "hostToken.create",
                    target: known.path.description,
                    outcome: .success,
                    correlation: author.correlation,
                    source: author.source,
                    details: ["expiresAt": end.description]
                ),
                in: transaction
            )
        }
        return Secret(token)
    }

    /// Lets a host join: the token goes and the host comes in one transaction. An earlier host of the same machine is replaced.
    ///
    /// Throws `InvalidJoinToken`, `InvalidJoinRequest` (which does not use the token up), or `StorageError`.
    public func join(_ request: JoinRequest, source: String = "") async throws -> Host {
        let report = try HostReport(request)
        guard let key = try? SSHPublicKey(line: request.machineKey), key.type == .ed25519 || key.type == .ecdsaP256
        else {
            throw Problem.malformedJoin("the machine key is neither Ed25519 nor ECDSA on P-256")
        }
        let now = self.clock.now
        let id = GUID(from: self.random)
        let digest = Self.digest(request.token)
        let host = try await self.database.write { transaction -> Host? in
            let row = try transaction.row(
                "SELECT path FROM host_join_token WHERE digest = \(digest) AND expires_at > \(now)"
            )
            guard let path = try row?.path("path"), let machine = self.machines.machine(path) else { return nil }
            let host = Host(
                id: id,
                machine: machine.path,
                machineKey: key,
                report: report,
                joinedAt: now,
                lastSeen: now
            )
            try transaction.run("DELETE FROM host_join_token WHERE digest = \(digest)")
            try transaction.run("DELETE FROM host WHERE machine = \(machine.path)")
            try Self.insert(host, in: transaction)
            try self.audit.record(self.event("host.join", host, source: source), in: transaction)
            return host
        }
        guard let host else {
            try await self.audit.record(
                AuditEvent(
                    at: now,
                    actor: nil,
                    actorName: report.hostname,
                    action: "host.join",
                    target: "",
                    outcome: .refused,
                    reason: Problem.joinToken.shown,
                    source: source
                )
            )
            throw Problem.joinToken
        }
        self.put(host)
        return host
    }

    // MARK: Who is it

    /// The host that signed a request. Throws `AuthenticationFailed`, always the same to the outside.
    ///
    /// `header` is the value of `Authorization`, `path` the target without the query.
    public func authenticate(header: String?, method: String, path: String) throws(Problem) -> Host {
        guard let header, let proof = HostAuthorization(header: header) else {
            throw .hostAuthentication("no proof")
        }
        let now = self.clock.now
        let host = self.host(proof.hostId)
        // The signature of an unknown host is checked too, against a key that nobody has, so that it takes as long.
        let key = host?.machineKey ?? .ed25519([UInt8](repeating: 1, count: 32))
        let message = HostAuthorization.message(
            method: method,
            path: path,
            seconds: proof.seconds,
            nonce: proof.nonce
        )
        do {
            // Windows keeps no Ed25519 keys; the signatures of both kinds are 64 bytes.
            let signature =
                key.type == .ecdsaP256
                ? SSHSignature(.ecdsaP256, fixedWidth: proof.signature)
                : SSHSignature(.ed25519, content: proof.signature)
            try signature.verify(message, by: key)
        } catch {
            throw .hostAuthentication("signature of \(proof.hostId)")
        }
        guard let host else { throw .hostAuthentication("unknown host \(proof.hostId)") }
        let window = self.settings.clockWindow.milliseconds / 1000
        guard (now.seconds - window...now.seconds + window).contains(proof.seconds) else {
            throw .hostClock(of: host.machine.name, saying: proof.seconds, at: now.seconds)
        }
        let end = Instant(seconds: proof.seconds + window + 1)
        guard self.state.withLock({ $0.nonces.use(proof.nonce, of: host.id, until: end, at: now) }) else {
            throw .hostAuthentication("repeated request of \(host.machine.name)")
        }
        return host
    }

    /// The host with this id.
    public func host(_ id: GUID) -> Host? {
        self.state.withLock { $0.hosts[id] }
    }

    /// The host that a machine is, nil when it has not joined.
    public func host(for machine: ResourcePath) -> Host? {
        self.state.withLock { state in state.byMachine[machine].flatMap { state.hosts[$0] } }
    }

    /// The hosts that call themselves by this name, in any letter case, with or without their domain; in the order of their machines.
    public func hosts(named hostName: String) -> [Host] {
        let asked = hostName.lowercased()
        return self.state.withLock { Array($0.hosts.values) }
            .filter { host in
                let own = host.report.hostname.lowercased()
                return own == asked || own.prefix { $0 != "." } == asked
            }
            .sorted { $0.machine.description < $1.machine.description }
    }

    // MARK: Changes

    /// Whether signing in is wanted on a machine, joined or not.
    public func isSignInWanted(on machine: ResourcePath) -> Bool {
        self.state.withLock { $0.signIn.contains(machine) }
    }

    /// Wants signing in on a machine, or no longer. Throws `StorageError`.
    public func setSignIn(on machine: ResourcePath, _ isWanted: Bool) async throws {
        try await self.database.write { transaction in
            try transaction.run("DELETE FROM host_sign_in WHERE machine = \(machine)")
            if isWanted {
                try transaction.run(
                    "INSERT INTO host_sign_in (machine, path) VALUES (\(machine), \(machine.description))"
                )
            }
        }
        self.state.withLock { state in
            if isWanted {
                state.signIn.insert(machine)
            } else {
                state.signIn.remove(machine)
            }
        }
    }

    /// Notes what a host says of itself, and that it is there. Throws `StorageError`.
    func note(_ report: HostReport?, of id: GUID) async throws {
        guard var host = self.host(id) else { return }
        host.lastSeen = self.clock.now
        if let report { host.report = report }
        let (text, seen) = (try Self.text(host.report), host.lastSeen)
        try await self.database.write { transaction in
            try transaction.run("UPDATE host SET report = \(text), last_seen = \(seen) WHERE id = \(id)")
        }
        let noted = host
        self.state.withLock { state in
            if state.hosts[id] != nil { state.hosts[id] = noted }
        }
    }

    /// Forgets the host of a machine and everything that was prepared for it; returns the host. Throws `StorageError`.
    @discardableResult
    func remove(_ machine: ResourcePath) async throws -> Host? {
        let host = self.host(for: machine)
        try await self.database.write { transaction in
            try transaction.run("DELETE FROM host WHERE machine = \(machine)")
            try transaction.run("DELETE FROM host_sign_in WHERE machine = \(machine)")
            if let host {
                try self.audit.record(self.event("host.remove", host, source: ""), in: transaction)
            }
        }
        self.state.withLock { state in
            state.byMachine[machine] = nil
            state.signIn.remove(machine)
            if let host {
                state.hosts[host.id] = nil
                state.nonces.forget(host.id)
            }
        }
        return host
    }

    private func put(_ host: Host) {
        self.state.withLock { state in
            if let earlier = state.byMachine[host.machine] {
                state.hosts[earlier] = nil
                state.nonces.forget(earlier)
            }
            state.hosts[host.id] = host
            state.byMachine[host.machine] = host.id
        }
    }

    private func event(_ action: String, _ host: Host, source: String) -> AuditEvent {
        AuditEvent(
            at: self.clock.now,
            actor: host.id,
            actorName: host.report.hostname,
            action: action,
            target: host.machine.description,
            outcome: .success,
            source: source,
            details: ["key": host.machineKey.fingerprint, "os": "\(host.report.osName) \(host.report.osVersion)"]
        )
    }

    private static func digest(_ token: String) -> String {
        Hex.encode(SHA256.hash(data: Array(token.utf8)))
    }
}
