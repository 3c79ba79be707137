public import AccessControl
public import AgentWire
import Audit
import Identity
public import Vocabulary

extension Hosts {
    /// Whether somebody may sign in to a machine now and as what: what the machine itself is told when they try.
    ///
    /// Throws `StorageError`.
    public func access(of objectID: GUID, to machine: ResourcePath) async throws -> Verdict<MachineAccess> {
        try await self.judge.judge(objectID, on: machine)
    }

    /// Whether somebody may enter a host now, and as what. Every refusal and every entry is recorded. Throws `StorageError`.
    public func decide(_ question: EntryQuestion, for host: Host) async throws -> EntryDecision {
        var verdict = try await self.judge.judge(question.objectId, on: host.machine)
        var principal: Principal?
        // Asked last, so that nobody learns from it which names exist. Equality of object ids, never of parts of names.
        if case .allowed = verdict {
            principal = try await self.judge.principal(named: question.typedName)
            if principal?.id != question.objectId { verdict = .refused(.nameMismatch(question.typedName)) }
        }
        switch verdict {
        case .refused(let refusal):
            try await self.record(question, host, .refused, refusal)
            return EntryDecision(allowed: false, refusal: refusal)
        case .allowed(let standing):
            let account = principal.flatMap {
                self.judge.account(of: $0, isAdministrator: standing.isAdministrator)
            }
            guard let account else {
                try await self.record(question, host, .refused, .accountUnknown)
                return EntryDecision(allowed: false, refusal: .accountUnknown)
            }
            try await self.record(question, host, .success, nil)
            return EntryDecision(allowed: true, administrator: standing.isAdministrator, account: account)
        }
    }

    /// The account of anybody of the tenant who has this name, allowed to log in or not: the refusal comes later, with its reason.
    func lookUp(_ name: String, on machine: ResourcePath) async throws -> HostAccount? {
        guard let principal = try await self.judge.principal(named: name) else { return nil }
        var isAdministrator = false
        if case .allowed(let standing) = try await self.judge.judge(principal.id, on: machine) {
            isAdministrator = standing.isAdministrator
        }
        return self.judge.account(of: principal, isAdministrator: isAdministrator)
    }

    private func record(
        _ question: EntryQuestion,
        _ host: Host,
        _ outcome: AuditEvent.Outcome,
        _ refusal: Refusal?
    ) async throws {
        var details = ["service": question.service, "typedName": question.typedName]
        details["code"] = refusal?.code
        try await self.audit.record(
            AuditEvent(
                at: self.clock.now,
                actor: question.objectId,
                actorName: try await self.directory.account(question.objectId)?.subject.name ?? question.typedName,
                action: refusal == nil ? "host.signIn" : "host.decide",
                target: host.machine.description,
                outcome: outcome,
                reason: refusal?.reason ?? "",
                source: question.source,
                details: details
            )
        )
    }

    /// Records the beginning or end of a session.
    func record(_ session: HostSession, _ action: String, reason: String) async throws {
        try await self.audit.record(
            AuditEvent(
                at: self.clock.now,
                actor: session.objectID,
                actorName: try await self.directory.account(session.objectID)?.subject.name ?? "",
                action: action,
                target: session.machine.description,
                outcome: .success,
                reason: reason,
                source: session.source,
                details: [
                    "session": session.id.description, "serial": String(session.serial), "keyID": session.keyID,
                ]
            )
        )
    }
}
