public import NIOCore
import NIOPosix
public import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// How a program reaches servers: whom it trusts, how it finds addresses, and through which proxy it goes.
public struct ServerReach: Sendable {
    private let trust: ServerTrust?
    private let names: NameLookup
    private let proxy: String?
    private let group: any EventLoopGroup

    /// Describes the way out.
    /// - Parameters:
    ///   - trust: whose certificates count; nil when no server is reached over TLS.
    ///   - proxy: `http://[user:password@]host:port`; nil for the one that the environment names, if any.
    public init(
        trust: ServerTrust?,
        names: NameLookup = .system,
        proxy: String? = nil,
        group: any EventLoopGroup
    ) {
        self.trust = trust
        self.names = names
        self.proxy = proxy
        self.group = group
    }

    /// The way out of a program that a person runs: over TLS, trusting the system's authorities, or one file's when
    /// the person names it. Throws a `Problem` when they cannot be read.
    public init(authorityFile: String?) throws(Problem) {
        do {
            self.init(trust: try ServerTrust(authorities: authorityFile), group: .singletonMultiThreadedEventLoopGroup)
        } catch {
            throw Problem(
                "Trust",
                shown: authorityFile.map { "The file \($0) cannot be read, or holds no certificate in PEM." }
                    ?? "The system's certificates cannot be read.",
                logged: "\(error)"
            )
        }
    }

    /// A dialler for one server. Throws `badAddress` when the proxy's address makes no sense.
    public func dialler(to address: ServerAddress) throws(TransportError) -> Dialler {
        let proxy =
            if let proxy = self.proxy {
                try HTTPProxy(proxy)
            } else {
                try HTTPProxy.named(by: { getenv($0).map { String(cString: $0) } }, for: address)
            }
        return Dialler(address, trust: self.trust, group: self.group, names: self.names, proxy: proxy)
    }
}
