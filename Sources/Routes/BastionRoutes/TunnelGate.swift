import AccessControl
public import Edge
import Logging
public import NIOCore
import NIOHTTP1
public import Sessions
public import Tunnel
import Vocabulary
import WebSocketWire

/// Takes the WebSockets of the data plane: spends the token in the path, dials, and relays.
///
/// Paths are `/webtunnelv2/{websocketToken}` and, for the Developer SKU, `/omni/webtunnel/{websocketToken}`.
public struct TunnelGate: UpgradeAcceptor {
    private let sessions: Sessions
    private let dialler: Dialler
    private let limits: TunnelLimits
    private let logger: Logger

    /// Makes the gate.
    public init(sessions: Sessions, dialler: Dialler, limits: TunnelLimits) {
        self.sessions = sessions
        self.dialler = dialler
        self.limits = limits
        self.logger = Logger(label: "sallyport.tunnel")
    }

    public func answer(_ request: UpgradeRequest, on eventLoop: any EventLoop) -> EventLoopFuture<UpgradeAnswer> {
        guard let token = Self.token(in: request.path) else {
            return eventLoop.makeSucceededFuture(.notMine)
        }
        // Programs send no origin, or the data plane's own; a browser always sends its page's. RFC 6455 section 10.2.
        guard !request.headers.contains(name: "origin") || request.isFromOwnOrigin() else {
            return eventLoop.makeSucceededFuture(
                .refuse(status: .forbidden, body: #"{"message":"A page of another site may not open tunnels."}"#)
            )
        }
        let sessions = self.sessions
        return eventLoop.makeFutureWithTask { try await sessions.redeem(token) }
            .flatMap { verdict in
                switch verdict {
                case nil:
                    return eventLoop.makeSucceededFuture(
                        .refuse(
                            status: .notFound,
                            body: #"{"message":"The tunnel's token is unknown, was used, or is too old."}"#
                        )
                    )
                case .refused(let refusal)?:
                    return eventLoop.makeSucceededFuture(.accept(Tunnel.refusing(refusal.sentence)))
                case .allowed(let redeemed)?:
                    return self.dial(redeemed, on: eventLoop)
                }
            }
    }

    private func dial(
        _ redeemed: (session: Session, allowed: ConnectionJudge.Allowed),
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<UpgradeAnswer> {
        let session = redeemed.session
        let sessions = self.sessions
        let limits = self.limits
        let logger = self.logger
        return self.dialler.dial(sessions.grant(redeemed), on: eventLoop)
            .map { target -> UpgradeAnswer in
                let tunnel = Tunnel(target: target, limits: limits)
                let socket = sessions.attach(session.id) { reason in
                    tunnel.end(.ordered(.policyViolation, reason: reason))
                }
                guard let socket else {
                    tunnel.end(.ordered(.policyViolation, reason: "The session has ended."))
                    return .accept { tunnel.join($0) }
                }
                tunnel.ended.whenSuccess { summary in
                    // The only work after a tunnel's end; bounded by the store's own deadline.
                    eventLoop.makeFutureWithTask {
                        try await sessions.detach(
                            session.id,
                            socket: socket,
                            sent: summary.traffic.fromClient,
                            received: summary.traffic.toClient,
                            reason: "\(summary.end)"
                        )
                    }.whenFailure { error in
                        logger.error("cannot record the end of a tunnel", metadata: ["error": "\(error)"])
                    }
                }
                return .accept { tunnel.join($0) }
            }
            .flatMapErrorThrowing { error -> UpgradeAnswer in
                logger.info("target not reached", metadata: ["session": "\(session.id)", "error": "\(error)"])
                let reason = "\(session.target.name) does not answer on port \(session.endpoint.port). Is it running?"
                return session.endpoint.port == 22
                    ? .accept(Tunnel.refusing(reason))
                    : .refuse(status: .badGateway, body: #"{"message":"\#(reason)"}"#)
            }
    }

    private static func token(in path: String) -> String? {
        for prefix in ["/webtunnelv2/", "/omni/webtunnel/"] where path.hasPrefix(prefix) {
            return String(path.dropFirst(prefix.count))
        }
        return nil
    }
}
