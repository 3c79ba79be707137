public import NIOCore
import Vocabulary
import WebSocketWire

/// Opens tunnels through a bastion host with the protocol of its data plane.
public struct TunnelClient: Sendable {
    /// A tunnel's tokens.
    public struct Ticket: Sendable {
        /// Names the session when it is ended.
        public let authToken: String
        /// Opens one WebSocket, once.
        public let websocketToken: String
        /// The node that the WebSocket is opened at.
        public let nodeID: String
    }

    private let http: HTTPClient
    private let sockets: WebSocketClient
    private let dnsName: String

    /// Makes a client for a bastion host.
    public init(dnsName: String, authorityFile: String?) throws {
        let reach = try ServerReach(authorityFile: authorityFile)
        self.http = HTTPClient(reach: reach)
        self.sockets = WebSocketClient(reach: reach)
        self.dnsName = dnsName
    }

    /// Asks to be let through. A refusal is a `Problem` with the server's sentence.
    public func ticket(target: String, port: Int, token: String, hostName: String? = nil) async throws -> Ticket {
        var form = [
            ("resourceId", target), ("protocol", "tcptunnel"), ("workloadHostPort", String(port)), ("aztoken", token),
        ]
        if let hostName { form.append(("hostname", hostName)) }
        let reply = try await self.http.send(
            WebRequest(
                "POST",
                "https://\(self.dnsName)/api/tokens",
                headers: [("Content-Type", "application/x-www-form-urlencoded"), ("Prefer", "handling=strict")],
                body: Array(FormFields.encode(form).utf8)
            )
        )
        guard reply.status == 200, let json = reply.json, let authToken = json["authToken"]?.string,
            let websocketToken = json["websocketToken"]?.string, let nodeID = json["nodeId"]?.string
        else { throw ResourceManager.problem(reply) }
        return Ticket(authToken: authToken, websocketToken: websocketToken, nodeID: nodeID)
    }

    /// Opens the socket; the channel then carries the target's bytes.
    public func open(_ ticket: Ticket, configure: @escaping @Sendable (any Channel) throws -> Void) async throws
        -> any Channel
    {
        try await self.sockets.open(
            "wss://\(self.dnsName)/webtunnelv2/\(ticket.websocketToken)?X-Node-Id=\(PercentEncoding.encode(ticket.nodeID))",
            // Nothing needs to be done for us that the Azure command line needs.
            headers: [("Prefer", "handling=strict")]
        ) { channel in
            try channel.pipeline.syncOperations.addHandler(WebSocketByteHandler(role: .client))
            try configure(channel)
        }
    }

    /// Ends the session. Errors are of no use to anybody then.
    public func end(_ ticket: Ticket) async {
        _ = try? await self.http.send(
            WebRequest(
                "DELETE",
                "https://\(self.dnsName)/api/tokens/\(ticket.authToken)",
                headers: [("X-Node-Id", ticket.nodeID)]
            )
        )
    }
}
