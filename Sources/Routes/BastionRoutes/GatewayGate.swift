public import Edge
import Logging
public import NIOCore
import NIOHTTP1
import RDPWire
public import RemoteDesktop
public import Sessions
import Synchronization
public import Tunnel
import Vocabulary
import WebSocketWire

/// The Remote Desktop gateway: takes clients at `/remoteDesktopGateway/`, over a WebSocket or a pair of connections.
///
/// Only tokens are taken: a client that offers another way to authenticate is told so before it can ask for a password.
public struct GatewayGate: GatewayAcceptor {
    private let sessions: Sessions
    private let desktops: DesktopSurroundings
    private let carriers: CarrierMaker
    private let limits: GatewayLimits
    private let idle: Duration?
    private let meeting: GatewayMeeting
    private let renewals = GatewayRenewals()
    private let logger: Logger

    /// Makes the gate.
    public init(
        sessions: Sessions,
        dialler: Dialler,
        desktops: DesktopSurroundings,
        tunnelLimits: TunnelLimits,
        limits: GatewayLimits = GatewayLimits()
    ) {
        self.sessions = sessions
        self.desktops = desktops
        self.limits = limits
        self.idle = tunnelLimits.idle
        self.meeting = GatewayMeeting(limits: limits)
        self.logger = Logger(label: "sallyport.gateway")
        self.carriers = CarrierMaker(
            sessions: sessions,
            dialler: dialler,
            limits: tunnelLimits,
            desktops: desktops,
            logger: self.logger
        )
    }

    public func answer(_ request: UpgradeRequest, on eventLoop: any EventLoop) -> EventLoopFuture<UpgradeAnswer> {
        guard
            request.path.lowercased() == "/remotedesktopgateway/"
                || request.path.lowercased() == "/remotedesktopgateway"
        else { return eventLoop.makeSucceededFuture(.notMine) }
        return eventLoop.makeSucceededFuture(self.answer(request))
    }

    private func answer(_ request: UpgradeRequest) -> UpgradeAnswer {
        // A page of another site has no business here, and this one's pages neither.
        guard request.method != "GET", !request.headers.contains(name: "origin") else {
            return .refuse(status: .methodNotAllowed, body: "This is a Remote Desktop gateway.")
        }
        guard request.headers["rdg-auth-scheme"].map({ $0.lowercased() }) == ["paa"] else {
            return .refuse(
                status: .unauthorized,
                body: "This gateway takes no password and no certificate, only the token in a new connection file: "
                    + "download one, or run 'sally network bastion rdp'."
            )
        }
        guard let source = request.remoteAddress?.ipAddress,
            let connection = GatewayMeeting.connection(in: request.headers)
        else { return .refuse(status: .badRequest, body: "RDG-Connection-Id is missing.") }
        if request.method == "RDG_IN_DATA" {
            return self.answerIn(connection, from: source)
        }
        guard let leave = self.meeting.enter(from: source) else {
            return .refuse(status: .serviceUnavailable, body: "Too many clients are at the gateway. Try again.")
        }
        let desk = self.desk(for: source)
        let limits = self.limits
        let meeting = self.meeting
        if request.asksForWebSocket {
            return .accept { channel in
                Self.install(in: channel, leave) {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(WebSocketByteHandler(role: .server))
                    try pipeline.addHandler(GatewayHandler(desk: desk, limits: limits, admitted: leave))
                }
            }
        }
        return .takeOver { channel in
            Self.install(in: channel, leave) {
                let handler = GatewayHandler(desk: desk, limits: limits, hasInlet: true, admitted: leave)
                if try !meeting.openOut(channel, connection: connection, from: source, handler: handler) {
                    channel.close(promise: nil)
                }
            }
        }
    }

    private func answerIn(_ connection: String, from source: String) -> UpgradeAnswer {
        guard let claim = self.meeting.claim(connection: connection, from: source) else {
            self.logger.notice("a way in without its way out", metadata: ["source": "\(source)"])
            return .refuse(status: .notFound, body: "No such connection waits for its way in.")
        }
        let limits = self.limits
        return .takeOver { channel in
            channel.eventLoop.makeCompletedFuture { try claim.openIn(channel, limits: limits) }
        }
    }

    private static func install(
        in channel: any Channel,
        _ leave: @escaping @Sendable () -> Void,
        _ body: () throws -> Void
    ) -> EventLoopFuture<Void> {
        channel.closeFuture.whenComplete { _ in leave() }
        return channel.eventLoop.makeCompletedFuture {
            if channel.isActive { try body() }
        }
    }

