import AccessControl
import Federation
import Hosts
import NIOSSL
import RDPWire
import RemoteDesktop
import Resources
import Sessions
import Synchronization
import Vocabulary

extension House {
    /// How the front treats a desktop of an admitted session. Throws when there is no certificate to show.
    func desktopPlan(session: Session, signIn: GatewaySignIn) async throws -> FrontPlan {
        let machine = self.machine(at: session.target, port: session.endpoint.port, through: session.bastion)
        let credential = LentCredential()
        let facts = machine.flatMap { self.hosts.desktopFacts(of: $0) }
        let hostName = facts?.hostName ?? self.writtenHostName(of: machine ?? session.target)
        let front: FrontPlan.SignIn =
            switch signIn {
            case .password: .password
            case .passwordless: .passwordless
            case .domain: .kerberos(self.callController(for: session))
            }
        return FrontPlan(
            signIn: front,
            hostName: hostName,
            certificate: try self.desktopCertificates.context(for: hostName, at: TimeSource.system.now),
            pinned: facts?.certificate,
            channels: self.desktopChannels(through: session.bastion),
            settled: { credential.giveBack() },
            prepare: signIn == .domain
                ? self.domainEntry(session)
                : self.desktopEntry(
                    session,
                    machine: machine,
                    hostName: hostName,
                    pinned: facts?.certificate,
                    credential
                )
        )
    }

    /// The name of a machine from which nobody has heard: what its resource says, or what that is called.
    func writtenHostName(of machine: ResourcePath) -> String {
        self.resources.resource(machine)?.properties["osProfile"]?["computerName"]?.string ?? machine.name
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
        hostName: String,
        pinned: [UInt8]?,
        _ credential: LentCredential
    ) -> FrontPlan.Prepare {
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
                if let refusal = try await Self.refusal(of: proof, session, hostName, machine, federation) {
                    return .refused(refusal)
                }
                // What the credential is for is the host that was pinned when it was called, and no other.
                guard hosts.desktopFacts(of: machine)?.certificate == pinned else {
                    return .refused(.desktopChanged(machine))
                }
                switch try await hosts.prepareDesktop(
                    for: session.subject.id,
                    on: machine,
                    session: session.id
                ) {
                case .refused(let refusal):
                    return .refused(refusal)
                case .allowed(let entry):
                    credential.lend { hosts.desktopSettled(entry, on: machine) }
                    sessions.noteSignIn(session.id, to: machine)
                    return .allowed(
                        DesktopCredentials(user: entry.user, domain: entry.domain, password: entry.password)
                    )
                }
            } catch {
                return .refused(.cannotDecide)
            }
        }
    }

    // Whoever opened the way to the machine must be the one who signs in to it: a tunnel is not lent.
    private static func refusal(
        of proof: DesktopProof,
        _ session: Session,
        _ hostName: String,
        _ machine: ResourcePath,
        _ federation: Federation
    ) async throws -> Refusal? {
        guard case .assertion(let assertion, let nonce) = proof else { return nil }
        let verdict = try await federation.desktopPerson(
            assertion: assertion,
            nonce: nonce,
            hostName: hostName,
            machine: machine
        )
        switch verdict {
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

/// A credential between its making and the moment when its machine can take it back; each end may come first.
private final class LentCredential: Sendable {
    private enum State {
        case none
        case lent(@Sendable () -> Void)
        case over
    }

    private let state = Mutex(State.none)

    /// There is one now.
    func lend(_ giveBack: @escaping @Sendable () -> Void) {
        let isOver = self.state.withLock { state in
            if case .over = state { return true }
            state = .lent(giveBack)
            return false
        }
        if isOver { giveBack() }
    }

    /// Nobody needs it any more.
    func giveBack() {
        let giveBack: (@Sendable () -> Void)? = self.state.withLock { state in
            defer { state = .over }
            if case .lent(let giveBack) = state { return giveBack }
            return nil
        }
        giveBack?()
    }
}

extension Refusal {
    fileprivate static func desktopChanged(_ machine: ResourcePath) -> Refusal {
        Refusal(
            "DesktopCertificateChanged",
            reason: "The agent on \(machine.name) has reported another certificate since this connection began.",
            remedy: "Connect again."
        )
    }
}
