import RDPWire
import TestKit
import Testing
import Tunnel
import Vocabulary
import WebSocketWire

@testable import RemoteDesktop

@Suite("Sign-ins of the front, step by step")
struct FrontMachineTests {
    private static let credentials = DesktopCredentials(user: "alice", domain: "desk", password: Secret("one-time"))
    private let ownRequest = DesktopSamples.request(3)

    private func machine(
        password: Bool = false,
        needsCredSSP: Bool = false,
        hidden: [String] = []
    ) -> FrontMachine {
        FrontMachine(
            isPassword: password,
            needsCredSSP: needsCredSSP,
            hidden: hidden,
            makeNonce: { "nonce" }
        ) { _, _ throws(RDPWireError) in
            throw .failed("no CredSSP here")
        }
    }

    // Up to where both sides have TLS and the credential is there.
    private func prepared(hidden: [String] = []) -> FrontMachine {
        var machine = self.machine(hidden: hidden)
        _ = machine.receivedFromClient(DesktopSamples.request(3))
        _ = machine.clientIsSecure()
        _ = machine.receivedFromHost(DesktopSamples.confirm(1))
        _ = machine.hostIsSecure(certificate: [])
        _ = machine.prepared(.allowed(Self.credentials))
        return machine
    }

    @Test("whoever the gateway admitted gets TLS, and judgement and host begin at once")
    func admitted() {
        var machine = self.machine()
        #expect(
            machine.receivedFromClient(DesktopSamples.request(3)) == [
                .toClient(DesktopSamples.confirm(1, flags: 3)), .secureClient, .prepare(.admitted),
                .toHost(self.ownRequest),
            ]
        )
    }

    @Test("a host that would not prove itself is refused before it has TLS, where it has to")
    func needsCredSSP() {
        var machine = self.machine(needsCredSSP: true)
        _ = machine.receivedFromClient(DesktopSamples.request(3))
        _ = machine.clientIsSecure()
        _ = machine.prepared(.allowed(Self.credentials))
        let actions = machine.receivedFromHost(DesktopSamples.confirm(1))
        #expect(!actions.contains(.secureHost))
        guard case .end(.ordered(.badGateway, let reason))? = actions.last else {
            Issue.record("it went on")
            return
        }
        #expect(reason.contains("Network Level Authentication"))
        var other = self.machine(needsCredSSP: true)
        _ = other.receivedFromClient(DesktopSamples.request(3))
        #expect(other.receivedFromHost(DesktopSamples.confirm(2)) == [.secureHost])
    }

    @Test("a sign-in that nobody has time for is said to be")
    func overloaded() {
        var machine = self.machine(needsCredSSP: true)
        _ = machine.receivedFromClient(DesktopSamples.request(3))
        guard case .end(.ordered(.badGateway, let reason))? = machine.isOverloaded().last else {
            Issue.record("it went on")
            return
        }
        #expect(reason.contains("Too many people"))
    }

    @Test("settings are exchanged with both sides' words put right, and the sign-in is replaced")
    func wholeWay() throws {
        var machine = self.prepared(hidden: ["cliprdr"])
        let toHost = machine.receivedFromClient(DesktopSamples.connectInitial(selected: 1))
        guard case .toHost(let initial)? = toHost.last else { throw CancellationError() }
        let settings = try ConnectInitial(parsing: initial)
        #expect(settings.channels == ["rdpdr", "rdpsnd", "none02", "drdynvc"])
        #expect(settings.selected == .tls)
        let toClient = machine.receivedFromHost(DesktopSamples.connectResponse(requested: 3))
        #expect(toClient.last == .toClient(DesktopSamples.connectResponse(requested: 3)))
        for message in DesktopSamples.joining {
            #expect(machine.receivedFromClient(message) == [.recordClient(message), .toHost(message)])
        }
        let actions = machine.receivedFromClient(DesktopSamples.clientInfo())
        guard case .toHost(let info)? = actions.last else { throw CancellationError() }
        #expect(try ClientInfo(parsing: info, channel: 1003).user == "alice")
        #expect(machine.wait == .host)
        let license = DesktopSamples.secured(0x80)
        #expect(machine.receivedFromClient(license + [3]) == [.recordClient(license), .toHost(license)])
        #expect(
            machine.receivedFromHost(DesktopSamples.demandActive + [0, 8]) == [
                .recordHost(DesktopSamples.demandActive), .toClient(DesktopSamples.demandActive),
                .relay(knowsErrorInfo: true),
            ]
        )
        #expect(machine.fromClient == [3])
        #expect(machine.fromHost == [0, 8])
        #expect(machine.wait == nil)
    }

    // Up to where the host has the sign-in.
    private func signedIn() -> FrontMachine {
        var machine = self.prepared()
        _ = machine.receivedFromClient(DesktopSamples.connectInitial())
        _ = machine.receivedFromHost(DesktopSamples.connectResponse())
        for message in DesktopSamples.joining + [DesktopSamples.clientInfo()] {
            _ = machine.receivedFromClient(message)
        }
        return machine
    }

    @Test(
        "a second sign-in never reaches the host, before it has shown something, on any channel, in any piece",
        arguments: [1003, 1004, 1007]
    )
    func secondSignIn(_ channel: Int) {
        let second = DesktopSamples.clientInfo(user: "lola", channel: channel)
        var machine = self.signedIn()
        #expect(machine.receivedFromClient(second.prefix(20)) == [])
        let actions = machine.receivedFromClient(second.dropFirst(20))
        #expect(!actions.contains { if case .toHost = $0 { true } else { false } })
        guard case .end(.ordered(_, let reason))? = actions.last else {
            Issue.record("goes on")
            return
        }
        #expect(reason.contains("a message after the sign-in and before its answer"))
        machine = self.signedIn()
        _ = machine.receivedFromHost(DesktopSamples.secured(0x80))
        #expect(machine.receivedFromClient(DesktopSamples.secured(0x80) + second).count == 5)
    }

    @Test("a host may measure the network before its first picture, but not for ever")
    func measuring() {
        var machine = self.signedIn()
        let payload: [UInt8] = [3, 0, 0x80, 0] + Array(repeating: 0, count: 32 * 1024 - 4)
        for _ in 0..<100 { _ = machine.receivedFromHost(payload) }
        #expect(!machine.isOver)
        for _ in 0..<100 { _ = machine.receivedFromHost(payload) }
        #expect(machine.isOver)
    }

    @Test("a sign-in out of its turn ends the connection, and says why")
    func outOfTurn() {
        var machine = self.prepared()
        _ = machine.receivedFromClient(DesktopSamples.connectInitial())
        _ = machine.receivedFromHost(DesktopSamples.connectResponse())
        let end = machine.receivedFromClient(DesktopSamples.clientInfo()).last
        let reason = "The client's part in the sign-in is not as it should be: an MCS message out of its turn."
        #expect(end == .end(.ordered(.policyViolation, reason: reason)))
    }

    @Test("where a channel is closed no desktop opens by a password, whatever comes first")
    func passwordWhereClosed() {
        let closed = FrontMachine.passwordClosed
        for protocols in [0, 1, 3, 11] as [UInt8] {
            var machine = self.machine(password: true, hidden: ["cliprdr"])
            let failure: [UInt8] = [3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 3, 0, 8, 0, 7, 0, 0, 0]
            #expect(
                machine.receivedFromClient(DesktopSamples.request(protocols)) == [
                    .explain(closed), .toClient(failure), .end(closed),
                ]
            )
        }
        var machine = self.machine(password: true, hidden: ["cliprdr"])
        #expect(machine.receivedFromClient(Array("GET /".utf8)) == [.end(closed)])
        machine = self.machine(password: true, hidden: ["cliprdr"])
        #expect(machine.receivedFromHost(Array("SSH-2.0".utf8)) == [.end(closed)])
        machine = self.machine(password: true, hidden: ["cliprdr"])
        #expect(machine.deadlinePassed(.request) == [.end(closed)])
        machine = self.machine(password: true, hidden: ["cliprdr"])
        #expect(machine.receivedFromClient(DesktopSamples.request(0x10)).last == .secureClient)
    }

    @Test("a web account is asked for a nonce's assertion, and hears of success when the host is ready")
    func webAccount() {
        var machine = self.machine()
        #expect(
            machine.receivedFromClient(DesktopSamples.request(0x10)) == [
                .toClient(DesktopSamples.confirm(0x10, flags: 3)), .secureClient,
            ]
        )
        #expect(machine.clientIsSecure() == [.toClient(RDSAADMessage.nonce("nonce"))])
        #expect(machine.wait == .person)
        let assertion = Array(#"{"rdp_assertion":"a.b.c"}"#.utf8) + [0]
        #expect(machine.receivedFromClient(assertion.prefix(10)) == [])
        #expect(
            machine.receivedFromClient(assertion.dropFirst(10)) == [.prepare(.assertion("a.b.c", nonce: "nonce"))]
        )
        #expect(machine.prepared(.allowed(Self.credentials)) == [.toHost(self.ownRequest)])
        #expect(machine.receivedFromHost(DesktopSamples.confirm(1)) == [.secureHost])
        #expect(machine.hostIsSecure(certificate: []) == [.toClient(RDSAADMessage.result(.succeeded))])
    }

    @Test("who asks for a web account gets it also where a password is the rule")
    func webAccountInsteadOfPassword() {
        var machine = self.machine(password: true)
        #expect(machine.receivedFromClient(DesktopSamples.request(0x11)).last == .secureClient)
    }

    @Test("a refused web account gets the status and nobody calls the host")
    func refusedWebAccount() {
        var machine = self.machine()
        _ = machine.receivedFromClient(DesktopSamples.request(0x10))
        _ = machine.clientIsSecure()
        _ = machine.receivedFromClient(Array(#"{"rdp_assertion":"a.b.c"}"#.utf8) + [0])
        let refusal = Refusal("AccountDisabled", reason: "The account is disabled.")
        #expect(
            machine.prepared(.refused(refusal)) == [
                .explain(.ordered(.policyViolation, reason: "The account is disabled.")),
                .toClient(RDSAADMessage.result(RDSAADResult(code: 0xc000_0072))),
                .end(.ordered(.policyViolation, reason: "The account is disabled.")),
            ]
        )
        #expect(machine.receivedFromClient([1]) == [])
    }

    @Test("an assertion that is no JSON is refused as such")
    func badAssertion() {
        var machine = self.machine()
        _ = machine.receivedFromClient(DesktopSamples.request(0x10))
        _ = machine.clientIsSecure()
        #expect(
            machine.receivedFromClient([0x7b, 0]) == [
                .explain(.clientMisbehaved), .toClient(RDSAADMessage.result(.notValid)), .end(.clientMisbehaved),
            ]
        )
    }

    @Test("an assertion in very many pieces costs as much as one in one piece", .timeLimit(.minutes(1)))
    func pieces() {
        var machine = self.machine()
        _ = machine.receivedFromClient(DesktopSamples.request(0x10))
        _ = machine.clientIsSecure()
        for _ in 0..<RDSAADMessage.limit { _ = machine.receivedFromClient([0x20]) }
        #expect(!machine.isOver)
        #expect(machine.receivedFromClient([0x20]).last == .end(.clientMisbehaved))
    }

    @Test("a host that fails is the web account's answer too")
    func hostFailsWebAccount() {
        var machine = self.machine()
        _ = machine.receivedFromClient(DesktopSamples.request(0x10))
        _ = machine.clientIsSecure()
        _ = machine.receivedFromClient(Array(#"{"rdp_assertion":"a.b.c"}"#.utf8) + [0])
        _ = machine.prepared(.allowed(Self.credentials))
        #expect(machine.hostEnded().dropFirst().first == .toClient(RDSAADMessage.result(.unavailable)))
    }

    @Test("passwords pass: not a byte is touched", arguments: [0, 1, 2, 3, 11] as [UInt8])
    func password(_ protocols: UInt8) {
        var machine = self.machine(password: true)
        let bytes = DesktopSamples.request(protocols)
        #expect(machine.receivedFromClient(bytes + [7]) == [.passThrough])
        #expect(machine.fromClient == bytes + [7])
    }

    @Test("what is not Remote Desktop passes where a password is the rule, whoever speaks first")
    func otherProtocols() {
        var machine = self.machine(password: true)
        #expect(machine.receivedFromClient(Array("GET /".utf8)) == [.passThrough])
        machine = self.machine(password: true)
        #expect(machine.receivedFromHost(Array("SSH-2.0".utf8)) == [.passThrough])
        #expect(machine.fromHost == Array("SSH-2.0".utf8))
        machine = self.machine(password: true)
        #expect(machine.deadlinePassed(.request) == [.passThrough])
    }

    @Test("a client without TLS hears that it is required", arguments: [0, 2, 8] as [UInt8])
    func withoutTLS(_ protocols: UInt8) {
        var machine = self.machine()
        let actions = machine.receivedFromClient(DesktopSamples.request(protocols))
        let end = TunnelEnd.ordered(.policyViolation, reason: "The client asked for a connection without TLS.")
        let failure: [UInt8] = [3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 3, 0, 8, 0, 1, 0, 0, 0]
        #expect(actions == [.explain(end), .toClient(failure), .end(end)])
    }

    @Test("refuses bytes that hide between the request and TLS")
    func smuggling() {
        var machine = self.machine()
        #expect(machine.receivedFromClient(DesktopSamples.request(1) + [3]) == [.end(.clientMisbehaved)])
    }

    @Test("a refusal in a session without web account ends it as hosts do, with the sentence for the gateway")
    func refusedAdmitted() {
        var machine = self.machine()
        _ = machine.receivedFromClient(DesktopSamples.request(1))
        _ = machine.clientIsSecure()
        #expect(
            machine.prepared(.refused(Refusal("RoleMissing", reason: "No role.", remedy: "Ask."))) == [
                .explain(.ordered(.policyViolation, reason: "No role. Ask.")), .toClient(DisconnectMessage.ultimatum),
                .end(.ordered(.policyViolation, reason: "No role. Ask.")),
            ]
        )
    }

    @Test("nothing reaches the host before the person may")
    func order() {
        var machine = self.machine()
        _ = machine.receivedFromClient(DesktopSamples.request(1))
        _ = machine.clientIsSecure()
        _ = machine.receivedFromHost(DesktopSamples.confirm(1))
        #expect(machine.hostIsSecure(certificate: []) == [])
        #expect(machine.receivedFromClient(DesktopSamples.connectInitial()) == [])
        #expect(machine.wait == .judgement)
        let actions = machine.prepared(.allowed(Self.credentials))
        #expect(actions.count == 2)
    }

    @Test("a host that is not who it was is told nothing")
    func notTrusted() {
        var machine = self.machine()
        _ = machine.receivedFromClient(DesktopSamples.request(1))
        _ = machine.clientIsSecure()
        _ = machine.receivedFromHost(DesktopSamples.confirm(1))
        let actions = machine.hostIsNotTrusted()
        #expect(actions.count == 3)
        #expect(!actions.contains { if case .toHost = $0 { true } else { false } })
    }

    @Test("a host that wants CredSSP gets it, and its failure is told")
    func credSSP() {
        var machine = self.machine()
        _ = machine.receivedFromClient(DesktopSamples.request(1))
        _ = machine.clientIsSecure()
        #expect(machine.receivedFromHost(DesktopSamples.confirm(2)) == [.secureHost])
        _ = machine.prepared(.allowed(Self.credentials))
        let actions = machine.hostIsSecure(certificate: [1])
        #expect(actions.dropFirst().first == .toClient(DisconnectMessage.ultimatum))
    }

    @Test("a host without TLS, or with bytes behind its answer, is refused", arguments: [0, 4, 8] as [UInt8])
    func hostWithoutTLS(_ selected: UInt8) {
        var machine = self.machine()
        _ = machine.receivedFromClient(DesktopSamples.request(1))
        #expect(
            machine.receivedFromHost(DesktopSamples.confirm(selected)) == [
                .end(.ordered(.badGateway, reason: "The machine offers no TLS for Remote Desktop."))
            ]
        )
        machine = self.machine()
        _ = machine.receivedFromClient(DesktopSamples.request(1))
        #expect(machine.receivedFromHost(DesktopSamples.confirm(1) + [0]).count == 1)
    }

    @Test("hosts that say too much or nonsense are left")
    func hostileHost() {
        var machine = self.machine()
        _ = machine.receivedFromClient(DesktopSamples.request(1))
        #expect(machine.receivedFromHost([3, 0, 0xff, 0xff]).count == 1)
        machine = self.machine()
        _ = machine.receivedFromClient(DesktopSamples.request(1))
        _ = machine.receivedFromHost(DesktopSamples.confirm(1))
        #expect(machine.receivedFromHost(Array(repeating: 0, count: FrontMachine.bufferLimit + 1)).count == 1)
        machine = self.prepared()
        _ = machine.receivedFromClient(DesktopSamples.connectInitial())
        _ = machine.receivedFromHost(DesktopSamples.connectResponse())
        var isOver = false
        for _ in 0..<10 where !isOver {
            _ = machine.receivedFromHost([3, 0, 0x80, 0] + Array(repeating: 0, count: 32 * 1024 - 4))
            isOver = machine.isOver
        }
        #expect(isOver)
    }

    @Test("clients that say too much, or data before the sign-in, are left")
    func hostileClient() {
        var machine = self.prepared()
        _ = machine.receivedFromClient(DesktopSamples.connectInitial())
        let flood = Array(repeating: UInt8(3), count: FrontMachine.bufferLimit + 1)
        #expect(machine.receivedFromClient(flood).last == .end(.clientMisbehaved))
        machine = self.prepared()
        _ = machine.receivedFromClient(DesktopSamples.connectInitial())
        _ = machine.receivedFromHost(DesktopSamples.connectResponse())
        for message in DesktopSamples.joining { _ = machine.receivedFromClient(message) }
        _ = machine.receivedFromClient(DesktopSamples.secured(0))
        #expect(machine.isOver)
        machine = self.prepared()
        _ = machine.receivedFromClient(DesktopSamples.connectInitial())
        _ = machine.receivedFromHost(DesktopSamples.connectResponse())
        for message in DesktopSamples.joining { _ = machine.receivedFromClient(message) }
        for _ in 0..<FrontMachine.joiningLimit - 3 { _ = machine.receivedFromClient(DesktopSamples.joining[2]) }
        #expect(!machine.isOver)
        _ = machine.receivedFromClient(DesktopSamples.joining[2])
        #expect(machine.isOver)
    }

    @Test("what comes before its time waits")
    func early() {
        var machine = self.prepared()
        _ = machine.receivedFromClient(DesktopSamples.connectInitial() + DesktopSamples.joining[0])
        #expect(
            machine.receivedFromHost(DesktopSamples.connectResponse()).last == .toHost(DesktopSamples.joining[0])
        )
    }

    @Test("each wait has an end, and a deadline that is over does nothing")
    func deadlines() {
        var machine = self.machine()
        #expect(machine.deadlinePassed(.host) == [])
        #expect(machine.deadlinePassed(.request).count == 1)
        machine = self.machine()
        _ = machine.receivedFromClient(DesktopSamples.request(1))
        #expect(machine.wait == .clientSecurity)
        _ = machine.clientIsSecure()
        #expect(machine.wait == .judgement)
        _ = machine.prepared(.allowed(Self.credentials))
        #expect(machine.wait == .hostAnswer)
        _ = machine.receivedFromHost(DesktopSamples.confirm(1))
        #expect(machine.wait == .hostAnswer)
        _ = machine.hostIsSecure(certificate: [1])
        #expect(machine.wait == .person)
        _ = machine.receivedFromClient(DesktopSamples.connectInitial())
        #expect(machine.wait == .host)
        guard case .end(.ordered(.badGateway, let reason))? = machine.deadlinePassed(.host).last else {
            return #expect(Bool(false), "it goes on")
        }
        #expect(reason.contains("did not answer in time"))
    }
}
