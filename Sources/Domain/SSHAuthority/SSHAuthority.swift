public import AccessControl
public import Audit
import Crypto
public import Identity
public import Keys
public import SSHWire
public import Storage
import Synchronization
public import Vocabulary

/// The SSH certificate authority: decides on certificates for people and hosts, signs them, remembers them and takes them back.
///
/// Issuing is a pipeline: check who it is for, plan what it says, sign, verify what was signed as a stranger would, record, hand out. Only
/// what is recorded leaves, so everything that leaves can be revoked.
public final class SSHAuthority: Sendable {
    /// Tells what was revoked, after the revocation list has it.
    public let changes = ChangeFeed<RevocationChange>()
    /// What certificates may say.
    public let policy: IssuancePolicy

    let directory: Directory
    let accessControl: AccessControl
    let keys: SSHCAKeys
    let database: any Database
    let audit: AuditLog
    let clock: TimeSource
    let random: RandomSource
    let state = Mutex(State())

    struct State {
        /// The list as it is handed out.
        var edition: (version: Int64, bytes: [UInt8]) = (0, [])
        var revoked: Set<UInt64> = []
        /// How often all certificates of somebody were revoked since the start: an order in flight must not survive it.
        var generations: [GUID: Int] = [:]
    }

    /// Makes the authority on a store that has the schema; call `load` before anything else.
    public init(
        directory: Directory,
        accessControl: AccessControl,
        keys: SSHCAKeys,
        database: any Database,
        audit: AuditLog,
        clock: TimeSource,
        random: RandomSource,
        policy: IssuancePolicy = IssuancePolicy()
    ) {
        self.directory = directory
        self.accessControl = accessControl
        self.keys = keys
        self.database = database
        self.audit = audit
        self.clock = clock
        self.random = random
        self.policy = policy
    }

    /// Forgets what has run out and makes the revocation list. Throws `StorageError`.
    public func load() async throws {
        try await self.removeExpired()
        try await self.renewList { _ in }
    }

    // MARK: Issuing

    /// Decides on an order and carries it out; a refusal is recorded too. Throws `StorageError`, or `SSHWireError` when signing fails.
    public func issueUserCertificate(_ order: UserCertificateOrder) async throws -> Verdict<IssuedSSHCertificate> {
        let generation = self.generation(of: order.subject.id)
        let signer = try Self.signer(self.keys.privateKey(.user))
        let verdict = self.policy.judge(
            order,
            for: try await self.holder(order.subject),
            authorities: self.authorities,
            at: self.clock.now,
            numbers: CertificateNumbers(from: self.random)
        )
        switch verdict {
        case .refused(let refusal):
            try await self.audit.record(self.event(order).refused(refusal))
            return .refused(refusal)
        case .allowed(let contents):
            let certificate = try self.sign(contents, by: signer)
            return try await self.handOut(certificate, order, generation)
        }
    }

    private func handOut(
        _ certificate: SSHCertificate,
        _ order: UserCertificateOrder,
        _ generation: Int
    ) async throws -> Verdict<IssuedSSHCertificate> {
        let event = self.event(order)
        let isRecorded = try await self.database.write { transaction in
            // Transactions run one after the other: a revocation of everything is either seen here or sees this row.
            guard generation == self.generation(of: order.subject.id) else { return false }
            try self.record(certificate, of: order.subject.id, host: nil, in: transaction)
            try self.audit.record(event.issued(certificate), in: transaction)
            return true
        }
        guard isRecorded else {
            try await self.audit.record(event.refused(.revokedMeanwhile))
            return .refused(.revokedMeanwhile)
        }
        return .allowed(IssuedSSHCertificate(certificate: certificate))
    }

