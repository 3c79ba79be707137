import Crypto
import Edge
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import SwiftASN1
import Synchronization
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A self-signed certificate for `localhost` and its key.
struct TestCertificate {
    let certificatePEM: String
    let keyPEM: String

    init(serial: Int = 1) throws {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("localhost") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(serial),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: Date(timeIntervalSince1970: 1_700_000_000),
            notValidAfter: Date(timeIntervalSince1970: 4_000_000_000),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions { SubjectAlternativeNames([.dnsName("localhost")]) },
            issuerPrivateKey: Certificate.PrivateKey(key)
        )
        self.certificatePEM = try certificate.serializeAsPEM().pemString
        self.keyPEM = key.pemRepresentation
    }

    func serverCertificate() throws -> ServerCertificate {
        try ServerCertificate(certificateChainPEM: self.certificatePEM, privateKeyPEM: self.keyPEM)
    }
}

/// A running server with a few routes.
struct EdgeWorld: Sendable {
    let port: Int
    let services: ServiceGroup
    let certificate: ServerCertificate
    /// Requests that reached the router.
    let reached: Counter

    /// Starts a server, runs the body, and stops the server.
    static func run(
        acceptors: [any UpgradeAcceptor] = [],
        limits: EdgeLimits = EdgeLimits(),
        _ body: @Sendable (EdgeWorld) async throws -> Void
    ) async throws {
        let certificate = try TestCertificate().serverCertificate()
        let reached = Counter()
        let router = Router()
        router.get("hello") { _, _ in
            reached.increment()
            return "hello"
        }
        router.post("echo") { request, _ in
            reached.increment()
            return Response(status: .ok, body: ResponseBody(byteBuffer: try await request.body.collect(upTo: 100_000)))
        }
        router.get("big") { _, _ in
            Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(repeating: 0x62, count: 300_000)))
        }
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "edge-tests")
        logger.logLevel = .critical
        let app = Application(
            router: router,
            server: .sallyportEdge(certificate: certificate, acceptors: acceptors, limits: limits),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { continuation.yield($0.localAddress?.port ?? 0) },
            eventLoopGroupProvider: .singleton,
            logger: logger
        )
        let services = ServiceGroup(configuration: .init(services: [app], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            for await port in ports {
                try await body(
                    EdgeWorld(port: port, services: services, certificate: certificate, reached: reached)
                )
                break
            }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
    }

    /// Opens a TLS connection that speaks HTTP/1.1.
    func connect(alpn: [String] = ["http/1.1"]) async throws -> RawClient {
        try await RawClient.connect(port: self.port, alpn: alpn)
    }

    /// Sends one text over a connection of its own and returns everything up to its end.
    func exchange(_ text: String) async throws -> String {
        let client = try await self.connect()
        client.send(text)
        return try await client.rest()
    }
}

/// A number that several threads count up.
final class Counter: Sendable {
    private let number = Atomic<Int>(0)

    func increment() {
        self.number.wrappingAdd(1, ordering: .relaxed)
    }

    var value: Int { self.number.load(ordering: .relaxed) }
}

/// A TLS connection on which a test writes and reads bytes itself.
final class RawClient: Sendable {
    let channel: any Channel
    private let incoming: AsyncStream<ByteBuffer>
    private let collected = Mutex(ByteBuffer())

    private init(_ channel: any Channel, _ incoming: AsyncStream<ByteBuffer>) {
        self.channel = channel
        self.incoming = incoming
    }

    static func connect(port: Int, alpn: [String]) async throws -> RawClient {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = alpn
        let context = try NIOSSLContext(configuration: configuration)
        let (stream, continuation) = AsyncStream<ByteBuffer>.makeStream()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: "localhost")
                    try channel.pipeline.syncOperations.addHandlers(tls, Feeder(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawClient(channel, stream)
    }

    func send(_ text: String) {
        self.send(ByteBuffer(string: text))
    }

    func send(_ bytes: ByteBuffer) {
        self.channel.writeAndFlush(bytes, promise: nil)
    }

    /// Takes from what arrives, once `isEnough` says so of everything not yet taken, or at the end.
    @discardableResult
    func receive(until isEnough: (ByteBuffer) -> Bool) async throws -> ByteBuffer {
        var all = self.collected.withLock { $0 }
        while !isEnough(all) {
            var iterator = self.incoming.makeAsyncIterator()
            guard let next = await iterator.next() else { break }
            all.writeImmutableBuffer(next)
        }
        self.collected.withLock { $0 = ByteBuffer() }
        return all
    }

    func receive(untilText text: String) async throws -> String {
        String(buffer: try await self.receive { String(buffer: $0).contains(text) })
    }

    /// Everything up to the end of the connection.
    func rest() async throws -> String {
        String(buffer: try await self.receive { _ in false })
    }
}

private final class Feeder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let continuation: AsyncStream<ByteBuffer>.Continuation

    init(_ continuation: AsyncStream<ByteBuffer>.Continuation) {
        self.continuation = continuation
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.continuation.yield(self.unwrapInboundIn(data))
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.continuation.finish()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
