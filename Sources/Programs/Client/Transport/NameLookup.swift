import NIOCore

/// How a server's name becomes addresses.
public enum NameLookup: Sendable {
    /// By the C library, which knows everything the system is configured to use.
    case system
    /// By `/etc/hosts` and the name servers of `/etc/resolv.conf`: for a statically linked program, which must not load the C library's modules.
    case own

    /// Something to connect to.
    enum Target: Sendable {
        case address(SocketAddress)
        case name(host: String, port: Int)
    }

    func addresses(
        _ host: String,
        _ port: Int,
        on group: any EventLoopGroup,
        deadline: Duration
    ) async throws(TransportError) -> [Target] {
        if let address = try? SocketAddress(ipAddress: host, port: port) { return [.address(address)] }
        switch self {
        case .system: return [.name(host: host, port: port)]
        case .own:
            return try await OwnResolver(group: group).addresses(host, port, deadline: deadline).map { .address($0) }
        }
    }
}
