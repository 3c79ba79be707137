import RDPWire
import Tunnel
import WebSocketWire

/// The ladders themselves: each step takes one whole message out of a buffer, or waits.
extension FrontMachine {
    mutating func advance() -> [Action] {
        while !self.isOver {
            do throws(RDPWireError) {
                guard try self.stepOfClient() else { break }
            } catch {
                return self.clientBroke(error)
            }
        }
        while !self.isOver {
            do throws(RDPWireError) {
                guard try self.stepOfHost() else { break }
            } catch {
                return self.hostBroke(error)
            }
            // What the host did may be what a message of the client's waits for.
            do throws(RDPWireError) {
                while !self.isOver, try self.stepOfClient() {}
            } catch {
                return self.clientBroke(error)
            }
        }
        return self.taken()
    }

    private mutating func clientBroke(_ error: RDPWireError) -> [Action] {
        if self.isPassword, case .request = self.client { return self.passThrough() }
        return switch self.client {
        case .initial, .joining, .signedIn: self.end(.clientBroke(error))
        default: self.end(.clientMisbehaved, .notValid)
        }
    }

    mutating func hostBroke(_ error: RDPWireError) -> [Action] {
        switch error {
        case .refused(let sentence): self.end(.ordered(.badGateway, reason: sentence))
        case .notTrusted:
            self.end(.ordered(.badGateway, reason: "The machine could not prove who it is. Ask whoever runs it."))
        default: self.end(self.hostBroke)
        }
    }

    // MARK: The client's ladder

    /// Takes one step; false when there is nothing to do yet.
    private mutating func stepOfClient() throws(RDPWireError) -> Bool {
        switch self.client {
        case .request:
            guard let message = try self.nextFromClient(limit: ConnectionRequest.limit) else { return false }
            try self.answer(try ConnectionRequest(parsing: message), message)
        case .assertion(let nonce):
            guard let length = try RDSAADMessage.length(of: self.fromClient, searched: self.searched) else {
                self.searched = self.fromClient.count
                return false
            }
            let message = Array(self.fromClient.prefix(length))
            self.fromClient.removeFirst(length)
            let assertion = try RDSAADMessage.assertion(parsing: message)
            self.client = .judging
            self.actions.append(.prepare(.assertion(assertion, nonce: nonce)))
        case .judging:
            guard case .ready = self.host else { return false }
            self.client = .initial
            self.actions.append(.toClient(RDSAADMessage.result(.succeeded)))
        case .initial:
            guard case .ready = self.host, let message = try self.nextFromClient(limit: ConnectInitial.limit) else {
                return false
            }
            try self.sendSettings(ConnectInitial(parsing: message))
        case .joining(let order):
            guard case .open = self.host, let message = try self.nextFromClient(limit: ConnectInitial.limit) else {
                return false
            }
            try self.join(message, order)
        case .signedIn:
            guard let message = try self.nextFromClient(limit: ConnectInitial.limit) else { return false }
            try self.goOn(message)
        case .securing, .over:
            return false
        }
        return true
    }

    private mutating func answer(_ request: ConnectionRequest, _ message: [UInt8]) throws(RDPWireError) {
        self.asked = request.protocols ?? []
        self.isWebAccount = self.asked.contains(.webAccount)
        if self.isPassword, !self.isWebAccount {
            guard self.hidden.isEmpty else { return self.refuse(.webAccountRequired, Self.passwordClosed) }
            self.fromClient = message + self.fromClient
            self.client = .over
            self.actions.append(.passThrough)
            return
        }
        // Nothing may hide in front of TLS, where it would count as said inside.
        guard self.fromClient.isEmpty else { throw .unexpected("bytes before the answer to a connection request") }
        guard self.isWebAccount || self.asked.contains(.tls) else {
            let end = TunnelEnd.ordered(.policyViolation, reason: "The client asked for a connection without TLS.")
            return self.refuse(.tlsRequired, end)
        }
        self.client = .securing
        let chosen: SecurityProtocols = self.isWebAccount ? .webAccount : .tls
        let confirm = ConnectionConfirm.selected(chosen, flags: ConnectionConfirm.extendedDataAndGraphics)
        self.actions += [.toClient(confirm.bytes), .secureClient]
        if !self.isWebAccount {
            // The gateway knows the person already: both ladders are climbed at once.
            self.actions.append(.prepare(.admitted))
            self.callHost()
        }
    }

    private mutating func refuse(_ failure: NegotiationFailure, _ end: TunnelEnd) {
        let confirm = ConnectionConfirm.failed(failure.rawValue)
        self.client = .over
        self.actions += [.explain(end), .toClient(confirm.bytes), .end(end)]
    }

    private mutating func sendSettings(_ settings: ConnectInitial) throws(RDPWireError) {
        var settings = settings
        settings.selected = self.selected
        settings.hide(self.hidden)
        settings.refuseMultitransport()
        settings.refuseRedirection()
        self.knowsErrorInfo = settings.knowsErrorInfo
        self.client = .joining(DomainOrder())
        self.host = .response
        self.actions += [.recordClient(settings.bytes), .toHost(settings.bytes)]
    }

