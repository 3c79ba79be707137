import RDPWire
import Testing

/// The server's side of a gateway connection as inputs and what follows from them.
struct GatewayMachineTests {
    private static let create = GatewayPacket.tunnelCreate(.init(rawValue: 0xD), token: "t", context: nil)
    private static let authorize = GatewayPacket.tunnelAuthorization(machine: "pc", health: nil)
    private static let channel = GatewayPacket.channelCreate(names: ["vm"], alternatives: ["vm.example"], port: 3389)
    private static let opened = GatewayPacket.channelResponse(
        .success,
        channel: 1,
        datagramPort: nil,
        datagramCookie: nil
    )

    // The machine cannot be copied into what a macro makes of an expectation.
    private static func holds(_ value: Bool, _ place: SourceLocation = #_sourceLocation) {
        #expect(value, sourceLocation: place)
    }

    private static func same(
        _ actions: some Sequence<GatewayMachine.Action>,
        _ expected: [GatewayMachine.Action],
        _ place: SourceLocation = #_sourceLocation
    ) {
        #expect(Array(actions) == expected, sourceLocation: place)
    }

    private static func tunnel(
        _ terms: GatewayTerms = GatewayTerms(),
        _ create: GatewayPacket = Self.create
    ) -> GatewayMachine {
        var machine = GatewayMachine()
        _ = machine.receive(.handshakeRequest(.token))
        _ = machine.receive(create)
        _ = machine.admit(terms)
        return machine
    }

    private static func open(_ terms: GatewayTerms = GatewayTerms(), _ create: GatewayPacket = Self.create)
        -> GatewayMachine
    {
        var machine = self.tunnel(terms, create)
        _ = machine.receive(Self.authorize)
        _ = machine.receive(Self.channel)
        _ = machine.connected()
        return machine
    }

    @Test("leads from the handshake to the open desktop")
    func whole() {
        var machine = GatewayMachine()
        Self.same(
            machine.receive(.handshakeRequest([.token, .smartCard])),
            [.send(.handshakeResponse(.success, .token))]
        )
        Self.same(machine.receive(Self.create), [.judge(token: "t", context: nil)])
        Self.holds(machine.isWaiting)
        let fields = GatewayTunnelFields(
            tunnel: 1,
            capabilities: [.idleTimeout, .consent, .serviceMessages, .reauthentication],
            consent: "Agree?"
        )
        let terms = GatewayTerms(
            consent: "Agree?",
            message: "Hello.",
            channels: ChannelPolicy(clipboard: false, devices: false),
            idleMinutes: 240
        )
        Self.same(machine.admit(terms), [.send(.tunnelResponse(.success, fields))])
        Self.holds(machine.awaitsConsent)
        let answer = GatewayPacket.tunnelAuthorizationResponse(
            .success,
            redirection: [.noClipboard, .noDrives, .noPrinters, .noPorts, .noPlugAndPlay],
            idleMinutes: 240,
            health: nil
        )
        Self.same(machine.receive(Self.authorize), [.send(answer)])
        Self.same(machine.receive(Self.channel), [.connect(names: ["vm", "vm.example"], port: 3389)])
        Self.holds(!machine.isOpen)
        Self.same(machine.connected(), [.send(Self.opened), .send(.serviceMessage("Hello."))])
        Self.holds(machine.isOpen)
        Self.same(machine.receiveData(), [])
        Self.same(machine.receive(.keepAlive), [])
    }

    @Test("refuses a client that cannot show a token")
    func otherAuthentication() {
        var machine = GatewayMachine()
        Self.same(
            machine.receive(.handshakeRequest([.ntlm, .bearer])),
            [.send(.handshakeResponse(.authenticationNotSupported, .token)), .end]
        )
    }

    @Test("answers a token that is refused where the client waits for it")
    func refusedToken() {
        var machine = GatewayMachine()
        _ = machine.receive(.handshakeRequest(.token))
        _ = machine.receive(Self.create)
        Self.same(
            machine.refuse(.tokenRefused),
            [.send(.tunnelResponse(.tokenRefused, GatewayTunnelFields())), .end]
        )
        Self.same(machine.receive(Self.authorize), [])
    }

    @Test("lets a refused client that shows messages in as far as to the reason, and to no machine")
    func explainedToken() {
        var machine = GatewayMachine()
        _ = machine.receive(.handshakeRequest(.token))
        _ = machine.receive(Self.create)
        let fields = GatewayTunnelFields(tunnel: 1, capabilities: .serviceMessages)
        Self.same(machine.refuse(.tokenRefused, because: "Too old."), [.send(.tunnelResponse(.success, fields))])
        let authorized = GatewayPacket.tunnelAuthorizationResponse(
            .success,
            redirection: nil,
            idleMinutes: nil,
            health: nil
        )
        Self.same(machine.receive(Self.authorize), [.send(authorized)])
        Self.same(
            machine.receive(Self.channel),
            [.send(Self.opened), .send(.serviceMessage("Too old.")), .send(.closeChannel(.tokenRefused))]
        )
        Self.holds(!machine.isOpen)
        Self.same(machine.receiveData(), [])
        Self.same(machine.connected(), [])
        Self.same(machine.receive(.closeChannelResponse(.success)), [.end])
    }

