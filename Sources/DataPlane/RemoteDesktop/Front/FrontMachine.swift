import RDPWire
import Tunnel
import Vocabulary
import WebSocketWire

/// The sign-in of one desktop, from the client's first byte to the first picture; knows no channel and no clock.
///
/// Two ladders stand beside each other, the client's and the host's; a step of one may wait for the other. What a ladder cannot use yet stays in
/// its buffer, which has a bound.
struct FrontMachine {
    enum Action: Hashable {
        case toClient([UInt8])
        case toHost([UInt8])
        /// Begin TLS as the client's server.
        case secureClient
        /// Begin TLS as the host's client.
        case secureHost
        /// Ask whether this person may, and for a credential.
        case prepare(DesktopProof)
        /// Carry out `negotiation`, on another thread if it `blocks`, and give the outcome to `negotiated`.
        case negotiate
        case recordClient([UInt8])
        case recordHost([UInt8])
        /// Nothing for the front to do here: carry bytes from now on, beginning with what is buffered.
        case passThrough
        /// The host is signed in to: carry bytes from now on, beginning with what is buffered.
        case relay(knowsErrorInfo: Bool)
        /// Tell the protocol around the client's, if there is one with words for people, why it is about to end.
        case explain(TunnelEnd)
        /// Close both sides; the client is told first.
        case end(TunnelEnd)
    }

    /// What is being waited for, each with a deadline of its own.
    enum Wait: Hashable {
        case request, clientSecurity, person, judgement, hostAnswer, host, joining
    }

    enum ClientStep {
        case request
        case securing
        case assertion(nonce: String)
        /// The assertion is being judged, and the host is signed in to; then the client hears how it went.
        case judging
        case initial
        case joining(DomainOrder)
        /// The sign-in is with the host, which reads headers in which another one could stand until it shows something.
        case signedIn
        case over
    }

    enum HostStep {
        case idle
        case confirm
        case securing
        case secured(certificate: [UInt8])
        case credSSP(CredSSPClient)
        /// CredSSP works on the host's last message; nil for its own first one.
        case negotiating(CredSSPClient, request: [UInt8]?)
        case ready
        case response
        case open
    }

    /// Makes the side of CredSSP that speaks to a host with this certificate.
    typealias SignIn = @Sendable (DesktopCredentials, _ certificate: [UInt8]) throws(RDPWireError) -> CredSSPClient

    /// The most bytes that wait on either side. Source: an assertion may have 64 KiB.
    static let bufferLimit = 80 * 1024
    /// The most bytes that a host may send between its settings and the sign-in.
    static let hostLimitWhileJoining = 256 * 1024
    /// The same up to its first picture, with what it may send to measure the network. Source: MS-RDPBCGR 2.2.14.1.3.
    static let hostLimitSignedIn = 4 * 1024 * 1024
    /// The most messages between settings and the first picture: one for the domain, one for the user, one for each channel, and those about
    /// licences and the network.
    static let joiningLimit = 64

    let isPassword: Bool
    /// Whether a host that would take the password without having proved itself is refused.
    let needsCredSSP: Bool
    let hidden: [String]
    let makeNonce: @Sendable () -> String
    let signIn: SignIn

    var client = ClientStep.request
    var host = HostStep.idle
    var fromClient: [UInt8] = []
    var fromHost: [UInt8] = []
    /// How much of the client's bytes has no end of an assertion in it.
    var searched = 0
    var asked: SecurityProtocols = []
    var selected: SecurityProtocols = []
    var isWebAccount = false
    var isClientSecure = false
    var knowsErrorInfo = false
    var credentials: DesktopCredentials?
    /// The host's own channel, once it has told it.
    var channel = 0
    var joined = 0
    var hostBytesWhileJoining = 0
    var actions: [Action] = []

    init(
        isPassword: Bool,
        needsCredSSP: Bool = false,
        hidden: [String],
        makeNonce: @escaping @Sendable () -> String,
        signIn: @escaping SignIn
    ) {
        self.isPassword = isPassword
        self.needsCredSSP = needsCredSSP
        self.hidden = hidden
        self.makeNonce = makeNonce
        self.signIn = signIn
    }

    /// What is waited for now; nil when nothing is.
    var wait: Wait? {
        switch (self.client, self.host) {
        case (.over, _): nil
        case (.request, _): .request
        case (.assertion, _): .person
        case (.securing, _): .clientSecurity
        case _ where self.credentials == nil: .judgement
        case (_, .confirm), (_, .securing): .hostAnswer
        case (_, .idle), (_, .secured), (_, .credSSP), (_, .negotiating), (_, .response): .host
        case (.signedIn, _): .host
        // A client may show its person the certificate before it goes on.
        case (.initial, .ready): .person
        case (_, .ready), (_, .open): .joining
        }
    }

    // MARK: What happens

