import Logging
import NIOCore
import RemoteDesktop
import Sessions
import Tunnel
import Vocabulary
import WebSocketWire

/// What carries a session's bytes: a tunnel that leaves them as they are, or the front that signs in to a desktop.
struct Carrier: Sendable {
    let join: @Sendable (any Channel) -> EventLoopFuture<Void>
    let end: @Sendable (TunnelEnd) -> Void
    let ended: EventLoopFuture<TunnelSummary>

    init(_ tunnel: Tunnel, speaking clientProtocol: Tunnel.ClientProtocol) {
        self.join = { tunnel.join($0, speaking: clientProtocol) }
        self.end = { tunnel.end($0) }
        self.ended = tunnel.ended
    }

    init(_ front: DesktopFront, speaking clientProtocol: Tunnel.ClientProtocol, limits: TunnelLimits) {
        self.join = { client in
            guard clientProtocol == .webSocket, client.isActive else { return front.join(client) }
            let handler = WebSocketByteHandler(role: .server, keepAlive: limits.keepAlive.map { TimeAmount($0) })
            return client.eventLoop.makeCompletedFuture {
                try client.pipeline.syncOperations.addHandler(handler)
            }.flatMap { front.join(client) }
        }
        self.end = { front.end($0) }
        self.ended = front.ended
    }
}

/// Dials for sessions and watches what carries them.
struct CarrierMaker: Sendable {
    let sessions: Sessions
    let dialler: Dialler
    let limits: TunnelLimits
    let desktops: DesktopSurroundings?
    let logger: Logger

    /// Dials the session's target; fails with a `DialError`, or when the front cannot be prepared.
    ///
    /// - Parameter signIn: how the person signs in to the desktop; nil for bytes that are none of its business.
    func open(
        _ redeemed: (session: Session, allowed: ConnectionJudge.Allowed),
        signIn: GatewaySignIn?,
        speaking clientProtocol: Tunnel.ClientProtocol,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<Carrier> {
        let session = redeemed.session
        guard let signIn, let makePlan = self.desktops?.plan else {
            return self.dialler.dial(self.sessions.grant(redeemed), on: eventLoop).map { target in
                let tunnel = Tunnel(target: target, limits: self.limits)
                return self.watched(Carrier(tunnel, speaking: clientProtocol), session, on: eventLoop)
            }
        }
        return eventLoop.makeFutureWithTask { try await makePlan(session, signIn) }.flatMap { plan in
            self.dialler.dial(self.sessions.grant(redeemed), on: eventLoop).map { host in
                let front = DesktopFront(host: host, plan: plan, limits: self.limits)
                let carrier = Carrier(front, speaking: clientProtocol, limits: self.limits)
                return self.watched(carrier, session, on: eventLoop)
            }
        }
    }

    private func watched(_ carrier: Carrier, _ session: Session, on eventLoop: any EventLoop) -> Carrier {
        let sessions = self.sessions
        let logger = self.logger
        let socket = sessions.attach(session.id) { reason in
            carrier.end(.ordered(.policyViolation, reason: reason))
        }
        guard let socket else {
            carrier.end(.ordered(.policyViolation, reason: "The session has ended."))
            return carrier
        }
        carrier.ended.whenSuccess { summary in
            if session.way == .gateway, case .ordered(let code, let reason) = summary.end {
                let kind = code == .badGateway ? "GatewayTargetFailed" : "GatewaySessionRefused"
                sessions.noteRefusal(session.id, Refusal(kind, reason: reason))
            }
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
        return carrier
    }
}
