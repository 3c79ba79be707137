import NIOCore
import RDPWire
import Vocabulary

/// Chooses how CredSSP proves the person to a host.
struct HostSignIn: Sendable {
    let plan: FrontPlan
    let random: RandomSource
    let clock: TimeSource
    let eventLoop: any EventLoop

    /// A CredSSP client for a host with this certificate.
    @Sendable func make(_ credentials: DesktopCredentials, _ certificate: [UInt8]) throws(RDPWireError) -> CredSSPClient
    {
        let binding = try CredSSPClient.channelBinding(ofCertificate: certificate)
        return CredSSPClient(
            mechanism: try self.mechanism(credentials, binding),
            credentials: credentials,
            serverPublicKey: try CredSSPClient.subjectPublicKey(ofCertificate: certificate),
            nonce: self.random.bytes(32),
            // Without a pinned certificate a host in the middle must not be able to choose what is bound.
            oldestVersion: self.plan.pinned == nil ? 5 : 2
        )
    }

    private func mechanism(
        _ credentials: DesktopCredentials,
        _ binding: [UInt8]
    ) throws(RDPWireError) -> any SecurityMechanism {
        switch self.plan.signIn {
        case .kerberos(let call):
            guard let realm = KerberosRealm(name: credentials.domain, host: self.plan.hostName, call: call) else {
                throw .refused(
                    "The machine's name is none that a domain knows. Sign in with '--auth-type password' instead."
                )
            }
            return KerberosMechanism(
                credentials: credentials,
                realm: realm,
                eventLoop: self.eventLoop,
                channelBinding: binding
            )
        case .passwordless, .password:
            return NTLMClient(
                credentials: credentials,
                channelBinding: binding,
                random: self.random,
                clock: self.clock
            )
        }
    }
}
