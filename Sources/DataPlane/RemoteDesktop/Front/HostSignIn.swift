import RDPWire
import Vocabulary

/// Chooses how CredSSP proves the person to a host.
struct HostSignIn: Sendable {
    let plan: FrontPlan
    let random: RandomSource
    let clock: TimeSource

    /// A CredSSP client for a host with this certificate.
    @Sendable func make(_ credentials: DesktopCredentials, _ certificate: [UInt8]) throws(RDPWireError) -> CredSSPClient
    {
        let binding = try CredSSPClient.channelBinding(ofCertificate: certificate)
        return CredSSPClient(
            mechanism: self.mechanism(credentials, binding),
            credentials: credentials,
            serverPublicKey: try CredSSPClient.subjectPublicKey(ofCertificate: certificate),
            nonce: self.random.bytes(32),
            // Without a pinned certificate a host in the middle must not be able to choose what is bound.
            oldestVersion: self.plan.pinned == nil ? 5 : 2
        )
    }

    private func mechanism(_ credentials: DesktopCredentials, _ binding: [UInt8]) -> any SecurityMechanism {
        guard let realm = self.plan.kerberos else {
            return NTLMClient(
                credentials: credentials,
                channelBinding: binding,
                random: self.random,
                clock: self.clock
            )
        }
        // Hosts are known to their realm by full names, whose end is the realm's own.
        let name = self.plan.hostName
        let host = name.contains(".") ? name : "\(name).\(realm.name.lowercased())"
        return KerberosMechanism(credentials: credentials, realm: realm, host: host, channelBinding: binding)
    }
}
