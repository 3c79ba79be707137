import AccessControl
import AgentWire
import Identity
import SSHAuthority
public import Vocabulary

extension Hosts {
    /// Reviews sessions and tells hosts what is new, whenever something has changed; returns when cancelled.
    ///
    /// Sessions come first and at once; lists of accounts and configurations follow when changes have been gathered for a moment.
    public func run() async {
        for await _ in self.review.wakes {
            var changes = self.review.take()
            await self.reviewSessions(changes)
            guard (try? await Task.sleep(for: self.settings.gathering)) != nil else { return }
            let more = self.review.take()
            if !more.isEmpty { await self.reviewSessions(more) }
            changes.add(more)
            await self.tell(changes)
        }
    }

    /// Says that a machine's resource was changed or removed.
    public func machineChanged(_ machine: ResourcePath) {
        guard self.registry.host(for: machine) != nil || self.registry.isSignInWanted(on: machine) else { return }
        self.review.note(machine: machine)
    }

    private func reviewSessions(_ changes: ReviewQueue.Changes) async {
        for machine in changes.machines where self.registry.machines.machine(machine) == nil {
            // A store that fails keeps the host out all the same: entries ask for the machine.
            try? await self.remove(machine)
        }
        for live in self.everyLive {
            for session in live.sessions.values where changes.concern(session) {
                do {
                    try await self.reviewSession(session, on: live.host.id)
                } catch {
                    // Who cannot be judged may not stay.
                    let reason = "The directory could not be asked."
                    try? await self.end(session, on: live.host.id, because: reason)
                }
            }
        }
    }

    /// Ends a session that would not be allowed to begin now, or not with the rights that it has had.
    func reviewSession(_ session: HostSession, on host: GUID) async throws {
        guard !self.authority.isRevoked(session.serial) else {
            return try await self.end(session, on: host, because: "Your certificate was revoked.", isCut: false)
        }
        switch try await self.judge.judge(session.objectID, on: session.machine) {
        case .refused(let refusal):
            try await self.end(session, on: host, because: refusal.reason)
        case .allowed(let standing) where standing.isAdministrator:
            // Sudo goes by today's list, in sessions that began without the role too.
            _ = self.update(host) { $0.sessions[session.id]?.wasAdministrator = true }
        case .allowed where session.wasAdministrator:
            // What was started with sudo belongs to root and would outlive the role.
            try await self.end(
                session,
                on: host,
                because: "Administrator role removed.",
                message: "Your administrator role on \(session.machine.name) was taken away: sign in again."
            )
        case .allowed: break
        }
    }

    /// Orders the end first and records it then: the record must not hold it up.
    private func end(
        _ session: HostSession,
        on host: GUID,
        because reason: String,
        message: String? = nil,
        isCut: Bool = true
    ) async throws {
        let isFirst = self.update(host) { $0.ending.insert(session.id).inserted }
        let message = message ?? "Your access to \(session.machine.name) was removed: \(reason)"
        if isCut {
            self.cuts.publish(HostCut(person: session.objectID, machine: session.machine, message: message))
        }
        self.send(.end(EndOrder(session: session.id, message: message)), to: host)
        if isFirst == true { try await self.record(session, "host.cutSession", reason: reason) }
    }

    private func tell(_ changes: ReviewQueue.Changes) async {
        for live in self.everyLive {
            do {
                if changes.concernAccounts(on: live.host.machine) { try await self.pushAccounts(to: live.host.id) }
                if changes.concernConfiguration(of: live.host.machine) {
                    try await self.pushConfiguration(to: live.host.id)
                }
            } catch {
                // It asks again when it connects again, which it does at once.
                self.drop(live.host.id, "The server could not tell what is new.")
            }
        }
    }

    // MARK: What hosts report

    func closed(_ id: GUID, _ reason: String, on host: Host, number: Int) async throws {
        let session = self.update(host.id, number: number) { live in
            live.ending.remove(id)
            return live.sessions.removeValue(forKey: id)
        }
        guard let session = session.flatMap({ $0 }) else { return }
        try await self.record(session, "host.closeSession", reason: reason)
    }

    /// Takes a host's report: its sessions replace what was known, and whoever waits for the host hears of it.
    func note(_ status: HostStatus, of host: Host, number: Int) async throws {
        let report = HostReport(status)
        let sessions = status.sessions.prefix(self.settings.mostSessions).map { HostSession($0, on: host.machine) }
        let unseen = self.update(host.id, number: number) { live -> [HostSession] in
            // One that goes on after its end was ordered is ordered to end again.
            let unseen = sessions.filter { live.sessions[$0.id] == nil || live.ending.contains($0.id) }
            live.ending.formIntersection(sessions.map(\.id))
            let known = live.sessions
            live.sessions = Dictionary(sessions.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
            for (id, session) in known where session.wasAdministrator {
                live.sessions[id]?.wasAdministrator = true
            }
            live.status = status
            live.tell(status)
            return unseen
        }
        guard let unseen else { return }
        for session in unseen {
            try await self.reviewSession(session, on: host.id)
        }
        try await self.registry.note(report, of: host.id)
        if self.needsCertificates(host, keys: report.hostKeys) {
            try await self.pushConfiguration(to: host.id)
        }
    }
}