    // MARK: Deciding

    private func desk(for source: String) -> GatewayDesk {
        let sessions = self.sessions
        let renewals = self.renewals
        let meeting = self.meeting
        return GatewayDesk { token, context in
            let cookie = token.withValue { $0 }
            guard let context else {
                switch try await sessions.openGateway(token: cookie, from: source) {
                case .refused(let refusal):
                    if refusal.code == "GatewayTokenNotKnown" { meeting.noteGuess(from: source) }
                    return .no(Self.code(of: refusal), because: refusal.sentence)
                case .allowed(let opening): return .yes(self.tunnel(opening))
                }
            }
            guard let known = renewals.known(context) else { return .no(.tokenRefused) }
            switch try await sessions.renewGateway(token: cookie, session: known.session, from: source) {
            case .refused(let refusal): return .no(Self.code(of: refusal))
            case .allowed(let opening): return .yes(self.tunnel(opening, renew: known.renewed))
            }
        }
    }

    private func tunnel(_ opening: GatewayOpening, renew: @escaping @Sendable () -> Void = {}) -> GatewayTunnel {
        let sessions = self.sessions
        let renewals = self.renewals
        let carriers = self.carriers
        let logger = self.logger
        let minutes = (self.idle?.components.seconds ?? 0) / 60
        let terms = GatewayTerms(
            consent: self.desktops.consent,
            message: self.desktops.message,
            channels: self.desktops.channels(opening.session.bastion),
            idleMinutes: UInt32(clamping: minutes)
        )
        return GatewayTunnel(
            terms: terms,
            connect: { names, port, eventLoop in
                eventLoop.makeFutureWithTask { try await sessions.aimGateway(opening, names: names, port: port) }
                    .flatMap { verdict in
                        switch verdict {
                        case .refused(let refusal):
                            let code = Self.code(of: refusal)
                            return eventLoop.makeSucceededFuture(
                                .no(code == .personDenied ? .targetDenied : code, because: refusal.sentence)
                            )
                        case .allowed(let redeemed):
                            return carriers.open(
                                redeemed,
                                signIn: opening.signIn,
                                speaking: .announced,
                                on: eventLoop
                            )
                            .map { .yes(GatewayRelay(join: $0.join)) }
                            .flatMapErrorThrowing { error in
                                let reason = Self.silence(at: port)
                                sessions.noteRefusal(
                                    opening.session.id,
                                    Refusal("GatewayTargetFailed", reason: reason)
                                )
                                sessions.abandon(opening.session.id)
                                logger.info(
                                    "desktop not reached",
                                    metadata: ["session": "\(opening.session.id)", "error": "\(error)"]
                                )
                                guard error is DialError else {
                                    return .no(
                                        .internalError,
                                        because: "The server could not prepare the desktop. Try again."
                                    )
                                }
                                return .no(.targetUnreachable, because: reason)
                            }
                        }
                    }
            },
            awaitRenewal: { renewals.wait($0, for: opening.session.id, renewed: $1) },
            renew: renew
        )
    }

    private static func silence(at port: Int) -> String {
        "Nothing answers at port \(port) of the machine. See that it runs, and its Remote Desktop service (on Linux xrdp); a "
            + "service at another port is named with '--resource-port'."
    }

    private static func code(of refusal: Refusal) -> GatewayCode {
        switch refusal.code {
        case "GatewayTargetOther", "GatewayPortOther": .targetDenied
        case "GatewayTargetFailed": .targetUnreachable
        case "TooManySessions", "TooManyConnections": .tooMany
        case "SessionEnded": .tokenRefused
        case let code where code.hasPrefix("GatewayToken"): .tokenRefused
        default: .personDenied
        }
    }
}

/// The sessions whose clients are to prove themselves again, by the number that only they were told.
private final class GatewayRenewals: Sendable {
    typealias Waiting = (session: GUID, renewed: @Sendable () -> Void)

    private let waiting = Mutex<[UInt64: Waiting]>([:])

    func wait(
        _ context: UInt64,
        for session: GUID,
        renewed: @escaping @Sendable () -> Void
    ) -> @Sendable () -> Void {
        self.waiting.withLock { $0[context] = (session, renewed) }
        return { [weak self] in self?.waiting.withLock { _ = $0.removeValue(forKey: context) } }
    }

    func known(_ context: UInt64) -> Waiting? { self.waiting.withLock { $0[context] } }
}
