import AccessControl
import Audit
import Resources
import Synchronization
public import Vocabulary

/// The tokens of the Remote Desktop gateway. A client shows its token once, then asks for a machine by name: both are judged, and every
/// refusal is recorded with a code of its own, which the client does not get to see.
extension Sessions {
    /// Decides and, if allowed, makes a session with a token for one desktop.
    ///
    /// - Parameters:
    ///   - names: how the client may name the machine: its host name, its resource's name, its address.
    ///   - signIn: how the person signs in to the machine.
    ///   - credentials: what they gave for that; with `domain` only.
    ///   - judged: the answer of the same judge, a moment ago.
    public func admitDesktop(
        _ request: AdmissionRequest,
        names: [String],
        signIn: GatewaySignIn,
        credentials: DomainCredentials? = nil,
        judged: Verdict<ConnectionJudge.Allowed>
    ) async throws -> Verdict<GatewayAdmission> {
        let verdict: Verdict<GatewayAdmission>
        switch judged {
        case .refused(let refusal): verdict = .refused(refusal)
        case .allowed(let allowed):
            verdict = self.table.withLock { table in
                let now = self.clock.now
                table.sweep(at: now)
                if let refusal = self.lackOfRoom(for: request.subject, in: table) { return .refused(refusal) }
                let session = self.session(request, allowed, by: .gateway)
                let end = now + self.limits.gatewayTokenLife
                table.insert(
                    SessionTable.Row(
                        session: session,
                        authToken: self.random.token(),
                        port: request.port,
                        idleUntil: end
                    )
                )
                let token = self.random.token()
                table.issueGateway(
                    token,
                    GatewayTicket(
                        session: session,
                        names: names.map { $0.lowercased() },
                        signIn: signIn,
                        expiresAt: end,
                        forgetAt: end + self.limits.gatewayMemory
                    )
                )
                if let credentials { table.keep(credentials, for: session.id, until: end) }
                return .allowed(GatewayAdmission(token: Secret(token), expiresAt: end, session: session.id))
            }
        }
        switch verdict {
        case .allowed(let admission):
            // As which account of the domain somebody tries to get in: the domain itself sees the bastion host only.
            let account = credentials?.name
            try await self.record("gateway.admit", request, session: admission.session, account: account)
        case .refused(let refusal): try await self.record("gateway.admit", request, refusal: refusal)
        }
        return verdict
    }

    /// Spends a gateway token: it must be known, unused, young enough, brought from where it was given to, and its person still allowed.
    ///
    /// Refusals: `GatewayTokenNotKnown`, `GatewayTokenUsed`, `GatewayTokenExpired`, `GatewayTokenFromElsewhere`, `SessionEnded`, and what
    /// the judge says. A token that comes from elsewhere is spent as well: two have it.
    public func openGateway(token: String, from source: String) async throws -> Verdict<GatewayOpening> {
        let now = self.clock.now
        let until = now + self.limits.gatewayTokenLife
        guard
            let (ticket, row) = self.table.withLock({ $0.spendGateway(token, at: now, idleUntil: until) })
        else {
            let refusal = Refusal(
                "GatewayTokenNotKnown",
                reason: "This connection file opens nothing here, or not any more.",
                remedy: Self.again(nil)
            )
            let most = self.limits.strangersRecordedPerMinute
            guard let left = self.table.withLock({ $0.countStranger(at: now, most: most) }) else {
                return .refused(refusal)
            }
            try await self.audit.record(
                AuditEvent(
                    at: now,
                    actor: nil,
                    actorName: "",
                    action: "gateway.open",
                    target: "",
                    outcome: .refused,
                    reason: refusal.sentence,
                    source: source,
                    details: ["code": refusal.code].merging(left > 0 ? ["before": "\(left) more"] : [:]) { $1 }
                )
            )
            return .refused(refusal)
        }
        var refusal: Refusal?
        if ticket.session.source != source {
            refusal = Refusal(
                "GatewayTokenFromElsewhere",
                reason: "This connection file was made for another address than this computer has now.",
                remedy: Self.again(nil)
            )
        } else if let known = ticket.refusal, let spentAt = ticket.spentAt, now < spentAt + Self.refusalMemory {
            // Clients try a second time by themselves: that the token is used would hide the reason.
            refusal = known
        } else if ticket.spentAt != nil {
            refusal = Refusal(
                "GatewayTokenUsed",
                reason: "This connection file was used before; each opens one desktop, once.",
                remedy: Self.again(ticket.session)
            )
        } else if ticket.expiresAt <= now {
            refusal = Refusal(
                "GatewayTokenExpired",
                reason: "This connection file is too old; it is good for minutes.",
                remedy: Self.again(ticket.session)
            )
        } else if let row {
            switch try await self.judgeAgain(row) {
            case .refused(let reason):
                refusal = reason
                self.noteRefusal(ticket.session.id, reason)
            case .allowed: break
            }
        } else {
            refusal = Self.ended(ticket.session)
        }
        if let refusal {
            // Spent for nothing, and what came with it goes as well; whoever shows a used one ends nothing.
            if ticket.spentAt == nil { self.abandon(ticket.session.id) }
            try await self.refuseGateway(ticket.session, refusal, from: source)
            return .refused(refusal)
        }
        return .allowed(ticket.opening)
    }

