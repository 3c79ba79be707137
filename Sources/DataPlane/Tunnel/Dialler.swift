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

    /// Makes a dialler; `deadline` is the longest wait for a connection.
    public init(policy: AddressPolicy = .standard, deadline: Duration = .seconds(10)) {
        self.policy = policy
        self.deadline = deadline
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
        let address: SocketAddress
        do {
            address = try SocketAddress(ipAddress: endpoint.address, port: endpoint.port)
        } catch {
            return loop.makeFailedFuture(DialError.unreachable("not an address"))
        }
        return ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(self.deadline))
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .connect(to: address)
            .flatMapErrorThrowing { error in
                if case .connectTimeout? = error as? ChannelError {
                    throw DialError.timedOut
                }
                throw DialError.unreachable(PrintableText.of("\(error)", limit: 200))
            }
    }
}
