import AccessControl
import Audit
import TestKit
import Testing
import Vocabulary

@testable import Sessions

/// The gateway's tokens: one person, one machine, one port, one address, one use.
struct GatewayTokenTests {
    private static func admit(
        _ world: SessionsWorld,
        _ subject: Subject,
        credentials: DomainCredentials? = nil
    ) async throws -> GatewayAdmission {
        let request = world.request(subject, port: 3389)
        let verdict = try await world.sessions.admitDesktop(
            request,
            names: ["MyVM", "10.0.0.4"],
            signIn: credentials == nil ? .passwordless : .domain,
            credentials: credentials,
            judged: world.judge(request)
        )
        switch verdict {
        case .allowed(let admission): return admission
        case .refused(let refusal): throw Refused(code: refusal.code)
        }
    }

    private static func open(
        _ world: SessionsWorld,
        _ admission: GatewayAdmission,
        from source: String = "192.0.2.7"
    ) async throws -> GatewayOpening {
        switch try await world.sessions.openGateway(token: admission.token.withValue { $0 }, from: source) {
        case .allowed(let opening): return opening
        case .refused(let refusal): throw Refused(code: refusal.code)
        }
    }

    private static func aim(
        _ world: SessionsWorld,
        _ opening: GatewayOpening,
        _ name: String,
        _ port: Int = 3389
    ) async throws -> String {
        switch try await world.sessions.aimGateway(opening, names: [name], port: port) {
        case .allowed(let redeemed): "\(redeemed.allowed.endpoint)"
        case .refused(let refusal): refusal.code
        }
    }

    @Test(
        "opens the machine it was given for, by any of its names",
        arguments: ["myvm", "MYVM", "10.0.0.4", "myvm:3389"]
    )
    func opens(name: String) async throws {
        let world = try await SessionsWorld()
        let opening = try await Self.open(world, try await Self.admit(world, try await world.person("alice")))
        #expect(opening.signIn == .passwordless)
        #expect(try await Self.aim(world, opening, name) == "10.0.0.4:3389")
        #expect(try await world.gatewayRecords() == ["gateway.open success", "gateway.admit success"])
    }

    @Test("opens once, and the second time says that it was used (X26, X84)")
    func once() async throws {
        let world = try await SessionsWorld()
        let admission = try await Self.admit(world, try await world.person("alice"))
        _ = try await Self.open(world, admission)
        await #expect(throws: Refused(code: "GatewayTokenUsed")) { try await Self.open(world, admission) }
        #expect(try await world.gatewayRecords().first == "gateway.open refused GatewayTokenUsed")
    }

