/// The server's side of a gateway connection, without a socket: what comes in, and what is to be done about it.
///
/// ```
/// handshake -> tunnel -> (judged) -> authorization -> channel -> (dialled) -> open -> closing -> over
/// ```
/// Source: MS-TSGU section 3.2.
public struct GatewayMachine: ~Copyable {
    /// What is to be done.
    public enum Action: Hashable, Sendable {
        /// Send a packet.
        case send(GatewayPacket)
        /// Judge a token and answer with `admit` or `refuse`; with a context it is to renew the session that was given it.
        case judge(token: String, context: UInt64?)
        /// Find out whether one of these names and the port are the target, dial it, and answer with `connected` or `refuse`.
        case connect(names: [String], port: Int)
        /// The session behind the context proved itself again.
        case renew
        /// Close the connection, once what was sent is written.
        case end
    }

    private enum State {
        case handshake
        case tunnel
        case judging(isRenewal: Bool)
        /// Refused: the tunnel leads nowhere but to the words that say why.
        case explaining(GatewayCode, String)
        case authorization(GatewayTerms, isRenewal: Bool)
        case channel(GatewayTerms, isRenewal: Bool)
        case dialling(GatewayTerms)
        case open
        case closing
        case over
    }

    private var state = State.handshake
    private var capabilities: GatewayCapabilities = []
    private var hasExplained = false

    /// Makes a machine that waits for the client's first packet.
    public init() {}

    /// Whether the desktop's bytes pass.
    public var isOpen: Bool {
        if case .open = self.state { true } else { false }
    }

    /// Whether an answer of ours is awaited, so that nothing more needs to be read.
    public var isWaiting: Bool {
        switch self.state {
        case .judging, .dialling: true
        case .handshake, .tunnel, .explaining, .authorization, .channel, .open, .closing, .over: false
        }
    }

    /// Whether the person may be reading a text that has to be agreed to.
    public var awaitsConsent: Bool {
        if case .authorization(let terms, _) = self.state { terms.consent != nil } else { false }
    }

    /// Whether the client can prove itself again.
    public var canReauthenticate: Bool { self.isOpen && self.capabilities.contains(.reauthentication) }

    /// Takes a packet of the client's.
    public mutating func receive(_ packet: GatewayPacket) -> [Action] {
        switch (self.state, packet) {
        case (.over, _), (.closing, .keepAlive): return []
        case (.closing, .closeChannelResponse), (.closing, .closeChannel):
            self.state = .over
            return [.end]
        case (.closing, _): return []
        case (.handshake, .handshakeRequest(_, _, _, let offered)):
            guard offered.contains(.token) else { return self.fail(.authenticationNotSupported) }
            self.state = .tunnel
            return [.send(.handshakeResponse(.success, .token))]
        case (.tunnel, .tunnelCreate(let capabilities, let token, let context)):
            guard let token, !token.isEmpty else { return self.fail(.tokenMalformed) }
            self.capabilities = capabilities
            self.state = .judging(isRenewal: context != nil)
            return [.judge(token: token, context: context)]
        case (.authorization(let terms, let isRenewal), .tunnelAuthorization):
            self.state = .channel(terms, isRenewal: isRenewal)
            let answer = GatewayPacket.tunnelAuthorizationResponse(
                .success,
                redirection: GatewayRedirection(terms.channels),
                idleMinutes: terms.idleMinutes,
                health: nil
            )
            return [.send(answer)] + (isRenewal ? [.renew] : [])
        case (.explaining, .tunnelAuthorization):
            return [.send(.tunnelAuthorizationResponse(.success, redirection: nil, idleMinutes: nil, health: nil))]
        case (.explaining(let code, let sentence), .channelCreate):
            return self.explainAndClose(code, sentence)
        case (.channel(_, isRenewal: true), .channelCreate):
            // The target was judged again with the token; the first tunnel goes on carrying the bytes.
            self.state = .closing
            return [.send(Self.channelOpened)]
        case (.channel(let terms, _), .channelCreate(let names, let alternatives, let port, _)):
            self.state = .dialling(terms)
            return [.connect(names: names + alternatives, port: Int(port))]
        case (.handshake, _): return self.fail(.internalError)
        case (_, .keepAlive): return []
        case (_, .closeChannel):
            self.state = .over
            return [.send(.closeChannelResponse(.success)), .end]
        case (.tunnel, _), (.judging, _), (.explaining, _), (.authorization, _), (.channel, _), (.dialling, _),
            (.open, _):
            return self.fail(.internalError)
        }
    }