    @Test("lets no byte of a refused client pass, and no word to one that shows none or proves itself again")
    func unexplainedToken() {
        for (create, isLetIn) in [
            (Self.create, true), (.tunnelCreate(.init(rawValue: 0x5), token: "t", context: nil), false),
            (.tunnelCreate(.init(rawValue: 0xD), token: "t", context: 7), false),
        ] as [(GatewayPacket, Bool)] {
            var machine = GatewayMachine()
            _ = machine.receive(.handshakeRequest(.token))
            _ = machine.receive(create)
            Self.holds(machine.refuse(.tokenRefused, because: "Too old.").contains(.end) != isLetIn)
            if isLetIn { Self.holds(machine.receiveData().contains(.end)) }
        }
    }

    @Test("answers a target that is refused where the client waits for it")
    func refusedTarget() {
        var machine = Self.tunnel()
        _ = machine.receive(Self.authorize)
        _ = machine.receive(Self.channel)
        let answer = GatewayPacket.channelResponse(
            .targetDenied,
            channel: nil,
            datagramPort: nil,
            datagramCookie: nil
        )
        Self.same(machine.refuse(.targetDenied), [.send(answer), .end])
    }

    @Test("tells a client that shows messages why the target is not there, with the code as it closes")
    func explainedTarget() {
        var machine = Self.tunnel()
        _ = machine.receive(Self.authorize)
        _ = machine.receive(Self.channel)
        Self.same(
            machine.refuse(.targetUnreachable, because: "Nothing answers."),
            [.send(Self.opened), .send(.serviceMessage("Nothing answers.")), .send(.closeChannel(.targetUnreachable))]
        )
        Self.holds(!machine.isOpen)
        Self.same(machine.receiveData(), [])
        Self.same(machine.receive(.closeChannelResponse(.success)), [.end])
    }

    @Test("refuses a tunnel without a token")
    func noToken() {
        var machine = GatewayMachine()
        _ = machine.receive(.handshakeRequest(.token))
        Self.same(
            machine.receive(.tunnelCreate([], token: nil, context: nil)),
            [.send(.tunnelResponse(.tokenMalformed, GatewayTunnelFields())), .end]
        )
    }

    @Test("refuses a client that cannot show the text that has to be agreed to")
    func cannotConsent() {
        var machine = GatewayMachine()
        _ = machine.receive(.handshakeRequest(.token))
        _ = machine.receive(.tunnelCreate(.serviceMessages, token: "t", context: nil))
        Self.same(
            machine.admit(GatewayTerms(consent: "Agree?")),
            [.send(.tunnelResponse(.capabilityMissing, GatewayTunnelFields())), .end]
        )
    }

    @Test("ends at a packet that does not belong there, in the words of its state")
    func wrongState() {
        var first = GatewayMachine()
        Self.same(first.receive(Self.create), [.send(.handshakeResponse(.internalError, .token)), .end])
        var second = Self.tunnel()
        Self.same(second.receive(Self.channel).suffix(1), [.end])
        var third = Self.open()
        Self.same(third.receive(Self.create), [.send(.closeChannel(.internalError)), .end])
    }

    @Test("lets no byte of the desktop through before the channel is open")
    func earlyData() {
        var machine = Self.tunnel()
        Self.same(machine.receiveData().suffix(1), [.end])
    }

    @Test("answers a client that closes")
    func clientCloses() {
        var machine = Self.open()
        Self.same(machine.receive(.closeChannel(.disconnected)), [.send(.closeChannelResponse(.success)), .end])
    }

    @Test("says why before it closes, and ends when the client has understood")
    func serverCloses() {
        var machine = Self.open()
        Self.same(
            machine.close(.timedOut, message: "Too long."),
            [.send(.serviceMessage("Too long.")), .send(.closeChannel(.timedOut))]
        )
        Self.same(machine.receiveData(), [])
        Self.same(machine.close(.aborted, message: nil), [])
        Self.same(machine.receive(.closeChannelResponse(.success)), [.end])
    }

    @Test("asks only a client that can to prove itself again")
    func reauthentication() {
        var cannot = Self.open()
        Self.same(cannot.reauthenticate(context: 7), [])
        var can = Self.open(GatewayTerms(), .tunnelCreate(.reauthentication, token: "t", context: nil))
        Self.same(can.reauthenticate(context: 7), [.send(.reauthenticate(context: 7))])
    }

    @Test("renews a session without a second channel or a second consent")
    func renewal() {
        var machine = GatewayMachine()
        _ = machine.receive(.handshakeRequest(.token))
        let create = GatewayPacket.tunnelCreate([.consent, .reauthentication], token: "t", context: 7)
        Self.same(machine.receive(create), [.judge(token: "t", context: 7)])
        _ = machine.admit(GatewayTerms(consent: "Agree?"))
        Self.holds(!machine.awaitsConsent)
        Self.same(machine.receive(Self.authorize).suffix(1), [.renew])
        Self.same(machine.receive(Self.channel), [.send(Self.opened)])
        Self.holds(!machine.isOpen)
    }
}
