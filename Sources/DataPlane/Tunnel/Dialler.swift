public import AccessControl
public import NIOCore
import NIOPosix
public import Vocabulary

/// Why a target could not be reached.
public enum DialError: Error, Hashable, Sendable {
    /// The address may not be dialled.
    case refused(Refusal)
    /// Nobody answered before the deadline.
    case timedOut
    /// The target, or the way to it, said no.
    case unreachable(String)
}

/// Opens connections to targets, for grants only.
public struct Dialler: Sendable {
    private let policy: AddressPolicy
    private let deadline: Duration
    private let connect: Connect?

    /// Opens a connection inside a network that is not the server's own, within a time, and returns its descriptor. Throws a `Problem`.
    public typealias Connect = @Sendable (ResourcePath, Endpoint, Duration) async throws(Problem) -> Int32

    /// Makes a dialler; `deadline` is the longest wait for a connection, `connect` leads into endpoints' own networks.
    public init(policy: AddressPolicy = .standard, deadline: Duration = .seconds(10), connect: Connect? = nil) {
        self.policy = policy
        self.deadline = deadline
        self.connect = connect
    }

    /// Spends a grant on a connection; fails with a `DialError`.
    ///
    /// The channel is not read until a tunnel takes it over, so that the first words of the target are not lost.
    public func dial(_ grant: consuming Grant, on loop: any EventLoop) -> EventLoopFuture<any Channel> {
        let endpoint = grant.endpoint
        if case .refused(let refusal) = self.policy.judge(endpoint.address) {
            return loop.makeFailedFuture(DialError.refused(refusal))
        }
        guard (1...65535).contains(endpoint.port) else {
            return loop.makeFailedFuture(
                DialError.refused(Refusal("PortNotValid", reason: "\(endpoint.port) is not a TCP port."))
            )
        }
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(self.deadline))
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
        if let network = endpoint.network {
            return self.dial(endpoint, in: network, bootstrap, on: loop)
        }
        let address: SocketAddress
        do {
            address = try SocketAddress(ipAddress: endpoint.address, port: endpoint.port)
        } catch {
            return loop.makeFailedFuture(DialError.unreachable("not an address"))
        }
        return bootstrap.connect(to: address)
            .flatMapErrorThrowing { error in
                if case .connectTimeout? = error as? ChannelError {
                    throw DialError.timedOut
                }
                throw DialError.unreachable(PrintableText.of("\(error)", limit: 200))
            }
    }

    // The address means something in its network only, so without a way there nothing is dialled.
    private func dial(
        _ endpoint: Endpoint,
        in network: ResourcePath,
        _ bootstrap: ClientBootstrap,
        on loop: any EventLoop
    ) -> EventLoopFuture<any Channel> {
        guard let connect = self.connect else {
            return loop.makeFailedFuture(DialError.unreachable("nothing leads into the network"))
        }
        let deadline = self.deadline
        let descriptor = loop.makeFutureWithTask {
            do throws(Problem) {
                return try await connect(network, endpoint, deadline)
            } catch {
                if error.code == "ConnectionTimedOut" { throw DialError.timedOut }
                throw DialError.unreachable(PrintableText.of(error.shown, limit: 200))
            }
        }
        return descriptor.flatMap { bootstrap.withConnectedSocket($0) }
    }
}