    /// Takes bytes of the desktop: whether they may pass. They must not before the channel is open.
    public mutating func receiveData() -> [Action] {
        switch self.state {
        case .open, .closing, .over: return []
        case .handshake, .tunnel, .judging, .explaining, .authorization, .channel, .dialling:
            return self.fail(.internalError)
        }
    }

    /// Something that is no packet came: nothing more can be read.
    public mutating func receiveGarbage() -> [Action] { self.fail(.internalError) }

    /// The token is good.
    public mutating func admit(_ terms: GatewayTerms) -> [Action] {
        guard case .judging(let isRenewal) = self.state else { return [] }
        guard terms.consent == nil || self.capabilities.contains(.consent) else {
            return self.fail(.capabilityMissing)
        }
        var terms = terms
        if isRenewal { terms.consent = nil }
        self.state = .authorization(terms, isRenewal: isRenewal)
        let fields = GatewayTunnelFields(
            tunnel: 1,
            capabilities: [.idleTimeout, .consent, .serviceMessages, .reauthentication],
            consent: terms.consent
        )
        return [.send(.tunnelResponse(.success, fields))]
    }

    /// The target answered.
    public mutating func connected() -> [Action] {
        guard case .dialling(let terms) = self.state else { return [] }
        self.state = .open
        guard let message = terms.message, self.capabilities.contains(.serviceMessages) else {
            return [.send(Self.channelOpened)]
        }
        return [.send(Self.channelOpened), .send(.serviceMessage(message))]
    }

    /// The client is to prove itself again; false when it cannot.
    public mutating func reauthenticate(context: UInt64) -> [Action] {
        self.canReauthenticate ? [.send(.reauthenticate(context: context))] : []
    }

    /// The token or the target is refused.
    ///
    /// Clients turn a refused token into a sentence of their own, which does not say what to do. Messages they show only once a desktop is
    /// open, so one that can show them is let in that far, to no machine, and gets the reason and the code there.
    public mutating func refuse(_ code: GatewayCode, because reason: String? = nil) -> [Action] {
        guard let reason, self.capabilities.contains(.serviceMessages) else { return self.fail(code) }
        switch self.state {
        case .judging(isRenewal: false):
            self.state = .explaining(code, reason)
            return [.send(.tunnelResponse(.success, GatewayTunnelFields(tunnel: 1, capabilities: .serviceMessages)))]
        case .dialling:
            return self.explainAndClose(code, reason)
        case .handshake, .tunnel, .judging, .explaining, .authorization, .channel, .open, .closing, .over:
            return self.fail(code)
        }
    }

    private mutating func explainAndClose(_ code: GatewayCode, _ sentence: String) -> [Action] {
        self.state = .closing
        return [.send(Self.channelOpened), .send(.serviceMessage(sentence)), .send(.closeChannel(code))]
    }

    /// The session is about to end: the client is told why before it hears so from the desktop itself, after which it might not read on.
    public mutating func explain(_ message: String) -> [Action] {
        guard self.isOpen, !self.hasExplained, !message.isEmpty, self.capabilities.contains(.serviceMessages) else {
            return []
        }
        self.hasExplained = true
        return [.send(.serviceMessage(message))]
    }

    /// The session ends: the client is told why, if it can show it.
    public mutating func close(_ code: GatewayCode, message: String?) -> [Action] {
        guard case .open = self.state else {
            if case .closing = self.state { return [] }
            return self.fail(code)
        }
        let explanation = message.map { self.explain($0) } ?? []
        self.state = .closing
        return explanation + [.send(.closeChannel(code))]
    }

    private static let channelOpened = GatewayPacket.channelResponse(
        .success,
        // Windows clients do not go on without it.
        channel: 1,
        datagramPort: nil,
        datagramCookie: nil
    )

    // In the answer that the client waits for, so that it can show the code.
    private mutating func fail(_ code: GatewayCode) -> [Action] {
        let answer: GatewayPacket
        switch self.state {
        case .handshake: answer = .handshakeResponse(code, .token)
        case .tunnel, .judging: answer = .tunnelResponse(code, GatewayTunnelFields())
        case .explaining, .authorization:
            answer = .tunnelAuthorizationResponse(code, redirection: nil, idleMinutes: nil, health: nil)
        case .channel, .dialling:
            answer = .channelResponse(code, channel: nil, datagramPort: nil, datagramCookie: nil)
        case .open, .closing: answer = .closeChannel(code)
        case .over: return []
        }
        self.state = .over
        return [.send(answer), .end]
    }
}
