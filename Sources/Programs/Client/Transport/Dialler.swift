public import NIOCore
import NIOPosix
import NIOSSL
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
        do {
            return try await ClientBootstrap(group: self.group)
                .connectTimeout(self.patience)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let handler = try NIOSSLClientHandler(context: context, serverHostname: isLiteral ? nil : host)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }.flatMap { configure(channel) }
                }
                .connect(host: host, port: address.port).get()
        } catch {
            throw Self.explain(error, address)
        }
    }

    /// Says in plain words why a connection failed.
    static func explain(_ error: any Error, _ address: WebAddress) -> Problem {
        if let problem = error as? Problem { return problem }
        let text = "\(error)"
        if error is NIOSSLError || error is BoringSSLError || text.contains("CERTIFICATE_VERIFY_FAILED") {
            let hint = "Name the server's CA file with SALLYPORT_CA or --ca."
            return Problem(
                "Trust",
                shown: "The certificate of \(address.authority) is not trusted. \(hint)",
                logged: text
            )
        }
        return Problem(
            "Unreachable",
            shown: "\(address.authority) cannot be reached. Is the address right and the server running?",
            logged: text
        )
    }
}
