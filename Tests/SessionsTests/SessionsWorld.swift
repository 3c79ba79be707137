import AccessControl
import Audit
import SQLiteStorage
import Sessions
import Storage
import Synchronization
import TestKit
import Vocabulary

/// Sessions over the real access control and audit log, with people who can be disabled and a store of names that can fail.
final class SessionsWorld: Sendable {
    struct StoreFails: Error {}

    let database: SQLiteDatabase
    let audit: AuditLog
    let access: AccessControl
    let sessions: Sessions
    let clock = TurnedClock()
    let random = SeededRandom()
    private let people = Mutex<[GUID: Subject]>([:])
    private let unreadable = Mutex<Set<GUID>>([])
    /// What a switch of the bastion host says about new connections; nil lets them through.
    let switchedOff: Switch
    /// The machines to which nobody may be signed in any longer.
    let closed = Closed()

    static let group = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/app"
    let bastion = ResourcePath.root.appending("bastions", "one")
    let machine: ResourcePath
    let otherMachine: ResourcePath

    /// A switch that a test turns.
    final class Switch: Sendable {
        private let state = Mutex<Refusal?>(nil)

        var refusal: Refusal? { self.state.withLock { $0 } }

        func turnOff() { self.state.withLock { $0 = Refusal("TunnelingDisabled", reason: "It is off.") } }
    }

    /// Machines that a test closes.
    final class Closed: Sendable {
        private let machines = Mutex<Set<ResourcePath>>([])

        func close(_ machine: ResourcePath) { self.machines.withLock { _ = $0.insert(machine) } }

        func refusal(for machine: ResourcePath) -> Refusal? {
            self.machines.withLock { $0.contains(machine) } ? Refusal("RoleMissing", reason: "No login role.") : nil
        }
    }

    init(_ change: (inout Sessions.Limits) -> Void = { _ in }) async throws {
        var limits = Sessions.Limits()
        limits.grace = .zero
        change(&limits)
        let base = ResourcePath(Self.group + "/providers/Microsoft.Compute/virtualMachines") ?? .root
        self.machine = base.appending("myVM")
        self.otherMachine = base.appending("otherVM")
        self.database = try await MemoryStore.make(AuditLog.migrations + AccessControl.migrations)
        self.audit = AuditLog(database: self.database)
        let access = AccessControl(
            database: self.database,
            audit: self.audit,
            clock: self.clock.source,
            random: self.random.source
        )
        try await access.load()
        self.access = access
        // The judge is made before the world exists, so the world is handed to it afterwards.
        let world = Mutex<@Sendable (GUID) throws -> Subject?>({ _ in nil })
        let holder = Holder(world)
        let judge: @Sendable (Subject, ResourcePath, ResourcePath, Int) -> Verdict<ConnectionJudge.Allowed> = {
            subject,
            _,
            target,
            port in
            switch access.decide(.read("Microsoft.Compute/virtualMachines"), at: target, for: subject) {
            case .refused(let refusal): .refused(refusal)
            case .allowed(let allowed):
                .allowed(.init(decision: allowed, endpoint: Endpoint(address: "10.0.0.4", port: port)))
            }
        }
        let switchedOff = Switch()
        self.switchedOff = switchedOff
        self.sessions = Sessions(
            judge: ConnectionJudge(
                judge: { switchedOff.refusal.map { .refused($0) } ?? judge($0, $1, $2, $3) },
                current: { id in try holder.find(id) },
                goesOn: judge,
                entry: { [closed] _, machine in closed.refusal(for: machine) }
            ),
            accessControl: access,
            audit: self.audit,
            clock: self.clock.source,
            random: self.random.source,
            limits: limits
        )
        holder.set { [weak self] id in try self?.person(id) }
    }

    private final class Holder: Sendable {
        private let body: Mutex<@Sendable (GUID) throws -> Subject?>

        init(_ body: consuming sending Mutex<@Sendable (GUID) throws -> Subject?>) {
            self.body = body
        }

        func set(_ body: @escaping @Sendable (GUID) throws -> Subject?) { self.body.withLock { $0 = body } }

        func find(_ id: GUID) throws -> Subject? { try self.body.withLock { $0 }(id) }
    }

    private func person(_ id: GUID) throws -> Subject? {
        if self.unreadable.withLock({ $0.contains(id) }) { throw StoreFails() }
        return self.people.withLock { $0[id] }
    }

    /// Somebody with Reader on both machines.
    func person(_ name: String, allowed: Bool = true) async throws -> Subject {
        let subject = Subject(id: GUID(from: self.random.source), kind: .member, name: name, groups: [])
        self.people.withLock { $0[subject.id] = subject }
        if allowed { try await self.allow(subject) }
        return subject
    }

    func disable(_ subject: Subject) { self.people.withLock { $0[subject.id] = nil } }

    func makeUnreadable(_ subject: Subject) { self.unreadable.withLock { _ = $0.insert(subject.id) } }

    func allow(_ subject: Subject) async throws {
        let scope = ResourcePath(Self.group) ?? .root
        _ = try await self.access.assign(
            RoleAssignmentDraft(
                name: GUID(from: self.random.source),
                scope: scope,
                roleDefinition: RoleDefinition.reader,
                principal: subject.id,
                principalType: .user
            ),
            by: nil
        )
    }

    func revoke(_ subject: Subject) async throws {
        let scope = ResourcePath(Self.group) ?? .root
        for assignment in self.access.assignments(at: scope) where assignment.principal == subject.id {
            _ = try await self.access.remove(assignment.name, at: scope, by: nil)
        }
    }

    func request(
        _ subject: Subject,
        to target: ResourcePath? = nil,
        port: Int = 22,
        continuing: String? = nil,
        bastion: ResourcePath? = nil
    )
        -> AdmissionRequest
    {
        AdmissionRequest(
            subject: subject,
            bastion: bastion ?? self.bastion,
            target: target ?? self.machine,
            port: port,
            continuing: continuing,
            source: "192.0.2.7",
            correlation: "c-1"
        )
    }

    /// Admits, or throws the refusal's code.
    func admit(
        _ subject: Subject,
        to target: ResourcePath? = nil,
        port: Int = 22,
        continuing: String? = nil,
        bastion: ResourcePath? = nil
    )
        async throws -> Admission
    {
        switch try await self.sessions.admit(
            self.request(subject, to: target, port: port, continuing: continuing, bastion: bastion)
        ) {
        case .allowed(let admission): return admission
        case .refused(let refusal): throw Refused(code: refusal.code)
        }
    }

    /// How a token is answered: `open`, `unknown`, or the refusal's code.
    func redeem(_ token: String) async throws -> String {
        switch try await self.sessions.redeem(token) {
        case nil: "unknown"
        case .refused(let refusal)?: refusal.code
        case .allowed?: "open"
        }
    }

    /// The newest entries of the audit log first, as `action outcome`.
    func recorded(_ limit: Int = 100) async throws -> [String] {
        try await self.audit.entries(limit: limit).map(\.event)
            .filter { $0.action.hasPrefix("tunnel.") || $0.action.hasPrefix("session.") }
            .map { "\($0.action) \($0.outcome.rawValue)" }
    }
}

struct Refused: Error, Equatable {
    let code: String
}

/// Collects the reasons with which sockets were ended.
final class Ends: Sendable {
    private let list = Mutex<[String]>([])

    var all: [String] { self.list.withLock { $0 } }

    func end(_ name: String) -> @Sendable (String) -> Void {
        { reason in self.list.withLock { $0.append("\(name): \(reason)") } }
    }
}
