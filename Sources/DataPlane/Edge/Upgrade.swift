public import NIOCore
public import NIOHTTP1

/// A request to leave HTTP, for WebSocket or for a Remote Desktop gateway, the first one of its connection.
public struct UpgradeRequest: Sendable {
    /// The request as it came.
    public let head: HTTPRequestHead
    /// The method as the client wrote it: `GET`, or `RDG_OUT_DATA` or `RDG_IN_DATA` of a Remote Desktop client, whose `head` says GET.
    public let method: String
    /// The address of the socket's other end; nothing that the client says about itself.
    public let remoteAddress: SocketAddress?
    /// Whether it asks for a WebSocket; always, but with a gateway's methods. Without, `accept` is no answer.
    public let asksForWebSocket: Bool

    /// Makes a request.
    public init(
        head: HTTPRequestHead,
        method: String = "GET",
        remoteAddress: SocketAddress?,
        asksForWebSocket: Bool = true
    ) {
        self.head = head
        self.method = method
        self.remoteAddress = remoteAddress
        self.asksForWebSocket = asksForWebSocket
    }

    /// The target up to the question mark, as it was sent: not percent-decoded.
    public var path: String {
        String(self.head.uri.prefix { $0 != "?" })
    }

    /// The target after the question mark, as it was sent; empty without one.
    public var query: String {
        guard let mark = self.head.uri.firstIndex(of: "?") else { return "" }
        return String(self.head.uri[self.head.uri.index(after: mark)...])
    }

    /// The header fields.
    public var headers: HTTPHeaders { self.head.headers }

    /// The subprotocols that the client offers, in its order.
    public var subprotocols: [String] {
        self.headers[canonicalForm: "sec-websocket-protocol"].map { String($0) }
    }

    /// Whether a page of this very server asks, or of one of the named origins; a route that trusts cookies must demand
    /// it.
    ///
    /// Browsers send a WebSocket's cookies to any site that asks and leave the judgement to the server. Source: RFC
    /// 6455 section 10.2.
    public func isFromOwnOrigin(or origins: Set<String> = []) -> Bool {
        let given = self.headers["origin"]
        guard given.count == 1, let origin = given.first?.lowercased() else { return false }
        if origins.contains(origin) {
            return true
        }
        guard let host = self.headers.first(name: "host")?.lowercased() else { return false }
        let bare = host.hasSuffix(":443") ? String(host.dropLast(4)) : host
        return origin == "https://\(host)" || origin == "https://\(bare)"
    }
}

/// What becomes of a request to upgrade.
public enum UpgradeAnswer: Sendable {
    /// Another acceptor's, or the router's.
    case notMine
    /// No, with a plain text for the client.
    case refuse(status: HTTPResponseStatus, body: String)
    /// Yes: the closure adds the handlers once the 101 is written and the HTTP handlers are gone.
    ///
    /// It is called exactly once, even when the client has gone in the meantime: whatever was dialled before is
    /// released there. `subprotocol` must be one of those that the client offered.
    case accept(subprotocol: String? = nil, @Sendable (any Channel) -> EventLoopFuture<Void>)
    /// Yes, without WebSocket: the closure gets the bare connection, after the request, and writes the answer itself.
    ///
    /// It is called exactly once, as with `accept`.
    case takeOver(@Sendable (any Channel) -> EventLoopFuture<Void>)
}

/// Somebody who takes connections over from HTTP.
public protocol UpgradeAcceptor: Sendable {
    /// Answers a request; dials the target before it accepts, so that an unreachable one is an HTTP error.
    ///
    /// Called and answered on `eventLoop`, which is the connection's own: dial on it. A failed future is answered with
    /// 502.
    func answer(_ request: UpgradeRequest, on eventLoop: any EventLoop) -> EventLoopFuture<UpgradeAnswer>
}

/// An acceptor that takes a Remote Desktop gateway's requests without WebSocket too; nobody else is asked about those.
public protocol GatewayAcceptor: UpgradeAcceptor {}