    private mutating func join(_ message: [UInt8], _ order: DomainOrder) throws(RDPWireError) {
        self.joined += 1
        guard self.joined <= Self.joiningLimit else { throw .tooLong("a list of channels") }
        let kind = try DomainMessage(parsing: message)
        var order = order
        try order.take(kind)
        self.client = .joining(order)
        switch kind {
        case .erecting, .attaching, .joining:
            self.actions += [.recordClient(message), .toHost(message)]
        case .leaving:
            self.client = .over
            self.actions.append(.end(.clientClosed))
        case .data:
            guard let credentials = self.credentials else { throw .unexpected("a sign-in without a credential") }
            let info = try ClientInfo(parsing: message, channel: self.channel)
            self.actions.append(.recordClient(try info.bytes(mentioning: credentials)))
            self.actions.append(.toHost(try info.bytes(signingInAs: credentials)))
            self.client = .signedIn
        }
    }

    private mutating func goOn(_ message: [UInt8]) throws(RDPWireError) {
        self.joined += 1
        guard self.joined <= Self.joiningLimit else { throw .tooLong("a talk about licences") }
        if try DomainMessage(parsing: message) == .leaving {
            self.client = .over
            self.actions.append(.end(.clientClosed))
            return
        }
        try EarlyData.check(message, channel: self.channel)
        self.actions += [.recordClient(message), .toHost(message)]
    }

    private mutating func nextFromClient(limit: Int) throws(RDPWireError) -> [UInt8]? {
        try Self.next(in: &self.fromClient, limit: limit)
    }

    // MARK: The host's ladder

    mutating func callHost() {
        guard case .idle = self.host else { return }
        self.host = .confirm
        // A request of our own: hosts drop connections that ask for what they do not know.
        self.actions.append(.toHost(ConnectionRequest(protocols: [.tls, .credSSP]).bytes))
    }

    /// Takes one step; false when there is nothing to do yet.
    private mutating func stepOfHost() throws(RDPWireError) -> Bool {
        switch self.host {
        case .confirm:
            guard let message = try self.nextFromHost(limit: ConnectionConfirm.limit) else { return false }
            try self.select(try ConnectionConfirm(parsing: message))
        case .secured(let certificate):
            guard let credentials = self.credentials else { return false }
            guard self.selected == .credSSP else {
                self.host = .ready
                return true
            }
            self.negotiate(try self.signIn(credentials, certificate), nil)
        case .credSSP(let credSSP):
            guard let length = try CredSSPClient.length(of: self.fromHost), length <= self.fromHost.count else {
                return false
            }
            let request = Array(self.fromHost.prefix(length))
            self.fromHost.removeFirst(length)
            self.negotiate(credSSP, request)
        case .response:
            guard let message = try self.nextFromHost(limit: ConnectResponse.limit) else { return false }
            var settings = try ConnectResponse(parsing: message)
            settings.requested = self.asked
            self.channel = settings.channel
            self.host = .open
            self.actions += [.recordHost(settings.bytes), .toClient(settings.bytes)]
        case .open:
            guard let message = try self.nextFromHost(limit: 65535) else { return false }
            let isSignedIn = if case .signedIn = self.client { true } else { false }
            self.hostBytesWhileJoining += message.count
            guard self.hostBytesWhileJoining <= (isSignedIn ? Self.hostLimitSignedIn : Self.hostLimitWhileJoining)
            else { throw .tooLong("what a host says early") }
            self.actions += [.recordHost(message), .toClient(message)]
            if isSignedIn, EarlyData.isLast(message, channel: self.channel) {
                self.client = .over
                self.credentials = nil
                self.actions.append(.relay(knowsErrorInfo: self.knowsErrorInfo))
            }
        case .idle, .securing, .negotiating, .ready:
            return false
        }
        return true
    }

    private mutating func select(_ confirm: ConnectionConfirm) throws(RDPWireError) {
        guard case .selected(let protocols, _) = confirm, protocols == .tls || protocols == .credSSP,
            self.fromHost.isEmpty
        else { throw .refused("The machine offers no TLS for Remote Desktop.") }
        guard protocols == .credSSP || !self.needsCredSSP else {
            throw .refused(
                "The machine does not ask for Network Level Authentication, without which there is no Kerberos. Turn it "
                    + "on there, or sign in with '--auth-type password'."
            )
        }
        self.selected = protocols
        self.host = .securing
        self.actions.append(.secureHost)
    }

    private mutating func negotiate(_ credSSP: CredSSPClient, _ request: [UInt8]?) {
        self.host = .negotiating(credSSP, request: request)
        self.actions.append(.negotiate)
    }

    private mutating func nextFromHost(limit: Int) throws(RDPWireError) -> [UInt8]? {
        try Self.next(in: &self.fromHost, limit: limit)
    }

    private static func next(in buffer: inout [UInt8], limit: Int) throws(RDPWireError) -> [UInt8]? {
        guard let length = try TPKT.length(of: buffer, limit: limit), length <= buffer.count else { return nil }
        defer { buffer.removeFirst(length) }
        return Array(buffer.prefix(length))
    }
}

extension TunnelEnd {
    /// A client that broke the protocol after it was let in, in words for whoever looks for the reason.
    fileprivate static func clientBroke(_ error: RDPWireError) -> TunnelEnd {
        let what =
            switch error {
            case .malformed(let what), .unexpected(let what), .tooLong(let what), .refused(let what),
                .notTrusted(let what), .failed(let what):
                what
            }
        return .ordered(.policyViolation, reason: "The client's part in the sign-in is not as it should be: \(what).")
    }
}
