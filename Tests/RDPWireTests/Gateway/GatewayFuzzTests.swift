import NIOCore
import RDPWire
import TestKit
import Testing

/// Hostile bytes in what a client of the gateway sends, and events in any order.
///
/// Seconds by default; `SALLYPORT_FUZZ_ROUNDS=10000000` for the long run, best in a release build.
@Suite("Hostile bytes at the gateway")
struct GatewayFuzzTests {
    static let rounds = Spoiler.rounds(usually: 20_000)

    private let samples = (GatewayVectors.vectors.map(\.0) + GatewayVectors.others)
        .map { Array($0.bytes.readableBytesView) }
    // What a client sends up to the desktop, and what it may send after that.
    private let dialogue =
        [
            GatewayPacket.handshakeRequest(.token),
            .tunnelCreate(.init(rawValue: 0x3f), token: "t", context: nil),
            .tunnelAuthorization(machine: "m", health: nil),
            .channelCreate(names: ["10.0.0.4"], alternatives: [], port: 3389), .keepAlive,
            .closeChannel(.success),
        ].map { Array($0.bytes.readableBytesView) }

    @Test("packets are read or refused, and what is read is written so that it reads the same")
    func packets() throws {
        let spoiler = Spoiler(seed: 0x5a11_1904)
        var read = 0
        for _ in 0..<Self.rounds {
            var decoder = GatewayDecoder()
            var stream: [UInt8] = []
            for _ in 0...spoiler.number(below: 3) { stream += spoiler.spoil(spoiler.one(of: self.samples)) }
            decoder.feed(ByteBuffer(bytes: stream))
            while let event = try? decoder.next() {
                guard case .packet(let packet) = event else { continue }
                read += 1
                var again = GatewayDecoder()
                again.feed(packet.bytes)
                #expect(try again.next() == event)
            }
        }
        #expect(read > Self.rounds / 50)
    }

    @Test("no spoiled dialogue opens a channel before both judgements, and nothing is said after the end")
    func dialogues() {
        let spoiler = Spoiler(seed: 0x5a11_1905)
        var opened = 0
        var ended = 0
        for _ in 0..<Self.rounds {
            var run = GatewayRun()
            for message in self.dialogue where !run.isOver {
                run.feed(spoiler.spoil(message, timesInTen: 1))
                if spoiler.number(below: 8) == 0 { run.feed(spoiler.spoil(spoiler.one(of: self.samples))) }
                run.answer(spoiler)
            }
            if run.isOver { run.goOn() }
            if let wrong = run.wrong { Issue.record("\(wrong)") }
            opened += run.isConnected ? 1 : 0
            ended += run.isOver ? 1 : 0
        }
        #expect(opened > Self.rounds / 50)
        #expect(ended > Self.rounds / 50)
    }
}

/// One connection, and what its machine must never do.
private struct GatewayRun: ~Copyable {
    private var decoder = GatewayDecoder()
    private var machine = GatewayMachine()
    private var asked: GatewayMachine.Action?
    private var isAdmitted = false
    /// Whether the target answered, which is when the channel may open.
    private(set) var isConnected = false
    private(set) var isOver = false
    /// What went wrong, if something did.
    private(set) var wrong: String?

    mutating func feed(_ bytes: [UInt8]) {
        self.decoder.feed(ByteBuffer(bytes: bytes))
        do throws(RDPWireError) {
            // Like the connection's owner: nothing is read while an answer is awaited.
            while !self.isOver, !self.machine.isWaiting, let event = try self.decoder.next() {
                switch event {
                case .packet(let packet): self.carryOut(self.machine.receive(packet))
                case .data: self.carryOut(self.machine.receiveData())
                }
            }
        } catch {
            self.carryOut(self.machine.receiveGarbage())
        }
    }

    /// Answers what was asked, mostly kindly, and reads on.
    mutating func answer(_ spoiler: Spoiler) {
        let isKind = spoiler.number(below: 10) > 0
        guard let asked = self.asked else {
            if !isKind { self.carryOut(self.machine.close(.timedOut, message: "late")) }
            return
        }
        self.asked = nil
        switch asked {
        case .judge where isKind:
            self.isAdmitted = true
            self.carryOut(self.machine.admit(GatewayTerms(consent: spoiler.one(of: [nil, "c"]), message: "m")))
        case .connect where isKind:
            self.isConnected = true
            self.carryOut(self.machine.connected())
        default:
            self.carryOut(self.machine.refuse(.targetDenied))
        }
        self.feed([])
    }

    /// Everything that can still happen after the end.
    mutating func goOn() {
        self.carryOut(self.machine.receive(.handshakeRequest(.token)))
        self.carryOut(self.machine.receiveData())
        self.carryOut(self.machine.receiveGarbage())
        self.carryOut(self.machine.admit(GatewayTerms()))
        self.carryOut(self.machine.connected())
        self.carryOut(self.machine.reauthenticate(context: 1))
        self.carryOut(self.machine.explain("why"))
        self.carryOut(self.machine.close(.timedOut, message: "why"))
    }

    private mutating func carryOut(_ actions: [GatewayMachine.Action]) {
        if self.isOver, !actions.isEmpty { self.wrong = "\(actions) after the end" }
        for (place, action) in actions.enumerated() {
            switch action {
            case .judge:
                if self.isAdmitted || self.asked != nil { self.wrong = "asks twice" }
                self.asked = action
            case .connect:
                if !self.isAdmitted || self.asked != nil { self.wrong = "dials without a judgement" }
                self.asked = action
            case .end:
                if place != actions.count - 1 { self.wrong = "goes on after the end" }
                self.isOver = true
            case .send, .renew: break
            }
        }
        if self.machine.isOpen, !self.isConnected { self.wrong = "open before the target answered" }
    }
}
