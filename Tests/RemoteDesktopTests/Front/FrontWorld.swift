import Crypto
import FoundationEssentials
import NIOCore
import NIOPosix
import NIOSSL
import RDPWire
import RemoteDesktop
import SwiftASN1
import Synchronization
import Tunnel
import Vocabulary
import X509

/// A client and a host on loopback with a front between them.
final class FrontWorld: Sendable {
    static let certificate = TestCertificate()

    let client = ScriptedPeer()
    let host = ScriptedPeer()
    let goodbyes = Goodbyes()
    let front: DesktopFront

    /// Sets up the plan's front, runs the body, and takes everything down.
    static func run(
        _ plan: FrontPlan,
        deadlines: FrontDeadlines = .standard,
        _ body: @Sendable (FrontWorld) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let world = try await FrontWorld(plan, deadlines, group)
        do {
            try await body(world)
        } catch {
            await world.stop()
            try await group.shutdownGracefully()
            throw error
        }
        await world.stop()
        try await group.shutdownGracefully()
    }

    private init(_ plan: FrontPlan, _ deadlines: FrontDeadlines, _ group: MultiThreadedEventLoopGroup) async throws {
        let loop = group.any()
        let made = loop.makePromise(of: DesktopFront.self)
        let (host, goodbyes) = (self.host, self.goodbyes)
        let hostListener = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.pipeline.addHandler(host)
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let hostAddress = hostListener.localAddress
        let listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { client in
                guard let hostAddress else { return client.close() }
                // Dialled while the client's channel becomes active; read when the front is there.
                ClientBootstrap(group: client.eventLoop)
                    .channelOption(.autoRead, value: false)
                    .channelOption(.allowRemoteHalfClosure, value: true)
                    .connect(to: hostAddress)
                    .whenSuccess { target in
                        let front = DesktopFront(
                            host: target,
                            plan: plan,
                            limits: TunnelLimits(linger: .milliseconds(200)),
                            deadlines: deadlines
                        )
                        made.succeed(front)
                        front.join(client).flatMap { client.setOption(.autoRead, value: true) }
                            .whenFailure { _ in client.close(promise: nil) }
                    }
                return client.pipeline.addHandler(goodbyes)
            }
            .childChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0).get()
        let clientPeer = self.client
        _ = try await ClientBootstrap(group: group)
            .channelInitializer { $0.pipeline.addHandler(clientPeer) }
            .connect(to: listener.localAddress ?? SocketAddress(ipAddress: "127.0.0.1", port: 1)).get()
        self.front = try await made.futureResult.get()
        try await listener.close().get()
        try await hostListener.close().get()
    }

    private func stop() async {
        await self.client.close()
        await self.host.close()
        self.front.end(.serverStopping)
    }
}

/// Notes the farewells that pass to the client's side.
final class Goodbyes: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = ByteBuffer

    private let list = Mutex<[TunnelGoodbye]>([])
    var reasons: [String] { self.list.withLock { $0.map(\.reason) } }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        if let goodbye = event as? TunnelGoodbye {
            self.list.withLock { $0.append(goodbye) }
        }
        promise?.succeed()
    }
}

/// A certificate of its own, as desktops have them.
struct TestCertificate: Sendable {
    let der: [UInt8]
    let context: NIOSSLContext?

    init() {
        let key = P256.Signing.PrivateKey()
        let made = try? Self.make(key)
        self.der = made ?? []
        self.context = try? NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: [.certificate(NIOSSLCertificate(bytes: self.der, format: .der))],
                privateKey: .privateKey(NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem))
            )
        )
    }

    private static func make(_ key: P256.Signing.PrivateKey) throws -> [UInt8] {
        let name = try DistinguishedName { CommonName("desk") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(1),
            publicKey: .init(key.publicKey),
            notValidBefore: Date(timeIntervalSince1970: 1_700_000_000),
            notValidAfter: Date(timeIntervalSince1970: 4_000_000_000),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions { SubjectAlternativeNames([.dnsName("desk")]) },
            issuerPrivateKey: .init(key)
        )
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }
}
