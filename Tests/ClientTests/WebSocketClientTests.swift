@testable import Client
import NIOCore
import NIOPosix
import Testing
import Vocabulary
import WebSocketWire

@Suite("WebSocketClient")
struct WebSocketClientTests {
    private static func acceptance(_ head: String) -> String {
        let key =
            head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("sec-websocket-key:") }?
            .drop { $0 != ":" }.dropFirst().drop { $0 == " " } ?? ""
        return WebSocketHandshake.acceptance(of: String(key))
    }

    private static func upgrade(_ head: String, tail: [UInt8] = []) -> ScriptedServer.Answer {
        .init(
            text: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Accept: \(Self.acceptance(head))\r\n\r\n",
            tail: tail
        )
    }

    private func open(_ server: ScriptedServer, path: String = "/x", patience: Duration = .seconds(10)) async throws
        -> (
            any Channel, EventLoopFuture<String>
        )
    {
        let client = WebSocketClient(reach: try ServerReach(authorityFile: server.authorityFile), patience: patience)
        let promise = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: String.self)
        do {
            let channel = try await client.open(server.url + path, headers: [("X-Node", "1")]) { channel in
                try channel.pipeline.syncOperations.addHandlers([
                    WebSocketByteHandler(role: .client), FirstBytes(promise),
                ])
            }
            return (channel, promise.futureResult)
        } catch {
            promise.fail(error)
            throw error
        }
    }

    @Test("upgrades with the headers of RFC 6455, and loses no byte that follows the answer at once")
    func upgrades() async throws {
        // The first frame lies in the same packet as the answer, as an SSH server's greeting may.
        let frame: [UInt8] = [0x82, 5] + Array("hello".utf8)
        try await ScriptedServer.run({ _, head in Self.upgrade(head, tail: frame) }) { server in
            let (channel, bytes) = try await self.open(server, path: "/tunnel?X-Node-Id=1")
            #expect(try await bytes.get() == "hello")
            let head = try #require(server.heads.all.first?.text)
            #expect(head.hasPrefix("GET /tunnel?X-Node-Id=1 HTTP/1.1\r\n"))
            for line in [
                "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "X-Node: 1",
                "Origin: https://localhost:",
            ] {
                #expect(head.contains("\r\n" + line))
            }
            try await channel.close()
        }
    }

    @Test("a refusal is the server's own sentence")
    func refused() async throws {
        try await ScriptedServer.run({ _, _ in
            .init(text: "HTTP/1.1 404 Not Found\r\nContent-Length: 22\r\n\r\n{\"message\":\"Too old.\"}")
        }) { server in
            do {
                _ = try await self.open(server)
                Issue.record("the upgrade was accepted")
            } catch let problem as Problem {
                #expect(problem.shown == "Too old.")
            }
        }
    }

    @Test(
        "an answer that accepts nothing is refused",
        arguments: [
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno",
        ]
    )
    func notAccepted(text: String) async throws {
        try await ScriptedServer.run({ _, _ in .init(text: text) }) { server in
            await #expect(throws: Problem("UpgradeRefused", shown: "")) {
                try await self.open(server, patience: .seconds(3))
            }
        }
    }

    @Test("silence costs the stated patience, a closed connection nothing")
    func silence() async throws {
        try await ScriptedServer.run({ _, _ in nil }) { server in
            await #expect(throws: Problem("Timeout", shown: "")) {
                try await self.open(server, patience: .milliseconds(100))
            }
        }
        try await ScriptedServer.run({ _, _ in .init(text: "", closes: true) }) { server in
            await #expect(throws: Problem("Unreachable", shown: "")) { try await self.open(server) }
        }
    }

    @Test("a ticket is asked for, its socket opened with it, and the session ended")
    func tunnel() async throws {
        try await ScriptedServer.run({ _, head in
            if head.hasPrefix("GET") { return Self.upgrade(head) }
            let body = head.hasPrefix("POST") ? #"{"authToken":"at","websocketToken":"wt","nodeId":"n 1"}"# : ""
            return .init(text: "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }) { server in
            let client = try TunnelClient(dnsName: "localhost:\(server.port)", authorityFile: server.authorityFile)
            let ticket = try await client.ticket(target: "/a", port: 22, token: "t")
            let channel = try await client.open(ticket) { _ in }
            await client.end(ticket)
            try await channel.close()
            let lines = server.heads.all.compactMap { $0.text.split(separator: "\r\n").first.map(String.init) }
            #expect(
                lines == [
                    "POST /api/tokens HTTP/1.1", "GET /webtunnelv2/wt?X-Node-Id=n%201 HTTP/1.1",
                    "DELETE /api/tokens/at HTTP/1.1",
                ]
            )
        }
    }
}

/// Completes with the first bytes that come out of the tunnel.
private final class FirstBytes: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let promise: EventLoopPromise<String>

    init(_ promise: EventLoopPromise<String>) {
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.promise.succeed(String(buffer: self.unwrapInboundIn(data)))
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.promise.fail(ChannelError.eof)
    }
}
