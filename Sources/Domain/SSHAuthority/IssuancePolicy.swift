import Identity
public import SSHWire
import Vocabulary

/// Decides what a certificate may say, and for whom one may be made at all. Pure: the same order gives the same answer.
public struct IssuancePolicy: Sendable, Hashable {
    /// How long a user's certificate lasts unless told otherwise.
    public var userLifetime: Duration
    /// How long a user's certificate lasts at most; longer wishes are cut.
    public var longestUserLifetime: Duration
    /// How long a host's certificate lasts.
    ///
    /// Clients keep no revocation list for hosts, so this is how long a stolen host key would be believed. A week bridges a long outage of
    /// the server, and agents renew whenever they connect.
    public var hostLifetime: Duration
    /// How far before now validity starts, for clocks that are slow.
    public var backdating: Duration
    /// What the holder may do.
    public var permissions: [SSHCertificateOption]
    /// The fewest bits of an RSA key.
    public var smallestRSA: Int

    /// One hour for users, a week for hosts, a terminal, port forwarding, and `ssh -A`, which is for the person at the keyboard to ask for.
    public init(
        userLifetime: Duration = .seconds(3600),
        longestUserLifetime: Duration = .seconds(8 * 3600),
        hostLifetime: Duration = .seconds(7 * 86_400),
        backdating: Duration = .seconds(300),
        permissions: [SSHCertificateOption] = [.permitPTY, .permitPortForwarding, .permitAgentForwarding],
        smallestRSA: Int = 2048
    ) {
        self.userLifetime = userLifetime
        self.longestUserLifetime = longestUserLifetime
        self.hostLifetime = hostLifetime
        self.backdating = backdating
        self.permissions = permissions
        self.smallestRSA = smallestRSA
    }

    /// Judges an order for a holder as the directory knows it, nil when it does not; gives what the certificate will say.
    func judge(
        _ order: UserCertificateOrder,
        for holder: Holder?,
        authorities: [SSHPublicKey],
        at now: Instant,
        numbers: CertificateNumbers
    ) -> Verdict<SSHCertificate.Contents> {
        guard let holder else { return .refused(.unknownAccount(order.subject)) }
        guard holder.isEnabled else { return .refused(.disabledAccount(holder.name)) }
        guard !holder.isGuest else { return .refused(.guest(holder.name)) }
        if let refusal = self.objection(to: order.publicKey, authorities: authorities) {
            return .refused(refusal)
        }
        let life = min(max(order.lifetime ?? self.userLifetime, .seconds(1)), self.longestUserLifetime)
        let contents = SSHCertificate.Contents(
            key: order.publicKey,
            serial: numbers.serial,
            kind: .user,
            keyID: Self.keyID(holder.name, order.device, numbers.request),
            principals: [holder.login, holder.id.description],
            validAfter: SSHTime(now - self.backdating),
            validBefore: SSHTime(now + life),
            // Nothing of ours: sshd writes a log line at each login for an extension that it does not know.
            extensions: self.permissions.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        )
        return Self.checked(contents)
    }

    /// What a host's certificate will say. Names are compared in lower case by clients, so that is how they are written.
    func judge(
        host: ResourcePath,
        key: SSHPublicKey,
        principals: [String],
        authorities: [SSHPublicKey],
        at now: Instant,
        numbers: CertificateNumbers
    ) -> Verdict<SSHCertificate.Contents> {
        if let refusal = self.objection(to: key, authorities: authorities) {
            return .refused(refusal)
        }
        var names: [String] = []
        for name in principals.map({ $0.lowercased() }) where !names.contains(name) {
            names.append(name)
        }
        let contents = SSHCertificate.Contents(
            key: key,
            serial: numbers.serial,
            kind: .host,
            keyID: Self.keyID(host.name, "host", numbers.request),
            principals: names,
            validAfter: SSHTime(now - self.backdating),
            validBefore: SSHTime(now + self.hostLifetime)
        )
        return Self.checked(contents)
    }

    private func objection(to key: SSHPublicKey, authorities: [SSHPublicKey]) -> Refusal? {
        // A certificate for an authority's own key would let whoever holds one be both.
        guard !authorities.contains(key) else { return .authorityKey }
        guard key.type != .rsa || key.bits >= self.smallestRSA else { return .weakKey(self.smallestRSA) }
        return nil
    }

    private static func checked(_ contents: SSHCertificate.Contents) -> Verdict<SSHCertificate.Contents> {
        do {
            try contents.check()
            return .allowed(contents)
        } catch {
            return .refused(.unfit(error))
        }
    }

    /// What logs of servers show: who, from what, and an identifier that is in the audit and nowhere twice.
    private static func keyID(_ name: String, _ device: String, _ request: GUID) -> String {
        let words = [name, device].map { word in
            PrintableText.of(word, limit: 128).split(whereSeparator: \.isWhitespace).joined(separator: "-")
        }
        return "\(words[0]) device=\(words[1].isEmpty ? "unknown" : words[1]) request=\(request)"
    }
}

/// The numbers that tell a certificate from every other.
struct CertificateNumbers: Sendable {
    let serial: UInt64
    let request: GUID

    /// Draws a serial from 1 up to the greatest number that a column can hold.
    init(from random: RandomSource) {
        let bits = random.bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        self.serial = max(1, bits & UInt64(Int64.max))
        self.request = GUID(from: random)
    }
}

/// Somebody a certificate is for, as the directory knows them at this moment.
struct Holder: Sendable {
    let id: GUID
    /// The name for people.
    let name: String
    /// The first principal: what clients log in as.
    let login: String
    let isEnabled: Bool
    let isGuest: Bool

    init(_ user: User) {
        self.id = user.id
        self.name = user.userPrincipalName.lowercased()
        self.login = self.name
        self.isEnabled = user.accountEnabled
        self.isGuest = user.isGuest
    }

    init(_ principal: ServicePrincipal) {
        self.id = principal.id
        self.name = principal.displayName
        self.login = principal.appID.description
        self.isEnabled = principal.accountEnabled
        self.isGuest = false
    }
}
