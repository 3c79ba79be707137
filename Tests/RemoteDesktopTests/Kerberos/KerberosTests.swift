import NIOCore
import NIOPosix
import RDPWire
import Synchronization
import TestKit
import Testing
import Tunnel
import Vocabulary

@testable import RemoteDesktop

@Suite("Kerberos", .timeLimit(.minutes(1)))
struct KerberosTests {
    static func credentials(_ user: String) -> DesktopCredentials {
        DesktopCredentials(user: user, password: Secret("secret"))
    }

    static func realm(
        _ name: String = "EXAMPLE.TEST",
        host: String = "desk",
        call: @escaping FrontPlan.CallController = { $0.makeFailedFuture(DialError.timedOut) }
    ) -> KerberosRealm? {
        KerberosRealm(name: name, host: host, call: call)
    }

    @Test("a realm has a name without anything that settings could misread")
    func realms() {
        #expect(Self.realm("EXAMPLE.TEST") != nil)
        #expect(Self.realm("") == nil)
        #expect(Self.realm("EXAMPLE }") == nil)
        #expect(Self.realm(host: "desk host") == nil)
        #expect(Self.realm(host: "") == nil)
    }

    @Test(
        "hosts are named by the realm's domain, whatever else they call themselves",
        arguments: [
            ("DESKVM", "deskvm.example.test"), ("deskvm.example.test", "deskvm.example.test"),
            ("deskvm.internal.cloud", "deskvm.example.test"), ("a.b.example.test", "a.b.example.test"),
        ]
    )
    func hosts(host: String, full: String) throws {
        #expect(try #require(Self.realm(host: host)).service == "TERMSRV/\(full)@EXAMPLE.TEST")
    }

