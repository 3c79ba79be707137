import AccessControl
import Fabric
import Deployments
import Federation
import Hosts
import Identity
import Resources
import SSHAuthority
import SSHWire
import Sessions
import Vocabulary

extension House {
    /// Tells the services about each other: who issues certificates, who makes identities, who switches sign-in on.
    func connect() {
        self.federation.certificateIssuer = Self.certificateIssuer(self.authority)
        self.federation.desktopHosts = self.desktopNames
        let directory = self.directory
        let hosts = self.hosts
        let resources = self.resources
        hosts.follow(resources)
        hosts.arrivals.subscribe { resources.machineIsReady($0) }
        hosts.cuts.subscribe { [sessions] in sessions.endSignedIn($0.person, on: $0.machine, reason: $0.message) }
        var hooks = ResourceHooks(
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
        hooks.perform = { task, machine in await hosts.perform(task, on: machine) }
        hooks.fabric = self.fabric
        hooks.enrolment = self.enrolment
        hooks.clientID = { id in try? await directory.servicePrincipal(id)?.appID }
        let url = self.configuration.publicURL
        hooks.joinAdvice = { machine in
            "Join it: 'sallyport host token --machine \(machine)' on the server prints a token, and on the machine "
                + "'sally-agent join --server \(url) --token-file FILE' uses it."
        }
        resources.hooks = hooks
        resources.resume()
    }

    // Who turns the keys of an order into certificates, and what those who ask hear when nobody does.
    private static func certificateIssuer(_ authority: SSHAuthority) -> CertificateIssuer {
        CertificateIssuer { order in
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
    }

    /// How a machine that is being made joins: a token of its own, and the authority behind this server's certificate.
    private var enrolment: @Sendable (ResourcePath) async throws -> MachineOrder.Enrolment? {
        let registry = self.registry
        let configuration = self.configuration
        return { machine in
            // With a certificate of the operator's own, machines trust who the system trusts and use the public name.
            let isOwn = configuration.tlsFiles == nil
            let authority = isOwn ? try PrivateFiles.read(configuration.dataDirectory + "/tls/ca.pem") ?? "" : ""
            return MachineOrder.Enrolment(
                port: configuration.port,
                serverName: isOwn ? TLSFiles.nameForMachines : configuration.publicHost,
                authority: authority,
                token: try await registry.makeJoinToken(for: machine, lifetime: .seconds(1800), by: .system)
            )
        }
    }

    /// What deployments ask the directory: whoever deploys as they are now, and what kind of principal somebody is.
    static func deploymentHooks(_ directory: Directory) -> DeploymentHooks {
        DeploymentHooks(
            current: { subject in
                try await directory.isEnabled(subject.id) ? try await directory.subject(subject.id) : nil
            },
            principalType: { id in
                switch try await directory.principal(id) {
                case .user: .user
                case .group: .group
                case .servicePrincipal: .servicePrincipal
                case nil: nil
                }
            }
        )
    }
}
