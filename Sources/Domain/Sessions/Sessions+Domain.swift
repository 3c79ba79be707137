public import AccessControl
import Synchronization
public import Vocabulary

/// The names and passwords that people give for a desktop in a domain: kept for one use, and never longer than the token they came with.
extension Sessions {
    /// Takes what somebody gave for a session, if their right to connect still holds as things are now; a second call gets nothing.
    ///
    /// Refusals: `SessionEnded`, `CredentialsGone`, and what the judge says.
    public func takeCredentials(of session: GUID) async throws -> Verdict<DomainCredentials> {
        let now = self.clock.now
        let (row, credentials) = self.table.withLock { ($0.rows[session], $0.takeCredentials(of: session, at: now)) }
        guard let row else { return .refused(Self.ended) }
        if case .refused(let refusal) = try await self.judgeAgain(row) { return .refused(refusal) }
        guard let credentials else {
            return .refused(
                Refusal(
                    "CredentialsGone",
                    reason: "The name and the password of this connection file were used before, or are too old.",
                    remedy: "Make a new file, or run 'sally network bastion rdp --auth-type kerberos' again."
                )
            )
        }
        return .allowed(credentials)
    }

    /// Decides again about a session whose sign-in needs a connection to something else beside the machine, such as the domain's controller;
    /// the answer is what `grant` takes.
    public func admit(
        _ session: GUID,
        alsoTo endpoint: Endpoint
    ) async throws -> Verdict<(session: Session, allowed: ConnectionJudge.Allowed)> {
        guard let row = self.table.withLock({ $0.rows[session] }) else { return .refused(Self.ended) }
        switch try await self.judgeAgain(row) {
        case .refused(let refusal): return .refused(refusal)
        case .allowed(let allowed):
            return .allowed((row.session, ConnectionJudge.Allowed(decision: allowed.decision, endpoint: endpoint)))
        }
    }

    /// Forgets sessions, tokens and passwords that nobody can use any more.
    public func forgetExpired() {
        let now = self.clock.now
        self.table.withLock { $0.sweep(at: now) }
    }

    private static let ended = Refusal("SessionEnded", reason: "The session has ended.", remedy: "Connect again.")
}

extension SessionTable {
    mutating func keep(_ credentials: DomainCredentials, for session: GUID, until expiresAt: Instant) {
        self.credentials.set(session, credentials, until: expiresAt)
    }

    mutating func takeCredentials(of session: GUID, at now: Instant) -> DomainCredentials? {
        self.credentials.remove(session, at: now)
    }
}
