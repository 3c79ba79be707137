public import AccessControl
import AgentWire
public import Audit
public import Identity
public import SSHAuthority
import Synchronization
public import Vocabulary

/// The hosts that are connected: answers their questions, keeps them up to date, and ends sessions that are no longer allowed.
///
/// `run` must run for as long as the program does; without it nothing is reviewed.
public final class Hosts: Sendable {
    /// Which hosts have joined.
    public let registry: HostRegistry
    /// Bounds and switches.
    public let settings: HostSettings
    /// Tells of each machine whose host has connected, after it was told what it needs.
    public let arrivals = ChangeFeed<ResourcePath>()

    /// Tells, before the host is told, that somebody may not be signed in to a machine any longer.
    public let cuts = ChangeFeed<HostCut>()

    let directory: Directory
    let authority: SSHAuthority
    let judge: EntryJudge
    let audit: AuditLog
    let clock: TimeSource
    let review = ReviewQueue()
    let tasks = HostTaskBook()
    private let state = Mutex(State())

    private struct State {
        var live: [GUID: LiveHost] = [:]
        var connections = 0
        /// Certificates outlive connections, so that a host that comes and goes does not get a new one each time.
        var certificates: [ResourcePath: HostCertificates] = [:]
    }

    /// Puts the service together; it hears of every change from now on.
    public init(
        registry: HostRegistry,
        directory: Directory,
        accessControl: AccessControl,
        authority: SSHAuthority,
        audit: AuditLog,
        clock: TimeSource,
        settings: HostSettings = HostSettings()
    ) {
        self.registry = registry
        self.directory = directory
        self.authority = authority
        self.judge = EntryJudge(directory: directory, accessControl: accessControl, registry: registry)
        self.audit = audit
        self.clock = clock
        self.settings = settings
        let review = self.review
        accessControl.changes.subscribe { review.note(scope: $0.scope) }
        directory.changes.subscribe { review.note($0) }
        authority.changes.subscribe { review.note($0) }
        authority.authorityChanges.subscribe { _ in review.noteConfiguration() }
    }

    // MARK: Connections

    /// Takes over a host's control channel: an earlier one of the same machine ends, and the host is told everything it needs.
    public func connect(_ host: Host, over link: HostLink) async throws -> HostConnection {
        let (number, earlier) = self.state.withLock { state in
            state.connections += 1
            let earlier = state.live.values.filter { $0.host.machine == host.machine }
            for one in earlier { state.live[one.host.id] = nil }
            state.live[host.id] = LiveHost(host: host, link: link, number: state.connections)
            return (state.connections, earlier)
        }
        for one in earlier { one.dropped("Another connection of this host has begun.") }
        let connection = HostConnection(hosts: self, host: host, number: number)
        do {
            // A host that joined again, or whose machine was removed, must not stay under its old name.
            guard self.registry.host(host.id) != nil, self.registry.machines.machine(host.machine) != nil else {
                throw Problem.hostAuthentication("the host has left")
            }
            try await self.registry.note(nil, of: host.id)
            try await self.pushConfiguration(to: host.id)
            try await self.pushAccounts(to: host.id)
            self.arrivals.publish(host.machine)
        } catch {
            connection.closed()
            throw error
        }
        return connection
    }

    /// Forgets a connection that has ended.
    func disconnect(_ id: GUID, number: Int) {
        let gone = self.state.withLock { state -> LiveHost? in
            guard let live = state.live[id], live.number == number else { return nil }
            state.live[id] = nil
            return live
        }
        gone?.stopWaiting()
    }

    /// Ends the connection of a host.
    func drop(_ id: GUID, _ reason: String) {
        let gone = self.state.withLock { $0.live.removeValue(forKey: id) }
        gone?.dropped(reason)
    }

    /// Sends a message to a connected host. One that does not keep up is dropped: what it missed it is told when it connects again.
    func send(_ message: ServerMessage, to id: GUID) {
        guard let live = self.live(id) else { return }
        guard let frame = try? message.encoded(), frame.count <= ControlObject.longestFrame else { return }
        if !live.link.send(frame) {
            self.drop(id, "The host does not read fast enough.")
        }
    }

    // MARK: What is there

    /// Whether a machine's agent is connected now.
    public func isConnected(_ machine: ResourcePath) -> Bool {
        self.registry.host(for: machine).flatMap { self.live($0.id) } != nil
    }

    /// Every session on every connected host, oldest first.
    public func sessions() -> [HostSession] {
        self.everyLive.flatMap(\.sessions.values).sorted { ($0.openedAt, $0.id) < ($1.openedAt, $1.id) }
    }

    /// Ends a session, with a message for the person's terminal; false when there is none.
    @discardableResult
    public func endSession(_ id: GUID, message: String, by author: Author) async throws -> Bool {
        guard let live = self.everyLive.first(where: { $0.sessions[id] != nil }), let session = live.sessions[id] else {
            return false
        }
        try await self.audit.record(
            AuditEvent(
                at: self.clock.now,
                actor: author.id,
                actorName: author.name,
                action: "host.endSession",
                target: session.machine.description,
                outcome: .success,
                reason: message,
                correlation: author.correlation,
                source: author.source,
                details: ["session": id.description, "person": session.objectID.description]
            )
        )
        self.send(.end(EndOrder(session: id, message: PrintableText.of(message, limit: 512))), to: live.host.id)
        return true
    }

    /// Forgets a machine's host, ends its connection and revokes its certificates. Throws `StorageError`.
    public func remove(_ machine: ResourcePath, by author: Author = .system) async throws {
        let host = self.registry.host(for: machine)
        if let host {
            self.drop(host.id, "The machine was removed.")
            // Before the host is forgotten, so that a failure half-way can be made good by removing it again.
            try await self.authority.revoke(allOf: machine, by: author, because: "The machine was removed.")
        }
        try await self.registry.remove(machine)
        self.state.withLock { $0.certificates[machine] = nil }
    }

    // MARK: State

    var everyLive: [LiveHost] {
        self.state.withLock { Array($0.live.values) }
    }

    func live(_ id: GUID) -> LiveHost? {
        self.state.withLock { $0.live[id] }
    }

    /// Changes what is known of a connected host; nil when it is not connected any more, or over another connection.
    func update<Result: Sendable>(
        _ id: GUID,
        number: Int? = nil,
        _ change: (inout LiveHost) -> Result
    ) -> Result? {
        self.state.withLock { state in
            guard var live = state.live[id], number == nil || live.number == number else { return nil }
            let result = change(&live)
            state.live[id] = live
            return result
        }
    }

    func certificates(of machine: ResourcePath) -> HostCertificates? {
        self.state.withLock { $0.certificates[machine] }
    }

    func keep(_ certificates: HostCertificates, of machine: ResourcePath) {
        self.state.withLock { $0.certificates[machine] = certificates }
    }
}
