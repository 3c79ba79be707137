public import NIOCore
public import RDPWire
public import Vocabulary

/// Yes with what follows, or no with the code that the client shows.
public enum GatewayAnswer<Value: Sendable>: Sendable {
    /// Yes.
    case yes(Value)
    /// No; the sentence is for the person, where the client can show one.
    case no(GatewayCode, because: String? = nil)
}

/// Who decides for a gateway connection; made for one client address.
public struct GatewayDesk: Sendable {
    let admit: @Sendable (_ token: Secret<String>, _ context: UInt64?) async throws -> GatewayAnswer<GatewayTunnel>

    /// Makes a desk from its one question: what a token opens. With a context, it renews the session that was given it.
    public init(
        admit: @escaping @Sendable (Secret<String>, UInt64?) async throws -> GatewayAnswer<GatewayTunnel>
    ) {
        self.admit = admit
    }
}

/// What an accepted token opens.
public struct GatewayTunnel: Sendable {
    /// Dials the target if the names and the port are it; the answer carries the bytes.
    public typealias Connect =
        @Sendable (_ names: [String], _ port: Int, any EventLoop) -> EventLoopFuture<GatewayAnswer<GatewayRelay>>
    /// Waits until the client has proved itself again with this context, or for ever when it does not; the answer ends the wait.
    public typealias AwaitRenewal =
        @Sendable (_ context: UInt64, _ renewed: @escaping @Sendable () -> Void) -> @Sendable () -> Void

    let terms: GatewayTerms
    let connect: Connect
    let awaitRenewal: AwaitRenewal
    let renew: @Sendable () -> Void

    /// Makes a tunnel.
    /// - Parameter renew: called when this tunnel has renewed another one's session.
    public init(
        terms: GatewayTerms,
        connect: @escaping Connect,
        awaitRenewal: @escaping AwaitRenewal,
        renew: @escaping @Sendable () -> Void = {}
    ) {
        self.terms = terms
        self.connect = connect
        self.awaitRenewal = awaitRenewal
        self.renew = renew
    }
}

/// What carries the desktop's bytes between the client and its host.
public struct GatewayRelay: Sendable {
    let join: @Sendable (any Channel) -> EventLoopFuture<Void>

    /// Makes a relay of what connects the client; it is called exactly once, also when the client is gone.
    public init(join: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>) {
        self.join = join
    }
}
