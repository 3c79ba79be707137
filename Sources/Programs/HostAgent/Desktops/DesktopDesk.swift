import AgentWire
import Logging
import NIOPosix
import Vocabulary

/// Carries out the server's wishes for credentials of desktops.
struct DesktopDesk: Sendable {
    let accounts: AccountTable
    let secrets: DesktopSecrets
    /// On hosts without PAM; nil where PAM asks us.
    let command: CredentialCommand?
    /// Whether people of the directory can sign in to desktops now.
    let isReady: @Sendable () -> Bool
    let log: Logger

    /// A credential for one sign-in, or why there is none.
    func answer(_ order: DesktopOrder) async -> DesktopAnswer {
        let account = order.account
        guard self.isReady() else {
            return DesktopAnswer(request: order.request, refusal: .noDesktop(HostFacts.hostname()))
        }
        guard self.accounts.note(account, mayEnter: true) == nil else {
            return DesktopAnswer(request: order.request, refusal: .clash(account.name))
        }
        do {
            if let command { return try await command.credential(for: order) }
            guard let password = self.secrets.issue(to: account.objectId, for: order.session) else {
                return DesktopAnswer(request: order.request, refusal: .tooMany(account.name))
            }
            return DesktopAnswer(request: order.request, user: account.name, password: password)
        } catch {
            self.log.error("no credential", metadata: ["user": "\(account.name)", "because": "\(error)"])
            return DesktopAnswer(request: order.request, refusal: .failed(HostFacts.hostname()))
        }
    }

    /// The program that sets passwords on this host, when there is one.
    static func command(_ configuration: AgentConfiguration) -> CredentialCommand? {
        guard let words = configuration.desktopCredentialCommand, !words.isEmpty else { return nil }
        return CredentialCommand { argument, input throws(HostAgentError) in
            do {
                let outcome = try await NIOThreadPool.singleton.runIfActive {
                    try HostProgram.run(words + [argument], seconds: 4, input: input)
                }
                // What it printed may hold what it was given.
                guard outcome.status == 0 else {
                    throw HostAgentError.program(
                        name: words[0],
                        said: "exit status \(outcome.status) after \(argument)"
                    )
                }
                return outcome.output
            } catch {
                throw error as? HostAgentError ?? .program(name: words[0], said: "not run")
            }
        }
    }
}

extension Refusal {
    static func noDesktop(_ host: String) -> Refusal {
        Refusal(
            "DesktopUnavailable",
            reason: "\(host) has no desktop service that people of the directory can use.",
            remedy: "Ask an administrator to install xrdp on it and to run `sally-agent doctor`."
        )
    }

    fileprivate static func clash(_ name: String) -> Refusal {
        Refusal("AccountClash", reason: "The account of \(name) clashes with one of the machine's own.")
    }

    fileprivate static func tooMany(_ name: String) -> Refusal {
        Refusal(
            "TooManyRequests",
            reason: "Too many sign-ins of \(name) to this machine wait.",
            remedy: "Try again in a minute."
        )
    }

    fileprivate static func failed(_ host: String) -> Refusal {
        Refusal(
            "DesktopCredentialFailed",
            reason: "\(host) could not prepare the sign-in.",
            remedy: "Ask an administrator to look at the agent's log on it."
        )
    }
}