    mutating func receivedFromClient(_ bytes: some Collection<UInt8>) -> [Action] {
        guard !self.isOver else { return [] }
        self.fromClient += bytes
        if self.fromClient.count > Self.bufferLimit { return self.end(.clientMisbehaved) }
        return self.advance()
    }

    mutating func receivedFromHost(_ bytes: some Collection<UInt8>) -> [Action] {
        guard !self.isOver else { return [] }
        self.fromHost += bytes
        if self.isPassword, case .request = self.client {
            // No Remote Desktop host speaks first: this is something else on its port.
            return self.passThrough()
        }
        if self.fromHost.count > Self.bufferLimit { return self.end(self.hostBroke) }
        return self.advance()
    }

    mutating func clientIsSecure() -> [Action] {
        guard case .securing = self.client else { return [] }
        self.isClientSecure = true
        if self.isWebAccount {
            let nonce = self.makeNonce()
            self.client = .assertion(nonce: nonce)
            self.actions.append(.toClient(RDSAADMessage.nonce(nonce)))
        } else {
            self.client = .initial
        }
        return self.advance()
    }

    /// The host's TLS is up, and its certificate is the one that was pinned, if one was.
    mutating func hostIsSecure(certificate: [UInt8]) -> [Action] {
        guard case .securing = self.host else { return [] }
        self.host = .secured(certificate: certificate)
        return self.advance()
    }

    mutating func prepared(_ verdict: Verdict<DesktopCredentials>) -> [Action] {
        guard !self.isOver, self.credentials == nil else { return [] }
        switch verdict {
        case .refused(let refusal):
            return self.end(
                .ordered(.policyViolation, reason: refusal.sentence),
                RDSAADResult(refusalCode: refusal.code)
            )
        case .allowed(let credentials):
            self.credentials = credentials
            self.callHost()
            return self.advance()
        }
    }

    mutating func deadlinePassed(_ wait: Wait) -> [Action] {
        guard self.wait == wait else { return [] }
        switch wait {
        case .request where self.isPassword:
            return self.passThrough()
        case .request, .clientSecurity, .joining:
            return self.end(.ordered(.policyViolation, reason: "The client took too long to sign in."))
        case .person:
            return self.end(.ordered(.policyViolation, reason: "Nobody went on with the sign-in in time."))
        case .judgement:
            return self.end(
                .ordered(.badGateway, reason: "The machine's agent prepared no sign-in in time. Try again.")
            )
        case .hostAnswer, .host:
            return self.end(
                .ordered(
                    .badGateway,
                    reason:
                        "The machine's Remote Desktop service takes connections, but did not answer in time. Try again, or "
                        + "ask whoever runs the machine to look at the service."
                )
            )
        }
    }

    mutating func clientEnded() -> [Action] {
        self.end(.clientClosed)
    }

    mutating func hostEnded() -> [Action] {
        guard !self.isOver else { return [] }
        // What it said last may be why it went.
        let actions = self.advance()
        return self.isOver ? actions : actions + self.end(self.hostBroke)
    }

    mutating func hostIsNotTrusted() -> [Action] {
        self.end(
            .ordered(
                .badGateway,
                reason:
                    "The machine's certificate is not the one that its agent reported. Ask whoever runs the machine."
            )
        )
    }

    /// The server, or a person, ends it.
    mutating func order(_ end: TunnelEnd) -> [Action] {
        self.end(end)
    }

    // MARK: How it ends

    /// Only who reads the settings can close a channel in them.
    static let passwordClosed = TunnelEnd.ordered(
        .policyViolation,
        reason: Refusal.desktopPasswordClosed.sentence
    )

    var isOver: Bool {
        if case .over = self.client { true } else { false }
    }

    var hostBroke: TunnelEnd {
        let reason =
            switch self.host {
            case .credSSP, .negotiating, .response, .open: "The machine ended the connection while it was signed in to."
            default: "The machine does not speak Remote Desktop over TLS on this port."
            }
        return .ordered(.badGateway, reason: reason)
    }

    mutating func end(_ end: TunnelEnd, _ result: RDSAADResult = .unavailable) -> [Action] {
        guard !self.isOver else { return [] }
        // Explained before the client learns that it is over: it may not read on after that.
        switch self.client {
        case .assertion, .judging:
            self.actions += [.explain(end), .toClient(RDSAADMessage.result(result))]
        case .initial, .joining, .signedIn:
            self.actions += [.explain(end), .toClient(DisconnectMessage.ultimatum)]
        case .request, .securing, .over:
            break
        }
        self.client = .over
        self.actions.append(.end(end))
        return self.taken()
    }

    mutating func passThrough() -> [Action] {
        guard self.hidden.isEmpty else { return self.end(Self.passwordClosed) }
        self.client = .over
        self.actions.append(.passThrough)
        return self.taken()
    }

    mutating func taken() -> [Action] {
        defer { self.actions = [] }
        return self.actions
    }
}