    /// Decides about the machine that a client with a spent token asks for; the answer is what `grant` takes.
    ///
    /// Refusals: `GatewayTargetOther`, `GatewayPortOther`, `SessionEnded`, and what the judge says.
    public func aimGateway(
        _ opening: GatewayOpening,
        names: [String],
        port: Int
    ) async throws -> Verdict<(session: Session, allowed: ConnectionJudge.Allowed)> {
        let session = opening.session
        let row = self.table.withLock { $0.rows[session.id] }
        let refusal: Refusal
        if !names.contains(where: { opening.names.contains(Self.bare($0)) }) {
            refusal = Refusal("GatewayTargetOther", reason: "The gateway token is for another machine.")
        } else if port != session.endpoint.port {
            refusal = Refusal("GatewayPortOther", reason: "The gateway token is for another port.")
        } else if let row {
            switch try await self.judgeAgain(row) {
            case .refused(let reason): refusal = reason
            case .allowed(let allowed):
                try await self.audit.record(
                    self.event("gateway.open", session, reason: "", details: ["port": "\(session.endpoint.port)"])
                )
                return .allowed((session, allowed))
            }
        } else {
            refusal = Self.ended(session)
        }
        self.noteRefusal(session.id, refusal)
        self.abandon(session.id)
        try await self.refuseGateway(session, refusal, from: session.source)
        return .refused(refusal)
    }

    /// Notes that a spent token leads nowhere, because the machine does not answer: its session counts no longer.
    public func abandon(_ session: GUID) {
        self.table.withLock { $0.abandon(session) }
    }

    /// Notes why a session's token opened no desktop, for the client that brings it again.
    public func noteRefusal(_ session: GUID, _ refusal: Refusal) {
        self.table.withLock { $0.noteRefusal(session, refusal) }
    }

    /// Whether a client that carries a session may go on with it: it brings the token that opened it, from the same address.
    public func renewGateway(token: String, session: GUID, from source: String) async throws -> Verdict<GatewayOpening>
    {
        guard let row = self.table.withLock({ $0.rows[session] }), let (opener, ticket) = row.opened,
            ConstantTime.equal(Array(opener.utf8), Array(token.utf8)), ticket.session.source == source
        else {
            return .refused(Refusal("GatewayTokenNotKnown", reason: "The gateway token is not that of the session."))
        }
        if case .refused(let refusal) = try await self.judgeAgain(row) {
            try await self.refuseGateway(ticket.session, refusal, from: source)
            return .refused(refusal)
        }
        return .allowed(ticket.opening)
    }

    /// How long a used token says why it opened nothing, and not that it is used: longer than a client takes that tries again by itself.
    private static let refusalMemory: Duration = .seconds(30)

    private static func ended(_ session: Session) -> Refusal {
        Refusal("SessionEnded", reason: "The session has ended.", remedy: Self.again(session))
    }

    // Whoever shows a token from the address it was given to knows the machine; nobody else is told which it is.
    private static func again(_ session: Session?) -> String {
        var command = "sally network bastion rdp"
        if let session {
            let group = session.bastion.resourceGroup.map { " --resource-group \($0)" } ?? ""
            let target =
                session.target.hostConnectAddress.map { "--target-ip-address \($0)" }
                ?? "--target-resource-id \(session.target)"
            command += " --name \(session.bastion.name)\(group) \(target)"
        }
        return "Download a new one, open this one with 'sally rdp open', or run '\(command)', and sign in."
    }

    private func refuseGateway(_ session: Session, _ refusal: Refusal, from source: String) async throws {
        var event = self.event(
            "gateway.open",
            session,
            outcome: .refused,
            reason: refusal.sentence,
            details: ["code": refusal.code]
        )
        event.source = source
        try await self.audit.record(event)
    }

    // Some clients write the port behind the name; an address in brackets is the address.
    private static func bare(_ name: String) -> String {
        let name = name.lowercased()
        if name.hasPrefix("["), let end = name.firstIndex(of: "]") {
            return String(name[name.index(after: name.startIndex)..<end])
        }
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 ? String(parts[0]) : name
    }
}