    @Test(
        "people are named in their realm, whatever is in their name",
        arguments: [
            ("alice", "alice@EXAMPLE.TEST"), ("alice@example.test", "alice@EXAMPLE.TEST"),
            ("alice@other.test", #"alice\@other.test@EXAMPLE.TEST"#), ("a/b\\c", #"a\/b\\c@EXAMPLE.TEST"#),
        ]
    )
    func names(user: String, name: String) throws {
        #expect(KerberosTickets.clientName(Self.credentials(user), try #require(Self.realm())) == name)
    }

    /// What a sign-in comes to with a controller that is called like this.
    private static func failure(_ call: @escaping FrontPlan.CallController) throws -> RDPWireError? {
        var mechanism = KerberosMechanism(
            credentials: Self.credentials("alice"),
            realm: try #require(Self.realm(call: call)),
            eventLoop: MultiThreadedEventLoopGroup.singleton.any(),
            channelBinding: nil
        )
        #expect(mechanism.blocks)
        defer { #expect(!mechanism.isComplete) }
        do throws(RDPWireError) {
            _ = try mechanism.next(nil)
            return nil
        } catch {
            return error
        }
    }

    @Test("a controller that does not answer is said to be out of reach, and nothing can be sealed")
    func unreachable() throws {
        #expect(try Self.failure { $0.makeFailedFuture(DialError.timedOut) } == KerberosFailure.controllerSilent.wire)
        let other = try Self.failure { $0.makeFailedFuture(DialError.unreachable("no")) }
        #expect("\(other as Any)".contains("cannot be reached on TCP port 88"))
    }

    @Test("what forbids the call is what the person reads")
    func forbidden() throws {
        let refusal = Refusal("KerberosDisabled", reason: "It is off.", remedy: "Turn it on.")
        let said = try Self.failure { $0.makeFailedFuture(DialError.refused(refusal)) }
        #expect(said == .refused("It is off. Turn it on."))
    }

    @Test("a controller that talks nonsense, hangs up or never says a word ends the sign-in")
    func nonsense() async throws {
        let cases: [([UInt8]?, KerberosFailure)] = [
            ([0x80, 0, 0, 1, 0], .controllerMisspoke), ([0, 0, 0, 0], .controllerMisspoke), ([], .controllerHungUp),
            (nil, .controllerSilent),
        ]
        for (answer, failure) in cases {
            let controller = try await FakeController(answer: answer)
            let realm = try #require(Self.realm(call: controller.call))
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            let said = try await NIOThreadPool.singleton.runIfActive {
                let patience = answer == nil ? Duration.milliseconds(300) : .seconds(60)
                let exchange = KerberosExchange(realm, on: loop, patience: patience)
                #expect(exchange.ask([1, 2, 3]) == nil)
                return exchange.failure?.wire
            }
            #expect(said == failure.wire)
            try await controller.stop()
        }
    }

    @Test("a question goes out with its length, and the answer comes back without")
    func exchange() async throws {
        let controller = try await FakeController(answer: [0, 0, 0, 2, 7, 8, 9])
        let realm = try #require(Self.realm(call: controller.call))
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let answer = try await NIOThreadPool.singleton.runIfActive {
            KerberosExchange(realm, on: loop).ask([1, 2, 3])
        }
        #expect(answer == [7, 8])
        #expect(controller.heard == [0, 0, 0, 3, 1, 2, 3])
        try await controller.stop()
    }

    @Test("a controller cannot keep a sign-in asking for ever")
    func bounded() async throws {
        let controller = try await FakeController(answer: [0, 0, 0, 1, 7])
        let realm = try #require(Self.realm(call: controller.call))
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let count = try await NIOThreadPool.singleton.runIfActive {
            let exchange = KerberosExchange(realm, on: loop)
            return (1...100).prefix { _ in exchange.ask([1]) != nil }.count
        }
        #expect(count == KerberosExchange.mostQuestions)
        try await controller.stop()
    }
}

@Suite("Answers of domain controllers")
struct ControllerReplyTests {
    @Test("an answer is whole only with its last byte, however it is cut")
    func pieces() throws {
        var reply = ControllerReply()
        for byte in [0, 0, 0, 3, 7, 8] as [UInt8] { #expect(try reply.receive([byte]) == nil) }
        #expect(try reply.receive([9, 99]) == [7, 8, 9])
    }

    @Test("nothing, too much, and the reserved bit are refused as soon as the length is there")
    func lengths() {
        let limit = UInt32(ControllerReply.limit)
        for length in [0, limit + 1, 0x8000_0001, 0xFFFF_FFFF] as [UInt32] {
            var reply = ControllerReply()
            #expect(throws: RDPWireError.self) {
                try reply.receive((0..<4).map { UInt8(length >> (24 - 8 * $0) & 0xFF) })
            }
        }
    }

    @Test("whatever comes in, no answer is longer than it says or than is allowed")
    func fuzz() {
        let random = SeededRandom().source
        for _ in 0..<20_000 {
            var reply = ControllerReply()
            var all: [UInt8] = []
            for _ in 0..<(random.bytes(1)[0] % 6) {
                var piece = random.bytes(Int(random.bytes(1)[0] % 12))
                // Lengths that are possible now and then.
                if all.isEmpty, piece.count >= 3, random.bytes(1)[0] % 2 == 0 {
                    piece.replaceSubrange(0..<3, with: [0, 0, 0])
                }
                all += piece
                guard let answer = try? reply.receive(piece) else { continue }
                #expect(all.count >= 4 + answer.count && answer.count == all.prefix(4).reduce(0) { $0 << 8 | Int($1) })
                #expect(answer == Array(all[4..<4 + answer.count]))
                break
            }
        }
    }

    @Test("a question is preceded by its length in network order")
    func framed() {
        #expect(ControllerReply.framed([UInt8](repeating: 5, count: 0x10203)).prefix(5) == [0, 1, 2, 3, 5])
    }
}

/// Something on loopback that answers every connection in the same way: bytes, an end without any (an empty answer), or nothing at all (nil).
private final class FakeController: Sendable {
    private let listener: any Channel
    private let peer: Recorder

    var heard: [UInt8] { self.peer.heard }

    init(answer: [UInt8]?) async throws {
        let peer = Recorder(answer: answer)
        self.peer = peer
        self.listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { $0.pipeline.addHandler(peer) }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var call: FrontPlan.CallController {
        let address = self.listener.localAddress
        return { eventLoop in
            guard let address else { return eventLoop.makeFailedFuture(DialError.timedOut) }
            return ClientBootstrap(group: eventLoop)
                .channelOption(.autoRead, value: false)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .connect(to: address)
        }
    }

    func stop() async throws { try await self.listener.close() }
}

private final class Recorder: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answer: [UInt8]?
    private let bytes = Mutex<[UInt8]>([])

    var heard: [UInt8] { self.bytes.withLock { $0 } }

    init(answer: [UInt8]?) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let new = Array(self.unwrapInboundIn(data).readableBytesView)
        self.bytes.withLock { $0 += new }
        guard let answer else { return }
        guard !answer.isEmpty else { return context.close(promise: nil) }
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: answer)), promise: nil)
    }
}
