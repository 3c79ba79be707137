import AccessControl
import Federation
import Hosts
import NIOSSL
import RDPWire
import RemoteDesktop
import Resources
import Sessions
import Vocabulary

extension House {
    /// How the front treats a desktop of an admitted session. Throws when there is no certificate to show.
    func desktopPlan(session: Session, signIn: FrontPlan.SignIn) async throws -> FrontPlan {
        let machine = self.machine(at: session.target, port: session.endpoint.port, through: session.bastion)
        let facts = machine.flatMap { self.hosts.desktopFacts(of: $0) }
        let hostName = facts?.hostName ?? (machine ?? session.target).name
        return FrontPlan(
            signIn: signIn,
            hostName: String(hostName.prefix { $0 != "." }),
            certificate: try self.desktopCertificates.context(for: hostName, at: TimeSource.system.now),
            pinned: facts?.certificate,
            channels: self.desktopChannels(through: session.bastion),
            prepare: self.desktopEntry(session, machine: machine, hostName: hostName)
        )
    }

    /// The side channels that a bastion host leaves open. Source: Azure bastion hosts REST, `disableCopyPaste`.
    func desktopChannels(through bastion: ResourcePath) -> ChannelPolicy {
        let isClosed = self.resources.resource(bastion)?.properties.member("disableCopyPaste")?.bool ?? false
        return ChannelPolicy(clipboard: !isClosed)
    }

    /// The machine that a connection leads to: the target, or what is known here at its address; nil when nothing is.
    func machine(at target: ResourcePath, port: Int, through bastion: ResourcePath) -> ResourcePath? {
        guard target.hostConnectAddress != nil else { return target }
        guard case .allowed(let found) = self.resources.reach(target, port: port, from: bastion, isOpen: true) else {
            return nil
        }
        return found.machine
    }

    // Proof, then person, then the decision of the machine itself, as things are when the client connects.
    private func desktopEntry(
        _ session: Session,
        machine: ResourcePath?,
        hostName: String
    ) -> @Sendable (DesktopProof) async -> Verdict<DesktopCredentials> {
        let federation = self.federation
        let hosts = self.hosts
        let sessions = self.sessions
        return { proof in
            guard let machine else {
                return .refused(
                    Refusal(
                        "AccessDenied",
                        reason:
                            "A web account signs in to machines, and at this address there is none that is known here.",
                        remedy: "Connect to the machine's resource, or sign in with a user name and a password."
                    )
                )
            }
            do {
                if let refusal = try await Self.refusal(of: proof, session, hostName: hostName, federation) {
                    return .refused(refusal)
                }
                switch try await hosts.prepareDesktop(
                    for: session.subject.id,
                    on: machine,
                    session: session.id
                ) {
                case .refused(let refusal):
                    return .refused(refusal)
                case .allowed(let entry):
                    sessions.noteSignIn(session.id, to: machine)
                    return .allowed(
                        DesktopCredentials(user: entry.user, domain: entry.domain, password: entry.password)
                    )
                }
            } catch {
                return .refused(
                    Refusal(
                        "ServersUnavailable",
                        reason: "The server cannot decide about the sign-in now.",
                        remedy: "Try again in a minute."
                    )
                )
            }
        }
    }

    // Whoever opened the way to the machine must be the one who signs in to it: a tunnel is not lent.
    private static func refusal(
        of proof: DesktopProof,
        _ session: Session,
        hostName: String,
        _ federation: Federation
    ) async throws -> Refusal? {
        guard case .assertion(let assertion, let nonce) = proof else { return nil }
        switch try await federation.desktopPerson(assertion: assertion, nonce: nonce, hostName: hostName) {
        case .refused(let refusal):
            return refusal
        case .allowed(let person) where person.id != session.subject.id:
            return Refusal(
                "AccessDenied",
                reason: "\(person.name) signed in to a desktop whose connection \(session.subject.name) opened.",
                remedy: "Use the same account for both."
            )
        case .allowed:
            return nil
        }
    }
}
