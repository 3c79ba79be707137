import AccessControl
public import Edge
import Logging
public import NIOCore
import NIOHTTP1
import RDPWire
import RemoteDesktop
public import Sessions
public import Tunnel
import Vocabulary
import WebSocketWire

/// Takes the WebSockets of the data plane: spends the token in the path, dials, and relays.
///
/// Paths are `/webtunnelv2/{websocketToken}` and, for the Developer SKU, `/omni/webtunnel/{websocketToken}`.
public struct TunnelGate: UpgradeAcceptor {
    private let sessions: Sessions
    private let carriers: CarrierMaker
    private let desktops: DesktopSurroundings?
    private let logger: Logger

    /// Makes the gate; with `desktops`, what leads to a Remote Desktop port meets the front, which lets passwords through untouched.
    public init(
        sessions: Sessions,
        dialler: Dialler,
        limits: TunnelLimits,
        desktops: DesktopSurroundings? = nil
    ) {
        self.sessions = sessions
        self.desktops = desktops
        self.logger = Logger(label: "sallyport.tunnel")
        self.carriers = CarrierMaker(
            sessions: sessions,
            dialler: dialler,
            limits: limits,
            desktops: desktops,
            logger: self.logger
        )
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
        let refusedPort = sessions.refusedPort(token)
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
                    return eventLoop.makeSucceededFuture(
                        refusedPort == 3389
                            ? .accept(Self.refusingDesktop(refusal.sentence))
                            : .accept(Tunnel.refusing(refusal.sentence))
                    )
                case .allowed(let redeemed)?:
                    let isStrict = Self.isStrict(request)
                    let isForgetful = redeemed.session.endpoint.port == 22 && !isStrict
                    return self.dial(redeemed, isStrict, on: eventLoop).map { isForgetful ? Self.farewell($0) : $0 }
                }
            }
    }

    private func dial(
        _ redeemed: (session: Session, allowed: ConnectionJudge.Allowed),
        _ isStrict: Bool,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<UpgradeAnswer> {
        let session = redeemed.session
        let logger = self.logger
        let leadsToDesktop = self.leadsToDesktop(session)
        return self.carriers.open(
            redeemed,
            signIn: leadsToDesktop ? .password : nil,
            speaking: .webSocket,
            on: eventLoop
        )
        .map { .accept($0.join) }
        .flatMapErrorThrowing { error -> UpgradeAnswer in
            logger.info("target not reached", metadata: ["session": "\(session.id)", "error": "\(error)"])
            let reason = "\(session.target.name) does not answer on port \(session.endpoint.port). Is it running?"
            if session.endpoint.port == 22 { return .accept(Tunnel.refusing(reason)) }
            if leadsToDesktop, !isStrict { return .accept(Self.refusingDesktop(reason)) }
            return .refuse(status: .badGateway, body: #"{"message":"\#(reason)"}"#)
        }
    }

    private func leadsToDesktop(_ session: Session) -> Bool {
        guard let desktops = self.desktops else { return false }
        return session.endpoint.port == desktops.machine(session.target, session.bastion).port ?? 3389
    }

    // The Azure command line does not tell a desktop client that there is no tunnel, which then waits for ever; a failed negotiation
    // it understands. Of the protocol's reasons this one says the least that is not so.
    private static func refusingDesktop(_ reason: String) -> @Sendable (any Channel) -> EventLoopFuture<Void> {
        let failure = ConnectionConfirm.failed(NegotiationFailure.inconsistentFlags.rawValue)
        return Tunnel.refusing(reason, words: ByteBuffer(bytes: failure.bytes))
    }

    // Clients that ask for strict handling (RFC 7240) pass on the end of a tunnel themselves.
    private static func isStrict(_ request: UpgradeRequest) -> Bool {
        request.headers["prefer"].contains { $0.lowercased().contains("handling=strict") }
    }

    private static func farewell(_ answer: UpgradeAnswer) -> UpgradeAnswer {
        guard case .accept(let subprotocol, let join) = answer else { return answer }
        return .accept(subprotocol: subprotocol, Tunnel.withFarewell(join))
    }

    private static func token(in path: String) -> String? {
        for prefix in ["/webtunnelv2/", "/omni/webtunnel/"] where path.hasPrefix(prefix) {
            return String(path.dropFirst(prefix.count))
        }
        return nil
    }
}
