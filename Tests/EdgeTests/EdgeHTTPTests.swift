import Edge
import NIOCore
import NIOHTTP1
import Testing

@Suite struct EdgeHTTPTests {
    private static let get = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"

    @Test("answers several requests on one HTTP/1.1 connection")
    func keepAlive() async throws {
        try await EdgeWorld.run { world in
            let client = try await world.connect()
            for _ in 0..<3 {
                client.send(Self.get)
                let answer = try await client.receive(untilText: "hello")
                #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
            }
            client.send("GET /big HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            #expect(try await client.rest().utf8.count > 300_000)
        }
    }

    @Test("serves a client that does not negotiate a protocol")
    func noALPN() async throws {
        try await EdgeWorld.run { world in
            let client = try await world.connect(alpn: [])
            client.send(Self.get)
            #expect(try await client.receive(untilText: "hello").hasPrefix("HTTP/1.1 200 OK"))
        }
    }

    @Test("answers a POST with a body that asks for an upgrade which nobody takes, and closes")
    func strayUpgrade() async throws {
        try await EdgeWorld.run { world in
            let answer = try await world.exchange(
                "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    + "Content-Length: 9\r\n\r\nsome body"
            )
            #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
            #expect(answer.lowercased().contains("connection: close"))
            #expect(answer.hasSuffix("some body"))
        }
    }

    @Test("lets the router answer an upgrade that no acceptor wants, and closes")
    func nobodysUpgrade() async throws {
        try await EdgeWorld.run(acceptors: [FixedAcceptor(.notMine), FixedAcceptor(.notMine)]) { world in
            let answer = try await world.exchange(
                "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
            #expect(answer.lowercased().contains("connection: close"))
            #expect(answer.hasSuffix("hello"))
        }
    }

    @Test("closes after an HTTP/1.0 request")
    func http10() async throws {
        try await EdgeWorld.run { world in
            let answer = try await world.exchange("GET /hello HTTP/1.0\r\n\r\n")
            #expect(answer.hasSuffix("hello"))
        }
    }

    static let hostile: [(String, String)] = [
        (
            "length and encoding",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        (
            "encoding and length",
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"
        ),
        ("two lengths", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"),
        ("two equal lengths", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd"),
        ("list of lengths", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\nabcd"),
        ("signed length", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd"),
        ("negative length", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -4\r\n\r\nabcd"),
        ("huge length", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nabcd"),
        ("obscured encoding", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ("encoding behind a tab", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\u{0b}chunked\r\n\r\n0\r\n\r\n"),
        (
            "two encodings",
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"
        ),
        ("encoding list", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"),
        ("encoding in HTTP/1.0", "POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("space before the colon", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        ("folded field", "GET /hello HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n"),
        ("bare line feeds", "GET /hello HTTP/1.1\nHost: a\n\n"),
        ("bare carriage return", "GET /hello HTTP/1.1\r\nHost: a\r\nX-A: b\rc\r\n\r\n"),
        ("zero byte", "GET /hello HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n"),
        ("zero byte in the target", "GET /hello\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("no host", "GET /hello HTTP/1.1\r\n\r\n"),
        ("two hosts", "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        ("host with a path", "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        ("absolute target", "GET http://other/hello HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("tunnel request", "CONNECT internal:22 HTTP/1.1\r\nHost: internal:22\r\n\r\n"),
        ("fragment in the target", "GET /hello#x HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("unknown version", "GET /hello HTTP/1.7\r\nHost: a\r\n\r\n"),
        ("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("not HTTP", "\u{16}\u{03}\u{01}rubbish\r\n\r\n"),
    ]

    @Test("refuses requests that two readers could take differently", arguments: Self.hostile)
    func refuses(name: String, request: String) async throws {
        try await EdgeWorld.run { world in
            let answer = try await world.exchange(request + "GET /hello HTTP/1.1\r\nHost: smuggled\r\n\r\n")
            #expect(world.reached.value == 0)
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4") || answer.hasPrefix("HTTP/1.1 505"))
            #expect(answer.ranges(of: "HTTP/1.1").count <= 1)
        }
    }

    @Test("answers the requests before a bad one, and not the bad one")
    func badSecond() async throws {
        try await EdgeWorld.run { world in
            let client = try await world.connect()
            client.send(Self.get)
            _ = try await client.receive(untilText: "hello")
            client.send("GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + Self.get)
            #expect(try await client.rest().hasPrefix("HTTP/1.1 400"))
            #expect(world.reached.value == 1)
        }
    }

    /// A head that is over one limit.
    enum Oversize: CaseIterable {
        case field, count, target, total

        var request: String {
            let long = String(repeating: "a", count: 20_000)
            return switch self {
            case .field: "GET /hello HTTP/1.1\r\nHost: a\r\nX-A: \(long)\r\n\r\n"
            case .count: "GET /hello HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X-A: b\r\n", count: 101))\r\n"
            case .target: "GET /\(long.prefix(9000)) HTTP/1.1\r\nHost: a\r\n\r\n"
            case .total:
                "GET /hello HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X-A: \(long.prefix(900))\r\n", count: 50))\r\n"
            }
        }
    }

    @Test("refuses heads over the limits", arguments: Oversize.allCases)
    func limits(oversize: Oversize) async throws {
        try await EdgeWorld.run { world in
            let answer = try await world.exchange(oversize.request)
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"))
            #expect(world.reached.value == 0)
        }
    }

    @Test("closes a connection over the bound, and takes one again when there is room")
    func connectionBound() async throws {
        try await EdgeWorld.run(limits: EdgeLimits(connections: 1)) { world in
            let first = try await world.connect()
            first.send(Self.get)
            _ = try await first.receive(untilText: "hello")
            let second = try await world.connect()
            second.send(Self.get)
            #expect(try await second.rest().isEmpty)
            try await first.channel.close()
            var answer = ""
            for _ in 0..<200 where answer.isEmpty {
                let third = try await world.connect()
                third.send(Self.get)
                answer = try await third.receive(untilText: "hello")
            }
            #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
        }
    }

    @Test("shows a replaced certificate to new connections, and keeps the old ones")
    func replacedCertificate() async throws {
        try await EdgeWorld.run { world in
            let old = try await world.connect()
            old.send(Self.get)
            _ = try await old.receive(untilText: "hello")
            let before = try await old.peerSerial()
            let fresh = try TestCertificate(serial: 77)
            try world.certificate.replace(certificateChainPEM: fresh.certificatePEM, privateKeyPEM: fresh.keyPEM)
            let new = try await world.connect()
            new.send(Self.get)
            _ = try await new.receive(untilText: "hello")
            #expect(try await new.peerSerial() != before)
            old.send(Self.get)
            #expect(try await old.receive(untilText: "hello").hasPrefix("HTTP/1.1 200 OK"))
        }
    }

    @Test("refuses a key that does not belong to the certificate, and keeps what it had")
    func wrongKey() throws {
        let one = try TestCertificate()
        let other = try TestCertificate()
        #expect(throws: EdgeError.self) {
            try ServerCertificate(certificateChainPEM: one.certificatePEM, privateKeyPEM: other.keyPEM)
        }
        #expect(throws: EdgeError.certificateNotReadable) {
            try ServerCertificate(certificateChainPEM: "no", privateKeyPEM: other.keyPEM)
        }
        #expect(throws: EdgeError.privateKeyNotReadable) {
            try ServerCertificate(certificateChainPEM: one.certificatePEM, privateKeyPEM: "no")
        }
    }
}
