import Crypto
import NIOCore
import NIOSSL
import RDPWire
import RemoteDesktop
import Synchronization
import TestKit
import Testing
import Tunnel
import Vocabulary
import WebSocketWire

@Suite("Desktops through the front", .timeLimit(.minutes(1)))
struct DesktopFrontTests {
    private static let credentials = DesktopCredentials(user: "alice", domain: "desk", password: Secret("one-time"))

    private func plan(
        _ signIn: FrontPlan.SignIn = .passwordless,
        pinned: [UInt8]? = nil,
        channels: ChannelPolicy = .open,
        recorder: (any DesktopRecorder)? = nil,
        prepare: @escaping @Sendable (DesktopProof) async -> Verdict<DesktopCredentials> = { _ in .allowed(credentials)
        },
        settled: @escaping @Sendable () -> Void = {}
    ) throws -> FrontPlan {
        FrontPlan(
            signIn: signIn,
            hostName: "desk",
            certificate: try #require(FrontWorld.certificate.context),
            pinned: pinned,
            channels: channels,
            recorder: recorder,
            settled: settled,
            prepare: prepare
        )
    }

    // The host's side up to its settings; returns the client's settings as they arrived.
    private static func answerAsHost(_ host: ScriptedPeer) async throws -> ConnectInitial {
        #expect(try await host.message() == DesktopSamples.request(3))
        try await host.secure(asServer: FrontWorld.certificate.context, after: DesktopSamples.confirm(1))
        let settings = try ConnectInitial(parsing: try await host.message())
        try await host.send(DesktopSamples.connectResponse(requested: 3))
        return settings
    }

    // The client's side after TLS, until the pictures begin.
    private static func signIn(_ client: ScriptedPeer) async throws -> ConnectResponse {
        try await client.send(DesktopSamples.connectInitial(selected: 1))
        let settings = try ConnectResponse(parsing: try await client.message())
        for message in DesktopSamples.joining { try await client.send(message) }
        try await client.send(DesktopSamples.clientInfo())
        return settings
    }

