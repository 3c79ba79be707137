import AccessControl
import Federation
import Hosts
import Identity
import Resources
import SSHAuthority
import SSHWire
import Vocabulary

extension House {
    /// Tells the services about each other: who issues certificates, who makes identities, who switches sign-in on.
    func connect() {
        let authority = self.authority
        self.federation.certificateIssuer = CertificateIssuer { order in
            do {
                let key = try SSHPublicKey(jsonWebKey: order.key)
                let verdict = try await authority.issueUserCertificate(
                    UserCertificateOrder(
                        subject: order.subject,
                        publicKey: key,
                        source: order.source,
                        correlation: order.correlation,
                        device: order.appID.description
                    )
                )
                switch verdict {
                case .refused(let refusal):
                    return .refused(refusal)
                case .allowed(let issued):
                    let left = issued.validBefore - TimeSource.system.now
                    return .allowed(
                        IssuedCertificate(blobBase64: issued.blobBase64, expiresIn: left.components.seconds)
                    )
                }
            } catch is SSHWireError {
                return .refused(
                    Refusal(
                        "InvalidKey",
                        reason: "The key in 'req_cnf' cannot be certified.",
                        remedy: "Use an RSA key of at least 2048 bits, an ECDSA or an Ed25519 key."
                    )
                )
            } catch {
                return .refused(
                    Refusal(
                        "TemporarilyUnavailable",
                        reason: "The certificate authority is not available.",
                        remedy: "Try again in a minute."
                    )
                )
            }
        }
        let directory = self.directory
        let hosts = self.hosts
        let resources = self.resources
        hosts.follow(resources)
        hosts.arrivals.subscribe { resources.machineIsReady($0) }
        self.resources.hooks = ResourceHooks(
            assignIdentity: { path in
                let identity = try await directory.putManagedIdentity(for: path)
                return (identity.id, directory.tenant.id)
            },
            removeIdentity: { path in _ = try await directory.removeManagedIdentity(for: path) },
            signIn: SignInExtensionDriver(
                enable: { await hosts.enableSignIn($0) },
                disable: { await hosts.disableSignIn($0) }
            ),
            instanceView: { hosts.instanceView($0) }
        )
    }
}
