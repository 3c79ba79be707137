import TestKit
import Testing
import Tunnel
import Vocabulary
import WebSocketWire

@testable import RDPWire
@testable import RemoteDesktop

/// Sign-ins with hostile bytes on either side, and events in any order.
///
/// A second or two by default; `SALLYPORT_FUZZ_ROUNDS=1000000` for the long run, best in a release build.
@Suite("Spoiled sign-ins of the front")
struct FrontMachineFuzzTests {
    static let rounds = Spoiler.rounds(usually: 4000)

    private static let requests = [1, 3, 0x10, 0x11].map { DesktopSamples.request($0) }
    private static let settings =
        [DesktopSamples.connectInitial()] + DesktopSamples.joining + [
            DesktopSamples.clientInfo(), DesktopSamples.secured(0x80), DesktopSamples.clientInfo(user: "lola"),
        ]

    @Test("end or are handed on once, say nothing after that, and give the host nothing before the person may")
    func dialogues() {
        let spoiler = Spoiler(seed: 7)
        var relayed = 0
        var ended = 0
        for _ in 0..<Self.rounds {
            var run = FrontRun(isPassword: spoiler.number(below: 4) == 0, spoiler)
            run.client(spoiler.one(of: Self.requests))
            run.answerAll()
            run.client(Array(#"{"rdp_assertion":"a.b.c"}"#.utf8) + [0], if: run.isWebAccount)
            run.answerAll()
            run.host(DesktopSamples.confirm(spoiler.one(of: [1, 1, 2])))
            run.answerAll()
            for (step, message) in Self.settings.enumerated() {
                run.client(message)
                switch step {
                case 0: run.host(DesktopSamples.connectResponse())
                case 4: run.host(DesktopSamples.demandActive, if: spoiler.number(below: 2) == 0)
                case 5: run.host(DesktopSamples.demandActive)
                default: run.host([3, 0, 0, 7, 2, 0xf0, 0x80])
                }
                run.answerAll()
            }
            run.goOn()
            if let wrong = run.wrong { Issue.record("\(wrong)") }
            relayed += run.isRelayed ? 1 : 0
            ended += run.isOver ? 1 : 0
        }
        #expect(relayed > Self.rounds / 50)
        #expect(ended - relayed > Self.rounds / 50)
    }
}

/// One sign-in, and what its machine must never do.
private struct FrontRun {
    private static let credentials = DesktopCredentials(user: "alice", domain: "desk", password: Secret("one-time"))

    private let spoiler: Spoiler
    private let isPassword: Bool
    private var machine: FrontMachine
    private var asked: [FrontMachine.Action] = []
    private var isAllowed = false
    private var turns = 0
    private var signIns = 0
    private(set) var isWebAccount = false
    private(set) var isRelayed = false
    private(set) var isOver = false
    /// What went wrong, if something did.
    private(set) var wrong: String?

    init(isPassword: Bool, _ spoiler: Spoiler) {
        self.spoiler = spoiler
        self.isPassword = isPassword
        self.machine = FrontMachine(
            isPassword: isPassword,
            hidden: isPassword ? [] : ["cliprdr"],
            makeNonce: { "nonce" }
        ) {
            credentials,
            certificate throws(RDPWireError) in
            CredSSPClient(
                mechanism: PlainMechanism(),
                credentials: credentials,
                serverPublicKey: certificate,
                nonce: [UInt8](repeating: 7, count: 32)
            )
        }
    }

    /// Bytes of the client's, sometimes spoiled or in two pieces, and sometimes with more behind them.
    mutating func client(_ message: [UInt8], if isMeant: Bool = true) {
        guard isMeant, !self.isOver else { return }
        for piece in self.pieces(of: message) { self.carryOut(self.machine.receivedFromClient(piece)) }
        self.interrupt()
    }

    /// Bytes of the host's, in the same way.
    mutating func host(_ message: [UInt8], if isMeant: Bool = true) {
        guard isMeant, !self.isOver else { return }
        for piece in self.pieces(of: message) { self.carryOut(self.machine.receivedFromHost(piece)) }
        self.interrupt()
    }

    /// Answers whatever was asked, until nothing more is.
    mutating func answerAll() {
        while !self.asked.isEmpty {
            switch self.asked.removeFirst() {
            case .secureClient: self.carryOut(self.machine.clientIsSecure())
            case .secureHost where self.spoiler.number(below: 20) == 0: self.carryOut(self.machine.hostIsNotTrusted())
            case .secureHost: self.carryOut(self.machine.hostIsSecure(certificate: [1, 2, 3]))
            case .prepare where self.spoiler.number(below: 20) == 0:
                self.carryOut(self.machine.prepared(.refused(Refusal("RoleMissing", reason: "No role."))))
            case .prepare:
                self.isAllowed = !self.isOver
                self.carryOut(self.machine.prepared(.allowed(Self.credentials)))
            case .negotiate:
                guard let negotiation = self.machine.negotiation else { continue }
                self.carryOut(self.machine.negotiated(negotiation.run()))
                self.turns += 1
                // Of a version whose proof is the key and one.
                if self.turns == 1 { self.host(TSRequest(version: 3, token: [1]).bytes) }
                if self.turns == 2 { self.host(TSRequest(version: 3, publicKeyAuth: [2, 2, 3]).bytes) }
            default: break
            }
        }
    }

    /// Everything that can still happen, whether it is over or not.
    mutating func goOn() {
        if !self.isOver { self.carryOut(self.machine.clientEnded()) }
        self.carryOut(self.machine.receivedFromClient(DesktopSamples.request(3)))
        self.carryOut(self.machine.receivedFromHost(DesktopSamples.confirm(1)))
        self.carryOut(self.machine.clientIsSecure())
        self.carryOut(self.machine.hostIsSecure(certificate: []))
        self.carryOut(self.machine.prepared(.allowed(Self.credentials)))
        self.carryOut(self.machine.hostEnded())
        self.carryOut(self.machine.clientEnded())
        if self.machine.wait != nil { self.wrong = "waits for \(self.machine.wait as Any) after the end" }
    }

    private func pieces(of message: [UInt8]) -> [[UInt8]] {
        var bytes = self.spoiler.spoil(message, timesInTen: 1)
        if self.spoiler.number(below: 40) == 0 { bytes += DesktopSamples.joining[0] }
        guard self.spoiler.number(below: 3) == 0 else { return [bytes] }
        let cut = self.spoiler.number(below: bytes.count + 1)
        return [Array(bytes[..<cut]), Array(bytes[cut...])]
    }

    // A deadline, an answer that nobody waited for, or the end of a side.
    private mutating func interrupt() {
        switch self.spoiler.number(below: 60) {
        case 0: if let wait = self.machine.wait { self.carryOut(self.machine.deadlinePassed(wait)) }
        case 1: self.carryOut(self.machine.deadlinePassed(.judgement))
        case 2: self.carryOut(self.machine.hostEnded())
        case 3: self.carryOut(self.machine.hostIsSecure(certificate: []))
        case 4: self.carryOut(self.machine.order(.ordered(.policyViolation, reason: "Ended.")))
        default: break
        }
    }

    // As a host reads it that looks at nothing but the security header.
    private static func signsIn(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 20, bytes[7] == 0x64 else { return false }
        return bytes[bytes[13] < 0x80 ? 14 : 15] & 0x40 != 0
    }

    private mutating func carryOut(_ actions: [FrontMachine.Action]) {
        for action in actions {
            if self.isOver { self.wrong = "\(action) after the end" }
            switch action {
            case .toHost(let bytes) where Self.signsIn(bytes):
                self.signIns += 1
                if self.signIns > 1 { self.wrong = "signs in twice" }
            case .passThrough:
                if !self.isPassword { self.wrong = "passes through what must sign in" }
                self.isOver = true
            case .relay:
                if !self.isAllowed { self.wrong = "relays before the person may" }
                self.isRelayed = true
                self.isOver = true
            case .end: self.isOver = true
            case .toHost(let bytes) where !self.isAllowed && bytes != DesktopSamples.request(3):
                self.wrong = "tells the host \(bytes) before the person may"
            case .toClient(let bytes) where bytes == RDSAADMessage.nonce("nonce"): self.isWebAccount = true
            case .secureClient, .secureHost, .prepare, .negotiate: self.asked.append(action)
            case .toClient, .toHost, .recordClient, .recordHost, .explain: break
            }
        }
        let held = max(self.machine.fromClient.count, self.machine.fromHost.count)
        if !self.isOver, held > FrontMachine.bufferLimit { self.wrong = "holds \(held) bytes" }
    }
}

/// A mechanism without secrets: what it wraps is what it was given.
private struct PlainMechanism: SecurityMechanism {
    let isComplete = true

    func next(_ token: [UInt8]?) throws(RDPWireError) -> [UInt8]? { token ?? [1] }

    func wrap(_ message: [UInt8]) throws(RDPWireError) -> [UInt8] { message }

    func unwrap(_ message: [UInt8]) throws(RDPWireError) -> [UInt8] { message }
}
