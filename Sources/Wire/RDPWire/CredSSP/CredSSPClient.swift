import Crypto
import Vocabulary

/// Signs in to a host that wants to know the person before it shows anything (Network Level Authentication).
///
/// One value for one connection, inside TLS: send what `start` returns, then give each whole answer of the host to `receive`. The password leaves
/// only after the host has proved, with the mechanism's keys, that it owns the key of the TLS connection. Source: MS-CSSP section 3.1.5, versions 2 to 6.
public struct CredSSPClient: Sendable {
    /// What to do after an answer of the host.
    public enum Answer: Equatable, Sendable {
        /// Send this and wait for the next answer.
        case send([UInt8])
        /// Send this and go on with the connection sequence: the host answers no more.
        case finish([UInt8])
    }

    private enum State {
        case new
        case negotiating
        case binding
        case over
    }

    private static let newest: Int64 = 6
    /// From this version on the key is bound by hashes that a host in the middle cannot choose (CVE-2018-0886).
    private static let hashing: Int64 = 5

    private var mechanism: any SecurityMechanism
    private let credentials: DesktopCredentials
    private let key: [UInt8]
    private let nonce: [UInt8]
    private let oldest: Int64
    private var version: Int64?
    private var state = State.new

    /// Makes a client for one connection.
    ///
    /// - Parameters:
    ///   - mechanism: a fresh one, for the same person.
    ///   - credentials: what the host gets in the end.
    ///   - serverPublicKey: the content of the bit string in the host's certificate.
    ///   - nonce: 32 random bytes.
    ///   - oldestVersion: the lowest version of CredSSP that is good enough; 5 for hosts whose certificate nothing vouches for.
    public init(
        mechanism: any SecurityMechanism,
        credentials: DesktopCredentials,
        serverPublicKey: [UInt8],
        nonce: [UInt8],
        oldestVersion: Int = 2
    ) {
        self.mechanism = mechanism
        self.credentials = credentials
        self.key = serverPublicKey
        self.nonce = nonce
        self.oldest = Int64(oldestVersion)
    }

    /// Whether `start` and `receive` may wait for the network, so that they must run on a thread that may stand still.
    public var blocks: Bool { self.mechanism.blocks }

    /// The first message.
    public mutating func start() throws(RDPWireError) -> [UInt8] {
        guard self.state == .new else { throw .unexpected("CredSSP: started twice") }
        self.state = .over
        guard !self.key.isEmpty, self.nonce.count == 32 else { throw .failed("CredSSP: no key or nonce to bind to") }
        guard let token = try self.mechanism.next(nil) else {
            throw .failed("CredSSP: the mechanism has no first token")
        }
        self.state = .negotiating
        return TSRequest(version: Self.newest, token: token).bytes
    }

    /// Takes one whole message of the host. After an error the sign-in is over.
    public mutating func receive(_ request: [UInt8]) throws(RDPWireError) -> Answer {
        let state = self.state
        self.state = .over
        let message = try TSRequest(request)
        if let code = message.errorCode, code != 0 {
            throw .refused(NTStatus.sentence(code))
        }
        let version = try self.agree(on: message.version)
        guard message.authInfo == nil else { throw .unexpected("CredSSP: the host sent credentials") }
        switch state {
        case .negotiating: return try self.negotiate(message, version)
        case .binding: return try self.finish(message, version)
        case .new, .over: throw .unexpected("CredSSP: a message after the end")
        }
    }

    private mutating func agree(on offered: Int64) throws(RDPWireError) -> Int64 {
        guard offered >= 2 else { throw .malformed("CredSSP: version \(offered)") }
        guard offered >= self.oldest else {
            throw .notTrusted("CredSSP: the host speaks version \(offered), which binds its key too weakly")
        }
        guard self.version == nil || self.version == offered else { throw .unexpected("CredSSP: the version changed") }
        self.version = offered
        return min(offered, Self.newest)
    }

    private mutating func negotiate(_ message: TSRequest, _ version: Int64) throws(RDPWireError) -> Answer {
        guard let token = message.token, message.publicKeyAuth == nil else {
            throw .unexpected("CredSSP: no token from the host")
        }
        let answer = try self.mechanism.next(token)
        guard self.mechanism.isComplete else {
            guard let answer else { throw .failed("CredSSP: the mechanism came to a stop") }
            self.state = .negotiating
            return .send(TSRequest(version: Self.newest, token: answer).bytes)
        }
        let hashed = version >= Self.hashing
        let proof = hashed ? self.hash("CredSSP Client-To-Server Binding Hash") : self.key
        let request = TSRequest(
            version: Self.newest,
            token: answer,
            publicKeyAuth: try self.mechanism.wrap(proof),
            nonce: hashed ? self.nonce : nil
        )
        self.state = .binding
        return .send(request.bytes)
    }

    private mutating func finish(_ message: TSRequest, _ version: Int64) throws(RDPWireError) -> Answer {
        // A token beside the proof says nothing any more: SPNEGO's last word, or (FreeRDP 3) the last token once again.
        guard let sealed = message.publicKeyAuth else { throw .unexpected("CredSSP: no proof from the host") }
        let proof = try self.mechanism.unwrap(sealed)
        var expected = self.key
        if version >= Self.hashing {
            expected = self.hash("CredSSP Server-To-Client Binding Hash")
        } else {
            expected[0] &+= 1
        }
        guard ConstantTime.equal(proof, expected) else {
            throw .notTrusted("CredSSP: the host cannot prove that the key of this connection is its own")
        }
        let sealedCredentials = try self.mechanism.wrap(TSCredentials.bytes(self.credentials))
        return .finish(TSRequest(version: Self.newest, authInfo: sealedCredentials).bytes)
    }

    private func hash(_ label: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(label.utf8) + [0] + self.nonce + self.key))
    }
}

extension CredSSPClient {
    /// How long the message that begins here is in all; nil when more bytes are needed to tell.
    public static func length(of bytes: some Collection<UInt8>) throws(RDPWireError) -> Int? {
        let start = Array(bytes.prefix(6))
        if let first = start.first, first != DER.sequence { throw .malformed("TSRequest: begins with \(first)") }
        guard let found = try DER.head(of: start[...], limit: TSRequest.limit - 6) else { return nil }
        return found.head + found.content
    }

    /// What CredSSP binds to: the content of the public key's bit string (for RSA the PKCS #1 key) in a certificate.
    public static func subjectPublicKey(ofCertificate der: [UInt8]) throws(RDPWireError) -> [UInt8] {
        try HostCertificate.subjectPublicKey(der)
    }

    /// The channel binding `tls-server-end-point` (RFC 5929) of a certificate, as the mechanisms take it.
    public static func channelBinding(ofCertificate der: [UInt8]) throws(RDPWireError) -> [UInt8] {
        try HostCertificate.endPointBinding(der)
    }
}
