public import Vocabulary

/// Proves a name and a password by NTLM version 2, and seals what CredSSP sends after it. Source: MS-NLMP.
///
/// It answers only hosts that offer 128-bit sealing with session security; every answer carries target information, a time, the channel binding and a
/// message integrity code, so that it is worth nothing on another connection. Tokens go out as they are, which hosts accept beside SPNEGO; a host that
/// answers in SPNEGO is answered in it.
public struct NTLMClient: SecurityMechanism {
    private enum State {
        case new
        case challenged
        case complete
        case over
    }

    private let credentials: DesktopCredentials
    private let channelBinding: [UInt8]?
    private let target: String?
    private let random: RandomSource
    private let clock: TimeSource
    private let negotiate = NTLMMessage.negotiate()
    private var state = State.new
    private var sending: NTLMSeal?
    private var receiving: NTLMSeal?

    /// Makes a client for one connection.
    ///
    /// - Parameters:
    ///   - credentials: whom to sign in.
    ///   - channelBinding: what `CredSSPClient.channelBinding(ofCertificate:)` says of the host's certificate; nil for none.
    ///   - target: the service as the host knows it, such as `TERMSRV/desk.example`; nil when its name is not known.
    ///   - random: where the client's challenge and the session's key come from.
    ///   - clock: the time for hosts that say none themselves.
    public init(
        credentials: DesktopCredentials,
        channelBinding: [UInt8]?,
        target: String? = nil,
        random: RandomSource,
        clock: TimeSource
    ) {
        self.credentials = credentials
        self.channelBinding = channelBinding
        self.target = target
        self.random = random
        self.clock = clock
    }

    public var isComplete: Bool { self.state == .complete }

    public mutating func next(_ token: [UInt8]?) throws(RDPWireError) -> [UInt8]? {
        let state = self.state
        self.state = .over
        switch (state, token) {
        case (.new, nil):
            self.state = .challenged
            return self.negotiate
        case (.challenged, .some(let token)):
            let answer = try self.answer(token)
            self.state = .complete
            return answer
        default:
            throw .unexpected("NTLM: a token out of turn")
        }
    }

    public mutating func wrap(_ message: [UInt8]) throws(RDPWireError) -> [UInt8] {
        guard let sealed = self.sending?.seal(message) else { throw .unexpected("NTLM: no keys yet") }
        return sealed
    }

    public mutating func unwrap(_ message: [UInt8]) throws(RDPWireError) -> [UInt8] {
        guard self.receiving != nil else { throw .unexpected("NTLM: no keys yet") }
        guard let plain = self.receiving?.open(message) else {
            throw .notTrusted("NTLM: a signature of the host is wrong")
        }
        return plain
    }

    private mutating func answer(_ token: [UInt8]) throws(RDPWireError) -> [UInt8] {
        var raw = token
        let isWrapped = SPNEGO.isResponse(token)
        if isWrapped {
            raw = try SPNEGO.token(token)
        }
        let challenge = try NTLMChallenge(raw)
        let sessionKey = self.random.bytes(16)
        let message = self.authenticate(challenge, raw, sessionKey)
        self.sending = NTLMSeal(session: sessionKey, .toHost)
        self.receiving = NTLMSeal(session: sessionKey, .toClient)
        return isWrapped ? SPNEGO.response(message) : message
    }

    private func authenticate(_ challenge: NTLMChallenge, _ raw: [UInt8], _ sessionKey: [UInt8]) -> [UInt8] {
        var info = challenge.targetInfo
        let flags = info[NTLMTargetInfo.flags].map { NTLMMessage.number($0[...]) } ?? 0
        info[NTLMTargetInfo.flags] = (flags | NTLMTargetInfo.hasMIC).littleEndianBytes
        info[NTLMTargetInfo.channelBindings] = NTLMKeys.channelBindings(self.channelBinding)
        if let target {
            info[NTLMTargetInfo.targetName] = UTF16Text.bytes(target)
        }
        let key = self.credentials.password.withValue {
            NTLMKeys.responseKey(user: self.credentials.user, domain: self.credentials.domain, password: $0)
        }
        let blob = NTLMKeys.blob(
            time: info[NTLMTargetInfo.timestamp] ?? Self.fileTime(self.clock.now),
            challenge: self.random.bytes(8),
            targetInfo: info.bytes
        )
        let proof = NTLMKeys.proof(responseKey: key, serverChallenge: challenge.challenge, blob: blob)
        var cipher = RC4(key: NTLMKeys.hmac(key, proof))
        var message = NTLMMessage.authenticate(
            response: proof + blob,
            domain: UTF16Text.bytes(self.credentials.domain),
            user: UTF16Text.bytes(self.credentials.user),
            sessionKey: cipher.apply(sessionKey),
            // The version's place is always there, and some hosts look for the integrity code behind it only when this says so.
            flags: NTLMFlags.asked.intersection(challenge.flags).union(.version)
        )
        message.replaceSubrange(NTLMMessage.micRange, with: NTLMKeys.hmac(sessionKey, self.negotiate + raw + message))
        return message
    }

    /// 100 ns since 1601-01-01, the time of Windows. Source: MS-DTYP section 2.3.3.
    private static func fileTime(_ now: Instant) -> [UInt8] {
        ((now.milliseconds &+ 11_644_473_600_000) &* 10_000).littleEndianBytes
    }
}
