import Client
import Crypto
import FoundationEssentials
import NIOCore
import NIOPosix
import NIOSSL
import SwiftASN1
import Synchronization
import Testing
import Vocabulary
import X509

/// A TLS server on loopback that answers each request head with scripted bytes.
final class ScriptedServer: Sendable {
    /// What happens when a request's head is complete.
    struct Answer: Sendable {
        var text: String
        var closes = false
        /// Bytes that follow at once and are not text.
        var tail: [UInt8] = []
    }

    let port: Int
    let authorityFile: String
    /// The request heads that came, each with the number of its connection.
    let heads: Heads
    private let channel: any Channel

    final class Heads: Sendable {
        private let list = Mutex<[(connection: Int, text: String)]>([])
        var all: [(connection: Int, text: String)] { self.list.withLock { $0 } }
        func append(_ connection: Int, _ text: String) { self.list.withLock { $0.append((connection, text)) } }
    }

    /// Starts a server, runs the body, and stops it. The script gets the number of the request and its head.
    static func run(
        name: String = "localhost",
        _ script: @escaping @Sendable (_ number: Int, _ head: String) -> Answer?,
        _ body: (ScriptedServer) async throws -> Void
    ) async throws {
        let server = try await ScriptedServer(name: name, script)
        do {
            try await body(server)
        } catch {
            try? await server.stop()
            throw error
        }
        try await server.stop()
    }

    private init(name: String, _ script: @escaping @Sendable (Int, String) -> Answer?) async throws {
        let key = P256.Signing.PrivateKey()
        let subject = try DistinguishedName { CommonName(name) }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(1),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: Date(timeIntervalSince1970: 1_700_000_000),
            notValidAfter: Date(timeIntervalSince1970: 4_000_000_000),
            issuer: subject,
            subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions { SubjectAlternativeNames([.dnsName(name)]) },
            issuerPrivateKey: Certificate.PrivateKey(key)
        )
        let pem = try certificate.serializeAsPEM().pemString
        self.authorityFile =
            FileManager.default.temporaryDirectory.path + "/sally-ca-" + GUID(from: .system).description + ".pem"
        try Data(pem.utf8).write(to: URL(filePath: self.authorityFile))
        let context = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: [.certificate(try NIOSSLCertificate(bytes: Array(pem.utf8), format: .pem))],
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem))
            )
        )
        let heads = Heads()
        let connections = Mutex(0)
        let counter = Counter(connections)
        self.heads = heads
        self.channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        NIOSSLServerHandler(context: context),
                        ScriptHandler(connection: counter.next(), heads: heads, script: script),
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.port = self.channel.localAddress?.port ?? 0
    }

    final class Counter: Sendable {
        private let count: Mutex<Int>
        init(_ count: consuming sending Mutex<Int>) { self.count = count }
        func next() -> Int {
            self.count.withLock { count in
                count += 1
                return count
            }
        }
    }

    private func stop() async throws {
        try await self.channel.close()
        try FileManager.default.removeItem(atPath: self.authorityFile)
    }

    var url: String { "https://localhost:\(self.port)" }

    func client(deadline: Duration = .seconds(10)) throws -> HTTPClient {
        HTTPClient(reach: try ServerReach(authorityFile: self.authorityFile), deadline: deadline)
    }
}

private final class ScriptHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let connection: Int
    private let heads: ScriptedServer.Heads
    private let script: @Sendable (Int, String) -> ScriptedServer.Answer?
    private var text = ""

    init(
        connection: Int,
        heads: ScriptedServer.Heads,
        script: @escaping @Sendable (Int, String) -> ScriptedServer.Answer?
    ) {
        self.connection = connection
        self.heads = heads
        self.script = script
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.text += String(buffer: self.unwrapInboundIn(data))
        while let end = self.text.firstRange(of: "\r\n\r\n") {
            let head = String(self.text[..<end.lowerBound])
            self.text = String(self.text[end.upperBound...])
            // Bodies are small and come with their heads.
            let length = head.firstRange(of: "Content-Length: ").flatMap { range in
                Int(head[range.upperBound...].prefix { $0.isNumber })
            }
            self.text = String(self.text.dropFirst(length ?? 0))
            self.heads.append(self.connection, head)
            guard let answer = self.script(self.heads.all.count, head) else { continue }
            var buffer = ByteBuffer(string: answer.text)
            buffer.writeBytes(answer.tail)
            let channel = context.channel
            let closes = answer.closes
            context.writeAndFlush(self.wrapOutboundOut(buffer)).whenComplete { _ in
                if closes { channel.close(promise: nil) }
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
