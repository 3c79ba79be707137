public import NIOCore
import NIOPosix
import NIOSSL
import Vocabulary

/// Opens connections to one server: TCP, and TLS where the address says so.
public struct Dialer: Sendable {
    /// Where the server is.
    public let address: ServerAddress
    private let trust: ServerTrust?
    private let group: any EventLoopGroup
    private let names: NameLookup
    private let proxy: HTTPProxy?

    /// Makes a dialer. `trust` is needed for a secure address only; `names` turns the host's name into addresses; a `proxy` is asked to connect
    /// instead of connecting directly.
    public init(
        _ address: ServerAddress,
        trust: ServerTrust?,
        group: any EventLoopGroup,
        names: NameLookup = .system,
        proxy: HTTPProxy? = nil
    ) {
        self.address = address
        self.trust = trust
        self.group = group
        self.names = names
        self.proxy = proxy
    }

    /// Opens a connection; `prepare` adds the handlers above TLS.
    public func dial(
        deadline: Duration,
        prepare: @escaping @Sendable (any Channel) throws -> Void
    ) async throws(TransportError) -> any Channel {
        let address = self.address
        let trust = self.trust
        guard !address.isSecure || trust != nil else { throw .badAuthorities("none given for \(address)") }
        let proxy = self.proxy
        let next = proxy?.address ?? address
        let targets = try await self.names.addresses(next.host, next.port, on: self.group, deadline: deadline)
        let bootstrap = ClientBootstrap(group: self.group)
            .connectTimeout(.milliseconds(max(1, deadline.milliseconds)))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let proxy {
                        try channel.pipeline.syncOperations.addHandler(
                            ProxyHandler(proxy, target: address, deadline: .milliseconds(deadline.milliseconds))
                        )
                    }
                    if address.isSecure, let trust {
                        let handler = try NIOSSLClientHandler(
                            context: trust.context,
                            serverHostname: Self.isIPAddress(address.host) ? nil : address.host
                        )
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    try prepare(channel)
                }
            }
        var failure: any Error = TransportError.unknownHost(next.host)
        for target in targets {
            do {
                switch target {
                case .address(let socket): return try await bootstrap.connect(to: socket).get()
                case .name(let host, let port): return try await bootstrap.connect(host: host, port: port).get()
                }
            } catch {
                failure = error
            }
        }
        throw .from(failure)
    }

    /// A promise that any thread may keep.
    func makePromise() -> EventLoopPromise<Void> {
        self.group.next().makePromise()
    }

    static func isIPAddress(_ host: String) -> Bool {
        (try? SocketAddress(ipAddress: host, port: 0)) != nil
    }
}

extension TransportError {
    /// Puts what a channel reports into our words.
    static func from(_ error: any Error) -> TransportError {
        switch error {
        case let error as TransportError: error
        case let error as NIOSSLError where "\(error)".contains("CERTIFICATE_VERIFY_FAILED"):
            .untrusted("no authority that we trust has signed it for this name")
        case let error as NIOSSLError: .untrusted("\(error)")
        case let error as NIOSSLExtraError: .untrusted("\(error)")
        case let error as BoringSSLError: .untrusted("\(error)")
        case is ChannelError where (error as? ChannelError) == .ioOnClosedChannel: .closed
        case ChannelError.connectTimeout: .tooLate
        default: .unreachable("\(error)")
        }
    }
}
