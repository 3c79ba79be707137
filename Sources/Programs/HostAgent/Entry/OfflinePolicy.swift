import AgentWire
import Synchronization
import Vocabulary

/// Decides while the server cannot be asked: whoever could log in at the last contact still can, for a stated time.
final class OfflinePolicy: Sendable {
    private struct State {
        var lastContact: Instant?
        var longest: Duration
    }

    private let state: Mutex<State>

    /// Makes a policy; `longest` is how long decisions hold after the last contact.
    init(lastContact: Instant? = nil, longest: Duration = .seconds(600)) {
        self.state = Mutex(State(lastContact: lastContact, longest: longest))
    }

    /// The server was heard.
    func heard(at now: Instant) {
        self.state.withLock { $0.lastContact = now }
    }

    /// The server says how long decisions hold; more than a day is not believed.
    func hold(for longest: Duration) {
        self.state.withLock { $0.longest = min(max(longest, .zero), .seconds(86_400)) }
    }

    /// When the server was heard last.
    var lastContact: Instant? { self.state.withLock { $0.lastContact } }

    /// The decision about a person.
    func decide(_ person: AccountBook.Person, at now: Instant) -> EntryDecision {
        let (lastContact, longest) = self.state.withLock { ($0.lastContact, $0.longest) }
        // A contact in the future is a clock that was set back: it must not make the time longer.
        guard let lastContact, now - lastContact <= longest, lastContact - now <= longest else {
            return EntryDecision(
                allowed: false,
                refusal: Refusal(
                    "ServerUnreachable",
                    reason: "This machine has not reached its Sallyport server for too long, so it cannot say whether "
                        + "\(person.account.name) may sign in.",
                    remedy: "Ask an administrator to run `sally-agent doctor` on it."
                )
            )
        }
        guard person.mayEnter else {
            return EntryDecision(
                allowed: false,
                refusal: Refusal(
                    "RoleMissing",
                    reason:
                        "\(person.account.name) has no login role on this machine, as far as it knows: its server cannot be "
                        + "reached.",
                    remedy: "Try again when the server is back."
                )
            )
        }
        return EntryDecision(allowed: true, administrator: person.account.administrator, account: person.account)
    }
}
