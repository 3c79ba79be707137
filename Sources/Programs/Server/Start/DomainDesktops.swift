import NIOCore
import RDPWire
import RemoteDesktop
import Resources
import Sessions
import Tunnel
import Vocabulary

extension House {
    /// Gets what somebody gave for a sign-in with an account of the machine's domain, once, when the client is there.
    ///
    /// No login role is asked for, as with every account that is the machine's own; everything else is judged again.
    func domainEntry(_ session: Session) -> FrontPlan.Prepare {
        let sessions = self.sessions
        return { proof in
            guard case .admitted = proof else {
                return .refused(
                    Refusal(
                        "AccessDenied",
                        reason:
                            "This connection file is for an account of the machine's domain, not for a web account.",
                        remedy: "Connect without the web account, or make a new file for it."
                    )
                )
            }
            do {
                switch try await sessions.takeCredentials(of: session.id) {
                case .refused(let refusal): return .refused(refusal)
                case .allowed(let given):
                    return .allowed(
                        DesktopCredentials(user: given.user, domain: given.realm, password: given.password)
                    )
                }
            } catch {
                return .refused(.cannotDecide)
            }
        }
    }

    /// Dials the controller of the domain that a bastion host signs people in to: judged anew each time, and dialled as machines are.
    func callController(for session: Session) -> FrontPlan.CallController {
        let (sessions, resources, dialler) = (self.sessions, self.resources, self.dialler)
        return { eventLoop in
            eventLoop.makeFutureWithTask {
                let controller: Reach
                switch resources.domainController(of: session.bastion) {
                case .refused(let refusal): throw DialError.refused(refusal)
                case .allowed(let reach): controller = reach
                }
                switch try await sessions.admit(session.id, alsoTo: controller.endpoint) {
                case .refused(let refusal): throw DialError.refused(refusal)
                case .allowed(let admitted): return admitted
                }
            }
            .flatMap { dialler.dial(sessions.grant($0), on: eventLoop) }
        }
    }
}

extension Refusal {
    /// The server's own trouble.
    static let cannotDecide = Refusal(
        "ServersUnavailable",
        reason: "The server cannot decide about the sign-in now.",
        remedy: "Try again in a minute."
    )
}
