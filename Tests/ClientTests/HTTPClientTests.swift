@testable import Client
import NIOCore
import NIOPosix
import Testing
import Vocabulary

@Suite("HTTPClient")
struct HTTPClientTests {
    private static func ok(_ body: String, closes: Bool = false) -> ScriptedServer.Answer {
        .init(text: "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\nX-A: b\r\n\r\n\(body)", closes: closes)
    }

    @Test("sends what it is told and reads the whole answer")
    func exchange() async throws {
        try await ScriptedServer.run({ _, _ in Self.ok(#"{"a":1}"#) }) { server in
            let reply = try await server.client().send(
                WebRequest(
                    "POST",
                    server.url + "/x?y=1",
                    headers: [("Content-Type", "application/json")],
                    body: Array("{}".utf8)
                )
            )
            #expect(reply.status == 200 && reply.json == ["a": 1] && reply.header("x-a") == "b")
            let head = try #require(server.heads.all.first?.text)
            #expect(head.hasPrefix("POST /x?y=1 HTTP/1.1\r\n"))
            #expect(head.contains("\r\nHost: localhost:\(server.port)") && head.contains("\r\nContent-Length: 2"))
            #expect(head.contains("\r\nAccept: application/json"))
        }
    }

    @Test("keeps the connection for the next request, unless the server closes it")
    func keepsAlive() async throws {
        try await ScriptedServer.run({ number, _ in Self.ok("\(number)", closes: number == 2) }) { server in
            let client = try server.client()
            for expected in 1...3 {
                let reply = try await client.send(WebRequest("GET", server.url))
                #expect(reply.body == Array("\(expected)".utf8))
            }
            #expect(server.heads.all.map(\.connection) == [1, 1, 2])
        }
    }

    @Test("an answer of each kind of framing", arguments: ["chunked", "close", "empty"])
    func framing(kind: String) async throws {
        try await ScriptedServer.run({ _, _ in
            switch kind {
            case "chunked":
                .init(text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
            case "close": .init(text: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc", closes: true)
            default: .init(text: "HTTP/1.1 204 No Content\r\n\r\n")
            }
        }) { server in
            let reply = try await server.client().send(WebRequest("GET", server.url))
            #expect(reply.body == (kind == "empty" ? [] : Array("abc".utf8)))
        }
    }

    @Test("an answer that breaks off is a problem and is not asked for again")
    func truncated() async throws {
        try await ScriptedServer.run({ number, _ in
            number == 1 ? Self.ok("x") : .init(text: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", closes: true)
        }) { server in
            let client = try server.client()
            _ = try await client.send(WebRequest("POST", server.url))
            await #expect(throws: Problem("Unreachable", shown: "")) {
                try await client.send(WebRequest("POST", server.url))
            }
            #expect(server.heads.all.count == 2)
        }
    }

    @Test("a server that closes without an answer is a problem")
    func closesAtOnce() async throws {
        try await ScriptedServer.run({ _, _ in .init(text: "", closes: true) }) { server in
            await #expect(throws: Problem("Unreachable", shown: "")) {
                try await server.client().send(WebRequest("GET", server.url))
            }
        }
    }

    @Test("nonsense is a problem")
    func nonsense() async throws {
        try await ScriptedServer.run({ _, _ in .init(text: "SSH-2.0-OpenSSH\r\n\r\n") }) { server in
            await #expect(throws: Problem("Unreachable", shown: "")) {
                try await server.client().send(WebRequest("GET", server.url))
            }
        }
    }

    @Test("a server that never answers costs the deadline and no more")
    func deadline() async throws {
        try await ScriptedServer.run({ _, _ in nil }) { server in
            await #expect(throws: Problem("Timeout", shown: "")) {
                try await server.client(deadline: .milliseconds(100)).send(WebRequest("GET", server.url))
            }
        }
    }

    @Test("a header from outside cannot begin a line of its own")
    func headerInjection() async throws {
        try await ScriptedServer.run({ _, _ in Self.ok("x") }) { server in
            await #expect(throws: Problem.self) {
                try await server.client().send(WebRequest("GET", server.url, headers: [("X", "a\r\nY: b")]))
            }
            #expect(server.heads.all.allSatisfy { !$0.text.contains("Y: b") })
        }
    }

    @Test("a certificate that nobody vouches for, or that is for another name, is a problem of trust")
    func trust() async throws {
        try await ScriptedServer.run({ _, _ in Self.ok("x") }) { server in
            let stranger = HTTPClient(reach: try ServerReach(authorityFile: nil))
            await #expect(throws: Problem("Trust", shown: "")) {
                try await stranger.send(WebRequest("GET", server.url))
            }
            await #expect(throws: Problem("Trust", shown: "")) {
                try await server.client().send(WebRequest("GET", "https://127.0.0.1:\(server.port)"))
            }
            #expect(server.heads.all.isEmpty)
        }
        try await ScriptedServer.run(name: "other.example", { _, _ in Self.ok("x") }) { server in
            await #expect(throws: Problem("Trust", shown: "")) {
                try await server.client().send(WebRequest("GET", server.url))
            }
        }
    }

    @Test("a port where nobody listens, and one where nobody speaks TLS, are told apart")
    func notTLS() async throws {
        let plain = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(PlainServer()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = plain.localAddress?.port ?? 0
        // Patient: beside all other tests a second can take half a minute.
        let client = HTTPClient(
            reach: try ServerReach(authorityFile: nil),
            patience: .seconds(300),
            deadline: .seconds(300)
        )
        await #expect(throws: Problem("NotTLS", shown: "")) {
            try await client.send(WebRequest("GET", "https://127.0.0.1:\(port)"))
        }
        try await plain.close()
        // Port 1, which nobody serves: a port that was free a moment ago may be another test's now.
        await #expect(throws: Problem("Unreachable", shown: "")) {
            try await client.send(WebRequest("GET", "https://127.0.0.1:1"))
        }
    }

    @Test("a certificate file that is missing or holds nothing is a problem")
    func authorityFile() {
        #expect(throws: Problem("Trust", shown: "")) { try ServerReach(authorityFile: "/nonexistent.pem") }
    }

    @Test("a token request sends a form and reads tokens; a refusal says the server's words without its trace")
    func tokens() async throws {
        try await ScriptedServer.run({ number, _ in
            number == 1
                ? Self.ok(#"{"access_token":"a","expires_in":3600,"refresh_token":"r","token_type":"Bearer"}"#)
                : .init(
                    text:
                        "HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n"
                        + #"{"error":"invalid_grant","error_description":"AADSTS50126: Wrong. Trace ID: 1 Correlation"}"#
                        + String(repeating: " ", count: 9)
                )
        }) { server in
            let client = TokenClient(
                http: try server.client(),
                base: server.url,
                clock: TimeSource { Instant(seconds: 100) }
            )
            let tokens = try await client.tokens(authority: "a/../b", form: [("x", "y z")])
            #expect(
                tokens.accessToken == "a" && tokens.refreshToken == "r" && tokens.expiresAt == Instant(seconds: 3700)
            )
            #expect(server.heads.all.first?.text.hasPrefix("POST /a%2F..%2Fb/oauth2/v2.0/token HTTP/1.1") == true)
            do {
                _ = try await client.tokens(authority: "organizations", form: [])
                Issue.record("the refusal was not noticed")
            } catch let problem as Problem {
                #expect(problem.code == "invalid_grant" && problem.shown == "AADSTS50126: Wrong.")
            }
        }
    }
}

/// Speaks before it is spoken to, and no TLS.
private final class PlainServer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(
            self.wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n")),
            promise: nil
        )
    }
}
