import AgentWire
import Crypto
import Edge
import HostRoutes
import Hosts
import Identity
import NIOCore
import NIOEmbedded
import NIOHTTP1
import SSHWire
import TestKit
import Testing
import Vocabulary
import WebSocketWire

@Suite("The control channel of hosts")
struct ControlGateTests {
    func upgrade(_ path: String, _ proof: [String]) -> UpgradeRequest {
        var headers = HTTPHeaders()
        for one in proof { headers.add(name: "authorization", value: one) }
        return UpgradeRequest(
            head: HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: headers),
            remoteAddress: nil
        )
    }

    /// A channel with the gate's handlers, and the gate running while the body does.
    func connected(
        _ body: (RoutesWorld, Host, NIOAsyncTestingChannel) async throws -> Void
    ) async throws {
        let world = try await RoutesWorld()
        let key = SSHSigner.ed25519(.init())
        let host = try await world.join(key)
        let gate = ControlGate(hosts: world.hosts)
        let channel = NIOAsyncTestingChannel()
        try await channel.connect(to: SocketAddress(ipAddress: "192.0.2.7", port: 1)).get()
        let proof = try world.proof(host, key, "GET", "/hosts/v1/control")
        let answer = try await channel.testingEventLoop.submit {
            gate.answer(self.upgrade("/hosts/v1/control", [proof]), on: channel.testingEventLoop)
        }.get().get()
        guard case .accept(_, let install) = answer else {
            Issue.record("refused")
            return
        }
        try await channel.testingEventLoop.submit { install(channel) }.get().get()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await gate.run() }
            try await body(world, host, channel)
            group.cancelAll()
        }
    }

    /// Reads what the server sends, as messages.
    struct Reader {
        let channel: NIOAsyncTestingChannel
        var assembler = MessageAssembler(role: .client, longestMessage: 1 << 22)
        var events: [MessageEvent] = []

        mutating func next() async throws -> MessageEvent {
            while self.events.isEmpty {
                let bytes = try await self.channel.waitForOutboundWrite(as: ByteBuffer.self)
                try self.assembler.feed(bytes, into: &self.events)
            }
            return self.events.removeFirst()
        }

        mutating func nextMessage() async throws -> ServerMessage? {
            guard case .text(let text) = try await self.next() else { return nil }
            return try ServerMessage.decode(text.utf8)
        }
    }

    func send(_ channel: NIOAsyncTestingChannel, _ frame: ByteBuffer) async throws {
        try await channel.writeInbound(frame)
    }

    let client = FrameEncoder(role: .client)

    @Test("a proved host is served: told what it needs, answered what it asks", .timeLimit(.minutes(1)))
    func served() async throws {
        try await self.connected { world, host, channel in
            var reader = Reader(channel: channel)
            guard case .configuration? = try await reader.nextMessage() else {
                Issue.record("no configuration")
                return
            }
            guard case .accounts? = try await reader.nextMessage() else {
                Issue.record("no accounts")
                return
            }
            let question = try AgentMessage.lookup(name: "nobody@contoso.example").encoded(id: 3)
            try await self.send(channel, self.client.frame(.text, ByteBuffer(bytes: question)))
            guard case .reply(3, let document)? = try await reader.nextMessage() else {
                Issue.record("no reply")
                return
            }
            let answer: LookupAnswer = try ControlObject.decode(document)
            #expect(answer.account == nil)
            #expect(world.hosts.isConnected(world.machine))
        }
    }

    @Test("a ping is answered, and a binary message ends the channel", .timeLimit(.minutes(1)))
    func frames() async throws {
        try await self.connected { _, _, channel in
            var reader = Reader(channel: channel)
            _ = try await reader.nextMessage()
            _ = try await reader.nextMessage()
            try await self.send(channel, self.client.frame(.ping, ByteBuffer(string: "x")))
            #expect(try await reader.next() == .pong(ByteBuffer(string: "x")))
            try await self.send(channel, self.client.frame(.binary, ByteBuffer(string: "x")))
            guard case .close(let code, _) = try await reader.next() else {
                Issue.record("no close")
                return
            }
            #expect(code == .unacceptableData)
        }
    }

    @Test("a host that answers no ping is given up", .timeLimit(.minutes(1)))
    func silent() async throws {
        try await self.connected { _, _, channel in
            for _ in 0..<3 { await channel.testingEventLoop.advanceTime(by: .seconds(20)) }
            try await channel.closeFuture.get()
        }
    }

    @Test("a host that is not proved, proved twice, or replayed is refused with 401")
    func refused() async throws {
        let world = try await RoutesWorld()
        let key = SSHSigner.ed25519(.init())
        let host = try await world.join(key)
        let gate = ControlGate(hosts: world.hosts)
        let loop = EmbeddedEventLoop()
        func status(_ path: String, _ proof: [String]) throws -> Int? {
            switch try gate.answer(self.upgrade(path, proof), on: loop).wait() {
            case .refuse(let status, _): Int(status.code)
            case .accept: 101
            case .notMine, .takeOver: nil
            }
        }
        let path = "/hosts/v1/control"
        let good = try world.proof(host, key, "GET", path)
        let other = try world.proof(host, .ed25519(.init()), "GET", path)
        #expect(try status("/webtunnelv2/x", [good]) == nil)
        #expect(try status(path, []) == 401)
        #expect(try status(path, [other]) == 401)
        #expect(try status(path, [good, good]) == 401)
        #expect(try status(path, [good]) == 101)
        #expect(try status(path, [good]) == 401)
    }
}