    // Both sides, to the relay; returns the sign-in as the host saw it.
    private static func connect(_ world: FrontWorld, _ asked: UInt8 = 1) async throws -> (ConnectInitial, ClientInfo) {
        async let seen = Self.answerAsHost(world.host)
        try await world.client.send(DesktopSamples.request(asked))
        #expect(try ConnectionConfirm(parsing: try await world.client.message()) == .selected(.tls, flags: 3))
        try await world.client.secure(asServer: nil)
        let settings = try await Self.signIn(world.client)
        #expect(settings.requested == SecurityProtocols(rawValue: UInt32(asked)))
        let initial = try await seen
        for message in DesktopSamples.joining { #expect(try await world.host.message() == message) }
        let info = try ClientInfo(parsing: try await world.host.message(), channel: 1003)
        try await world.host.send(DesktopSamples.demandActive)
        #expect(try await world.client.message() == DesktopSamples.demandActive)
        return (initial, info)
    }

    @Test("a person without a password gets one, and then bytes pass both ways")
    func wholeWay() async throws {
        let pin = Array(SHA256.hash(data: FrontWorld.certificate.der))
        let plan = try self.plan(pinned: pin, channels: ChannelPolicy(clipboard: false))
        try await FrontWorld.run(plan) { world in
            let (initial, info) = try await Self.connect(world, 3)
            #expect(initial.channels == ["rdpdr", "rdpsnd", "none02", "drdynvc"])
            #expect(initial.selected == .tls)
            #expect(info.user == "alice")
            let picture = Array(repeating: UInt8(5), count: 300_000)
            try await world.host.send(picture)
            #expect(await world.client.bytes(picture.count) == picture)
            try await world.client.send([1, 2, 3])
            #expect(await world.host.bytes(3) == [1, 2, 3])
            #expect(world.front.traffic == TunnelTraffic(fromClient: 3, toClient: 300_000))
            await world.host.close()
            _ = await world.client.rest()
            #expect(try await world.front.ended.get().end == .targetClosed)
        }
    }

    @Test("a web account is proved before the host is called")
    func webAccount() async throws {
        let proofs = Mutex<[DesktopProof]>([])
        let plan = try self.plan(.password) { proof in
            proofs.withLock { $0.append(proof) }
            return .allowed(Self.credentials)
        }
        try await FrontWorld.run(plan) { world in
            async let seen = Self.answerAsHost(world.host)
            try await world.client.send(DesktopSamples.request(0x10))
            let confirm = try ConnectionConfirm(parsing: try await world.client.message())
            #expect(confirm == .selected(.webAccount, flags: 3))
            try await world.client.secure(asServer: nil)
            let nonce = await world.client.bytes(59)
            try await world.client.send(Array(#"{"rdp_assertion":"a.b.c"}"#.utf8) + [0])
            #expect(await world.client.bytes(28) == RDSAADMessage.result(.succeeded))
            let settings = try await Self.signIn(world.client)
            #expect(settings.requested == .webAccount)
            #expect(try await seen.selected == .tls)
            try await world.host.send(DesktopSamples.demandActive)
            #expect(try await world.client.message() == DesktopSamples.demandActive)
            let text = String(decoding: nonce.dropFirst(13).prefix(43), as: UTF8.self)
            #expect(proofs.withLock { $0 } == [.assertion("a.b.c", nonce: text)])
        }
    }

    @Test("a refused web account gets the status, and the gateway the sentence")
    func refused() async throws {
        let plan = try self.plan { _ in .refused(Refusal("DesktopTokenNotValid", reason: "Wrong host.")) }
        try await FrontWorld.run(plan, deadlines: FrontDeadlines(linger: .milliseconds(50))) { world in
            try await world.client.send(DesktopSamples.request(0x10))
            _ = try await world.client.message()
            try await world.client.secure(asServer: nil)
            _ = await world.client.bytes(59)
            try await world.client.send(Array(#"{"rdp_assertion":"a.b.c"}"#.utf8) + [0])
            let wanted = RDSAADMessage.result(RDSAADResult(code: 0x8009_0308))
            #expect(await world.client.rest() == wanted)
            #expect(await world.host.rest().isEmpty)
            #expect(world.goodbyes.reasons == ["Wrong host."])
            #expect(try await world.front.ended.get().end == .ordered(.policyViolation, reason: "Wrong host."))
        }
    }

    @Test("a password's connection is relayed byte for byte")
    func passThrough() async throws {
        try await FrontWorld.run(try self.plan(.password)) { world in
            try await world.client.send(DesktopSamples.requestWithCookie)
            #expect(try await world.host.message() == DesktopSamples.requestWithCookie)
            try await world.host.send(DesktopSamples.confirm(2))
            #expect(try await world.client.message() == DesktopSamples.confirm(2))
            await world.client.close()
            #expect(await world.host.rest().isEmpty)
        }
    }

    @Test("where a channel is closed a password's connection never comes to the host, and the client hears why")
    func passwordWhereClosed() async throws {
        let plan = try self.plan(.password, channels: ChannelPolicy(clipboard: false))
        try await FrontWorld.run(plan, deadlines: FrontDeadlines(linger: .milliseconds(50))) { world in
            try await world.client.send(DesktopSamples.requestWithCookie)
            #expect(try ConnectionConfirm(parsing: try await world.client.message()) == .failed(7))
            #expect(await world.host.rest().isEmpty)
            #expect(world.goodbyes.reasons == [Refusal.desktopPasswordClosed.sentence])
        }
    }

    @Test("a host with another certificate than its agent's gets no word and no credential")
    func otherCertificate() async throws {
        let plan = try self.plan(pinned: Array(repeating: 0, count: 32))
        try await FrontWorld.run(plan, deadlines: FrontDeadlines(linger: .milliseconds(50))) { world in
            try await world.client.send(DesktopSamples.request(1))
            _ = try await world.host.message()
            try? await world.host.secure(asServer: FrontWorld.certificate.context, after: DesktopSamples.confirm(1))
            #expect(await world.host.rest().isEmpty)
            let end = try await world.front.ended.get().end
            guard case .ordered(.badGateway, let reason) = end else { throw CancellationError() }
            #expect(reason.contains("certificate"))
        }
    }

    @Test("a session that is ended says so between two messages, in the desktop's words and the gateway's")
    func takenAway() async throws {
        try await FrontWorld.run(try self.plan()) { world in
            _ = try await Self.connect(world)
            try await world.host.send([0x00, 4, 1, 1])
            #expect(await world.client.bytes(4) == [0x00, 4, 1, 1])
            world.front.end(.ordered(.policyViolation, reason: "A role was removed."))
            let last = DisconnectMessage.errorInfo(.administrator) + DisconnectMessage.ultimatum
            #expect(await world.client.rest() == last)
            #expect(world.goodbyes.reasons == ["A role was removed."])
        }
    }

    @Test("much at once passes both ways unchanged, and so does what follows")
    func much() async throws {
        try await FrontWorld.run(try self.plan()) { world in
            _ = try await Self.connect(world)
            let much = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 251) }
            try await world.host.send(much)
            #expect(await world.client.bytes(much.count) == much)
            try await world.host.send([1])
            #expect(await world.client.bytes(1) == [1])
            try await world.client.send(much)
            #expect(await world.host.bytes(much.count) == much)
        }
    }

    @Test("in the middle of a message nothing is put in between")
    func takenAwayMidway() async throws {
        try await FrontWorld.run(try self.plan()) { world in
            _ = try await Self.connect(world)
            try await world.host.send([0x00, 100, 1, 1])
            #expect(await world.client.bytes(4) == [0x00, 100, 1, 1])
            world.front.end(.idle)
            #expect(await world.client.rest().isEmpty)
        }
    }

    @Test("a host that hangs is left after its time")
    func hangingHost() async throws {
        let deadlines = FrontDeadlines(hostAnswer: .milliseconds(50), linger: .milliseconds(50))
        try await FrontWorld.run(try self.plan(), deadlines: deadlines) { world in
            try await world.client.send(DesktopSamples.request(1))
            _ = try await world.client.message()
            try await world.client.secure(asServer: nil)
            #expect(await world.client.rest() == DisconnectMessage.ultimatum)
            #expect(world.goodbyes.reasons.count == 1)
            #expect(world.goodbyes.reasons.first?.contains("did not answer in time") == true)
        }
    }

    @Test("a client that hangs is left after its time")
    func hangingClient() async throws {
        let deadlines = FrontDeadlines(client: .milliseconds(50), linger: .milliseconds(50))
        try await FrontWorld.run(try self.plan(), deadlines: deadlines) { world in
            #expect(await world.client.rest().isEmpty)
            #expect(await world.host.rest().isEmpty)
        }
    }

    @Test("the credential can be taken back when the host says that the person is signed in")
    func settled() async throws {
        let count = Atomic(0)
        let plan = try self.plan(settled: { count.add(1, ordering: .relaxed) })
        try await FrontWorld.run(plan) { world in
            _ = try await Self.connect(world)
            try await world.host.send([0x00, 4, 1, 1])
            _ = await world.client.bytes(4)
            #expect(count.load(ordering: .relaxed) == 0)
            try await world.host.send(DesktopSamples.logon() + DesktopSamples.logon())
            _ = await world.client.bytes(2 * DesktopSamples.logon().count)
            #expect(count.load(ordering: .relaxed) == 1)
        }
    }

    @Test("the credential can be taken back when the sign-in comes to nothing")
    func settledByEnd() async throws {
        let count = Atomic(0)
        let plan = try self.plan(settled: { count.add(1, ordering: .relaxed) })
        try await FrontWorld.run(plan) { world in
            try await world.client.send(DesktopSamples.request(1))
            await world.client.close()
            _ = try await world.front.ended.get()
        }
        #expect(count.load(ordering: .relaxed) == 1)
    }

    @Test("a recorder gets both directions from the settings on, without a password")
    func recorded() async throws {
        let recorder = KeptRecording()
        try await FrontWorld.run(try self.plan(recorder: recorder)) { world in
            _ = try await Self.connect(world)
            try await world.host.send([0x00, 4, 1, 1])
            _ = await world.client.bytes(4)
            await world.client.close()
            _ = await world.host.rest()
            _ = try await world.front.ended.get()
        }
        let (host, client, isFinished) = recorder.kept
        #expect(isFinished)
        #expect(host == DesktopSamples.connectResponse(requested: 1) + DesktopSamples.demandActive + [0x00, 4, 1, 1])
        #expect(client.starts(with: try ConnectInitial(parsing: DesktopSamples.connectInitial()).bytes.prefix(4)))
        let password = DesktopSamples.utf16("one-time")
        #expect(!client.indices.contains { client[$0...].starts(with: password) })
    }
}

/// A recording in memory.
private final class KeptRecording: DesktopRecorder {
    private let state = Mutex<(host: [UInt8], client: [UInt8], isFinished: Bool)>(([], [], false))
    var kept: (host: [UInt8], client: [UInt8], isFinished: Bool) { self.state.withLock { $0 } }

    func recordHost(_ bytes: ByteBuffer) { self.state.withLock { $0.host += Array(bytes.readableBytesView) } }
    func recordClient(_ bytes: ByteBuffer) { self.state.withLock { $0.client += Array(bytes.readableBytesView) } }
    func finish() { self.state.withLock { $0.isFinished = true } }
}