    @Test(
        "says again why no desktop opened to a client that tries a second time, for as long as the token would have been good"
    )
    func remembered() async throws {
        let world = try await SessionsWorld()
        let admission = try await Self.admit(world, try await world.person("alice"))
        let opening = try await Self.open(world, admission)
        world.sessions.noteRefusal(opening.session.id, Refusal("NoRole", reason: "You have no role."))
        await #expect(throws: Refused(code: "NoRole")) { try await Self.open(world, admission) }
        await #expect(throws: Refused(code: "GatewayTokenFromElsewhere")) {
            try await Self.open(world, admission, from: "198.51.100.9")
        }
        world.clock.turn(.seconds(30))
        await #expect(throws: Refused(code: "GatewayTokenUsed")) { try await Self.open(world, admission) }
    }

    @Test("says how to get a new file, and which machine it was for only where the token belongs")
    func again() async throws {
        let world = try await SessionsWorld()
        let token = try await Self.admit(world, try await world.person("alice")).token.withValue { $0 }
        for (source, names) in [("198.51.100.9", false), ("192.0.2.7", true)] {
            guard case .refused(let refusal) = try await world.sessions.openGateway(token: token, from: source) else {
                Issue.record("a dead token opened a desktop")
                return
            }
            #expect(refusal.sentence.contains("sally network bastion rdp"))
            #expect(refusal.sentence.contains("--target-resource-id /subscriptions/") == names)
        }
    }

    @Test("opens within five minutes and not after them", arguments: [(299, true), (300, false)])
    func expires(seconds: Int, isOpen: Bool) async throws {
        let world = try await SessionsWorld()
        let admission = try await Self.admit(world, try await world.person("alice"))
        world.clock.turn(.seconds(seconds))
        if isOpen {
            _ = try await Self.open(world, admission)
        } else {
            await #expect(throws: Refused(code: "GatewayTokenExpired")) { try await Self.open(world, admission) }
        }
    }

    @Test("opens nothing from another address, and is spent by the attempt (X84)")
    func elsewhere() async throws {
        let world = try await SessionsWorld()
        let admission = try await Self.admit(world, try await world.person("alice"))
        await #expect(throws: Refused(code: "GatewayTokenFromElsewhere")) {
            try await Self.open(world, admission, from: "198.51.100.9")
        }
        await #expect(throws: Refused(code: "GatewayTokenUsed")) { try await Self.open(world, admission) }
    }

    @Test(
        "opens no other machine and no other port",
        arguments: [("otherVM", 3389, "GatewayTargetOther"), ("myVM", 22, "GatewayPortOther")]
    )
    func others(name: String, port: Int, code: String) async throws {
        let world = try await SessionsWorld()
        let opening = try await Self.open(world, try await Self.admit(world, try await world.person("alice")))
        #expect(try await Self.aim(world, opening, name, port) == code)
        #expect(try await world.gatewayRecords().first == "gateway.open refused \(code)")
    }

    @Test("opens nothing when the right is gone meanwhile")
    func revoked() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let admission = try await Self.admit(world, alice)
        let opening = try await Self.open(world, try await Self.admit(world, alice))
        try await world.revoke(alice)
        await #expect(throws: Refused.self) { try await Self.open(world, admission) }
        #expect(try await Self.aim(world, opening, "myVM") != "10.0.0.4:3389")
    }

    @Test("opens nothing when its session was ended")
    func ended() async throws {
        let world = try await SessionsWorld()
        let admission = try await Self.admit(world, try await world.person("alice"))
        try await world.sessions.end(admission.session, reason: "test")
        await #expect(throws: Refused(code: "SessionEnded")) { try await Self.open(world, admission) }
    }

    @Test("a stranger's guess is recorded without a name, and opens nothing (X36)")
    func unknown() async throws {
        let world = try await SessionsWorld()
        let verdict = try await world.sessions.openGateway(token: "guess", from: "192.0.2.7")
        guard case .refused(let refusal) = verdict else { return #expect(Bool(false), "it opened") }
        #expect(refusal.code == "GatewayTokenNotKnown")
        #expect(try await world.gatewayRecords() == ["gateway.open refused GatewayTokenNotKnown"])
    }

    @Test("many clients with one token at once: one gets in")
    func race() async throws {
        let world = try await SessionsWorld()
        let admission = try await Self.admit(world, try await world.person("alice"))
        let opened = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 { group.addTask { (try? await Self.open(world, admission)) != nil } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(opened == 1)
    }

    @Test("counts among the sessions of its person")
    func limit() async throws {
        let world = try await SessionsWorld { $0.perSubject = 1 }
        let alice = try await world.person("alice")
        _ = try await Self.admit(world, alice)
        await #expect(throws: Refused(code: "TooManySessions")) { try await Self.admit(world, alice) }
    }

    @Test("renews the session that it opened, and no other")
    func renews() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let admission = try await Self.admit(world, alice)
        let other = try await Self.admit(world, alice)
        _ = try await Self.open(world, admission)
        let token = admission.token.withValue { $0 }
        for (session, source, isRenewed) in [
            (admission.session, "192.0.2.7", true), (other.session, "192.0.2.7", false),
            (admission.session, "198.51.100.9", false),
        ] {
            let verdict = try await world.sessions.renewGateway(token: token, session: session, from: source)
            if case .allowed = verdict { #expect(isRenewed) } else { #expect(!isRenewed) }
        }
    }

    @Test("a desktop that is over counts no longer, and neither does one that never opened")
    func countsNoLonger() async throws {
        let world = try await SessionsWorld { $0.perSubject = 1 }
        let alice = try await world.person("alice")
        // Over.
        var opening = try await Self.open(world, try await Self.admit(world, alice))
        let socket = try #require(world.sessions.attach(opening.session.id) { _ in })
        await #expect(throws: Refused(code: "TooManySessions")) { try await Self.admit(world, alice) }
        try await world.sessions.detach(opening.session.id, socket: socket, sent: 1, received: 2, reason: "x")
        // Aimed at something else.
        opening = try await Self.open(world, try await Self.admit(world, alice))
        #expect(try await Self.aim(world, opening, "otherVM") == "GatewayTargetOther")
        #expect(try await Self.aim(world, opening, "myVM") == "SessionEnded")
        // A machine that does not answer.
        opening = try await Self.open(world, try await Self.admit(world, alice))
        #expect(try await Self.aim(world, opening, "myVM") == "10.0.0.4:3389")
        world.sessions.abandon(opening.session.id)
        // A token that was brought from elsewhere.
        let stolen = try await Self.admit(world, alice)
        await #expect(throws: Refused(code: "GatewayTokenFromElsewhere")) {
            try await Self.open(world, stolen, from: "198.51.100.9")
        }
        _ = try await Self.admit(world, alice)
        #expect(world.sessions.all().count == 1)
    }

    @Test("the token that opened a desktop renews it for as long as it lasts, also when others would be forgotten")
    func renewsLater() async throws {
        let world = try await SessionsWorld()
        let alice = try await world.person("alice")
        let admission = try await Self.admit(world, alice)
        let opening = try await Self.open(world, admission)
        _ = try #require(world.sessions.attach(opening.session.id) { _ in })
        world.clock.turn(.seconds(8 * 3600))
        _ = try await Self.admit(world, alice)
        let token = admission.token.withValue { $0 }
        for (token, source, isRenewed) in [
            (token, "192.0.2.7", true), (token, "192.0.2.8", false), ("x", "192.0.2.7", false),
        ] {
            let session = opening.session.id
            let verdict = try await world.sessions.renewGateway(token: token, session: session, from: source)
            if case .allowed = verdict { #expect(isRenewed) } else { #expect(!isRenewed) }
        }
    }

    @Test("however many tokens others use up, one that waits stays good")
    func manyOthers() async throws {
        let world = try await SessionsWorld()
        _ = try await Self.admit(world, try await world.person("alice"))
        let session = try #require(world.sessions.all().first)
        var table = SessionTable()
        let (now, end) = (world.clock.now, world.clock.now + .seconds(300))
        func ticket() -> GatewayTicket {
            GatewayTicket(
                session: session,
                names: [],
                signIn: .passwordless,
                expiresAt: end,
                forgetAt: end + .seconds(3600)
            )
        }
        table.issueGateway("hers", ticket())
        for number in 0..<20_100 {
            table.issueGateway("\(number)", ticket())
            _ = table.spendGateway("\(number)", at: now, idleUntil: end)
        }
        #expect(table.spendGateway("hers", at: now, idleUntil: end)?.0.spentAt == nil)
        #expect(table.spendGateway("hers", at: now, idleUntil: end)?.0.spentAt == now)
        #expect(table.spendGateway("0", at: now, idleUntil: end) == nil)
    }

    @Test("strangers do not fill the audit log: what is left out is counted")
    func strangers() async throws {
        let world = try await SessionsWorld { $0.strangersRecordedPerMinute = 3 }
        for number in 0..<8 {
            _ = try await world.sessions.openGateway(token: "\(number)", from: "2001:db8::\(number)")
        }
        #expect(try await world.gatewayRecords().count == 3)
        world.clock.turn(.seconds(60))
        for token in ["x", "y"] { _ = try await world.sessions.openGateway(token: token, from: "2001:db8::9") }
        let details = try await world.audit.entries(limit: 2).map(\.event.details)
        #expect(details.map { $0["before"] } == [nil, "5 more"])
    }

    @Test("whoever shows a used token, or gives up another's, ends no desktop that is open")
    func usedEndsNothing() async throws {
        let world = try await SessionsWorld()
        let admission = try await Self.admit(world, try await world.person("alice"))
        let opening = try await Self.open(world, admission)
        _ = try #require(world.sessions.attach(opening.session.id) { _ in })
        await #expect(throws: Refused(code: "GatewayTokenUsed")) { try await Self.open(world, admission) }
        world.sessions.abandon(opening.session.id)
        #expect(world.sessions.all().map(\.id) == [opening.session.id])
    }

    @Test("the end of a desktop is recorded as the gateway's")
    func closes() async throws {
        let world = try await SessionsWorld()
        let admission = try await Self.admit(world, try await world.person("alice"))
        let opening = try await Self.open(world, admission)
        #expect(try await Self.aim(world, opening, "myVM") == "10.0.0.4:3389")
        let socket = try #require(world.sessions.attach(admission.session) { _ in })
        try await world.sessions.detach(admission.session, socket: socket, sent: 1, received: 2, reason: "closed")
        #expect(try await world.gatewayRecords().first == "gateway.close success")
    }
}

extension SessionsWorld {
    /// What the judge says of a request now.
    func judge(_ request: AdmissionRequest) -> Verdict<ConnectionJudge.Allowed> {
        switch self.access.decide(.read("Microsoft.Compute/virtualMachines"), at: request.target, for: request.subject)
        {
        case .refused(let refusal): .refused(refusal)
        case .allowed(let allowed):
            .allowed(.init(decision: allowed, endpoint: Endpoint(address: "10.0.0.4", port: request.port)))
        }
    }

    /// The gateway's entries in the audit log, newest first, with the refusal's code.
    fileprivate func gatewayRecords() async throws -> [String] {
        try await self.audit.entries(limit: 100).map(\.event).filter { $0.action.hasPrefix("gateway.") }
            .map { [$0.action, $0.outcome.rawValue, $0.details["code"]].compactMap { $0 }.joined(separator: " ") }
    }
}
