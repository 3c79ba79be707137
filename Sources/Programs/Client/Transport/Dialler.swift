public import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
public import Vocabulary

/// Makes TLS connections that trust the system's authorities, or one file's when the operator names it.
public final class Dialler: Sendable {
    private let context: NIOSSLContext
    let group: MultiThreadedEventLoopGroup
    private let patience: TimeAmount

    /// Makes a dialler.
    /// - Parameters:
    ///   - authorityFile: a PEM file with the only authorities to trust; nil for the system's.
    ///   - patience: how long connecting and the TLS handshake may take.
    public init(authorityFile: String?, patience: TimeAmount = .seconds(10)) throws(Problem) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if let authorityFile {
            configuration.trustRoots = .file(authorityFile)
        }
        do {
            self.context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw Problem(
                "Trust",
                shown: authorityFile.map { "The certificate file \($0) cannot be read." }
                    ?? "The system's certificates cannot be read.",
                logged: "\(error)"
            )
        }
        self.group = .singleton
        self.patience = patience
    }

    /// Connects and shakes hands; `configure` adds the handlers above TLS.
    public func connect(
        to address: WebAddress,
        configure: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws -> any Channel {
        let context = self.context
        let host = address.host
        let isLiteral = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        let patience = self.patience
        let secured = self.group.any().makePromise(of: Void.self)
        do {
            let channel = try await ClientBootstrap(group: self.group)
                .connectTimeout(self.patience)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let handler = try NIOSSLClientHandler(context: context, serverHostname: isLiteral ? nil : host)
                        try channel.pipeline.syncOperations.addHandlers([handler, HandshakeHandler(secured, patience)])
                    }.flatMap { configure(channel) }
                }
                .connect(host: host, port: address.port).get()
            // A handshake that fails says why; the request that would be written instead only finds a closed channel.
            try await secured.futureResult.get()
            return channel
        } catch {
            secured.fail(error)
            throw Self.explain(error, address)
        }
    }

    /// Says in plain words why a connection failed.
    static func explain(_ error: any Error, _ address: WebAddress) -> Problem {
        if let problem = error as? Problem { return problem }
        let text = "\(error)"
        if error is NIOSSLExtraError || Self.isAboutTrust(text) {
            let hint = "Name the server's CA file with SALLYPORT_CA or --ca."
            return Problem(
                "Trust",
                shown: "The certificate of \(address.authority) is not trusted. \(hint)",
                logged: text
            )
        }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
            return Problem(
                "NotTLS",
                shown: "\(address.authority) does not speak TLS. Is the port right?",
                logged: text
            )
        }
        return Problem(
            "Unreachable",
            shown: "\(address.authority) cannot be reached. Is the address right and the server running?",
            logged: text
        )
    }

    // Of the library's many TLS errors, those that mean the server is not who it should be; the others mean a broken connection.
    private static func isAboutTrust(_ text: String) -> Bool {
        ["CERTIFICATE_VERIFY_FAILED", "noCertificateToValidate", "unableToValidateCertificate"]
            .contains { text.contains($0) }
    }
}

/// Tells when the TLS handshake is done, or why it is not, and then goes away.
private final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let done: EventLoopPromise<Void>
    private let patience: TimeAmount
    private var timer: Scheduled<Void>?

    init(_ done: EventLoopPromise<Void>, _ patience: TimeAmount) {
        self.done = done
        self.patience = patience
    }

    func channelActive(context: ChannelHandlerContext) {
        let done = self.done
        let channel = context.channel
        let patience = self.patience
        self.timer = context.eventLoop.scheduleTask(in: patience) {
            done.fail(ChannelError.connectTimeout(patience))
            channel.close(promise: nil)
        }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            self.timer?.cancel()
            self.done.succeed()
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.done.fail(error)
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.timer?.cancel()
        self.done.fail(ChannelError.eof)
        context.fireChannelInactive()
    }
}