    /// Certifies a host's key under all names and addresses that clients use for it.
    ///
    /// Throws a `Problem` with the refusal's code for an unfit key or name.
    public func issueHostCertificate(
        publicKey: SSHPublicKey,
        principals: [String],
        host: ResourcePath
    ) async throws -> IssuedSSHCertificate {
        let verdict = self.policy.judge(
            host: host,
            key: publicKey,
            principals: principals,
            authorities: self.authorities,
            at: self.clock.now,
            numbers: CertificateNumbers(from: self.random)
        )
        let contents: SSHCertificate.Contents
        switch verdict {
        case .allowed(let plan): contents = plan
        case .refused(let refusal):
            throw Problem(refusal.code, shown: refusal.sentence, logged: "host certificate for \(host)")
        }
        let certificate = try self.sign(contents, by: try Self.signer(self.keys.privateKey(.host)))
        let event = AuditEvent(
            at: self.clock.now,
            actor: nil,
            actorName: "sallyport",
            action: "sshHostCertificate.issue",
            target: host.description,
            outcome: .success
        )
        try await self.database.write { transaction in
            try self.record(certificate, of: nil, host: host, in: transaction)
            try self.audit.record(event.issued(certificate), in: transaction)
        }
        return IssuedSSHCertificate(certificate: certificate)
    }

    // MARK: What others trust

    /// The keys whose certificates for people are to be accepted, the signing one first.
    public func trustedUserAuthorities() -> [SSHPublicKey] {
        Self.publicKeys(self.keys.trusted(.user))
    }

    /// The keys whose certificates for hosts are to be accepted, the signing one first.
    public func trustedHostAuthorities() -> [SSHPublicKey] {
        Self.publicKeys(self.keys.trusted(.host))
    }

    /// Tells which authority's keys changed, after new certificates are signed with them.
    public var authorityChanges: ChangeFeed<SSHCAKeys.Purpose> { self.keys.changes }

    /// The newest revocation list, as OpenSSH reads it.
    public func revocationList() -> (version: Int64, bytes: [UInt8]) {
        self.state.withLock { $0.edition }
    }

    /// Whether a certificate of ours was revoked.
    public func isRevoked(_ serial: UInt64) -> Bool {
        self.state.withLock { $0.revoked.contains(serial) }
    }

    // MARK: Steps

    private var authorities: [SSHPublicKey] {
        self.trustedUserAuthorities() + self.trustedHostAuthorities()
    }

    private func generation(of holder: GUID) -> Int {
        self.state.withLock { $0.generations[holder, default: 0] }
    }

    private func holder(_ subject: Subject) async throws -> Holder? {
        switch subject.kind {
        case .member, .guest:
            try await self.directory.user(subject.id).map(Holder.init)
        case .servicePrincipal, .managedIdentity:
            try await self.directory.servicePrincipal(subject.id).map(Holder.init)
        }
    }

    /// Signs, then reads back what was signed and believes only that.
    private func sign(
        _ contents: SSHCertificate.Contents,
        by signer: SSHSigner
    ) throws(SSHWireError) -> SSHCertificate {
        let made = try SSHCertificate.make(contents, nonce: self.random.bytes(32), by: signer)
        let read = try SSHCertificate(blob: made.blob)
        try read.verifySignature()
        guard read.contents == contents, read.authority == signer.publicKey else { throw .signatureMismatch }
        return read
    }

    static func signer(_ key: SSHCAPrivateKey) throws(SSHWireError) -> SSHSigner {
        switch key {
        case .ed25519(let key): .ed25519(key)
        case .p256(let key): .p256(key)
        case .rsa(let key): try .rsa(key)
        }
    }

    private static func publicKeys(_ keys: [SSHCAPrivateKey]) -> [SSHPublicKey] {
        keys.compactMap { try? Self.signer($0).publicKey }
    }

    private func event(_ order: UserCertificateOrder) -> AuditEvent {
        AuditEvent(
            at: self.clock.now,
            actor: order.subject.id,
            actorName: order.subject.name,
            action: "sshCertificate.issue",
            target: order.publicKey.fingerprint,
            outcome: .success,
            correlation: order.correlation,
            source: order.source,
            details: ["device": order.device]
        )
    }
}

extension AuditEvent {
    fileprivate func refused(_ refusal: Refusal) -> AuditEvent {
        var event = self
        event.outcome = .refused
        event.reason = refusal.reason
        event.details["code"] = refusal.code
        return event
    }

    fileprivate func issued(_ certificate: SSHCertificate) -> AuditEvent {
        var event = self
        event.details["serial"] = String(certificate.contents.serial)
        event.details["keyID"] = certificate.contents.keyID
        event.details["principals"] = certificate.contents.principals.joined(separator: ",")
        event.details["validBefore"] = certificate.contents.validBefore.instant.description
        return event
    }
}
