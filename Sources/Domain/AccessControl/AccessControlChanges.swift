import Audit
import Storage
import Vocabulary

/// Who asks for a change and from where, for the record.
struct Trace: Sendable {
    /// Nil for the system itself.
    let subject: Subject?
    let correlation: String
    let source: String

    func event(
        _ action: String,
        _ target: String,
        _ details: [String: String],
        at instant: Instant,
        outcome: AuditEvent.Outcome = .success,
        reason: String = ""
    ) -> AuditEvent {
        AuditEvent(
            at: instant,
            actor: self.subject?.id,
            actorName: self.subject?.name ?? "system",
            action: action,
            target: target,
            outcome: outcome,
            reason: reason,
            correlation: self.correlation,
            source: self.source,
            details: details
        )
    }
}

extension AccessControl {
    /// Runs a change alone, records a refusal, and turns whatever the store throws into a problem.
    func changing<Result: Sendable>(
        _ action: String,
        _ target: String,
        _ details: [String: String],
        _ trace: Trace,
        _ body: () async throws -> Result
    ) async throws(Problem) -> Result {
        do {
            return try await self.turnstile.pass(body)
        } catch let problem as Problem {
            try await self.record(problem, action, target, details, trace)
            throw problem
        } catch {
            throw Self.failure(error)
        }
    }

    /// The system may do everything; others what their roles say.
    func permit(
        _ action: Action,
        at scope: ResourcePath,
        _ trace: Trace,
        _ attributes: RequestAttributes = .none
    ) throws(Problem) {
        guard let subject = trace.subject else { return }
        try self.require(action, at: scope, for: subject, attributes: attributes)
    }

    // A refused attempt to change rights is itself worth knowing; other wrong requests are not.
    private func record(
        _ problem: Problem,
        _ action: String,
        _ target: String,
        _ details: [String: String],
        _ trace: Trace
    ) async throws(Problem) {
        guard problem.code == "AuthorizationFailed" else { return }
        let event = trace.event(
            action,
            target,
            details,
            at: self.clock.now,
            outcome: .refused,
            reason: problem.logged
        )
        do {
            try await self.audit.record(event)
        } catch {
            throw Self.failure(error)
        }
    }

    private static func failure(_ error: any Error) -> Problem {
        Problem(
            "InternalServerError",
            shown: "The change could not be stored. Try again.",
            logged: "\(error)"
        )
    }
}
