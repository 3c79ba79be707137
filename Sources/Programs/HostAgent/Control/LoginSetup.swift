import AgentWire
import Logging
import NIOPosix

/// Carries out what the server says about signing in on this host, one change at a time, on a thread where blocking harms nobody.
actor LoginSetup {
    private let setup: HostSetup
    private let log: Logger
    private var isWorking = false
    private var wanted: HostConfiguration?

    /// How far the host has got.
    private(set) var outcome = Outcome(state: .disabled)

    /// How a change came out.
    struct Outcome: Hashable, Sendable {
        var state: HostStatus.LoginState
        var exitCode = 0
        var message = ""
    }

    init(_ setup: HostSetup, log: Logger) {
        self.setup = setup
        self.log = log
        if setup.isEnabled { self.outcome = Outcome(state: .enabled) }
    }

    /// Makes the host as the configuration wants it; when several come at once the last one counts.
    func apply(_ configuration: HostConfiguration) async {
        self.wanted = configuration
        guard !self.isWorking else { return }
        self.isWorking = true
        while let next = self.wanted {
            self.wanted = nil
            let setup = self.setup
            do {
                try await NIOThreadPool.singleton.runIfActive {
                    if next.loginEnabled { try setup.enable(next) } else { try setup.disable() }
                }
                self.outcome = Outcome(state: next.loginEnabled ? .enabled : .disabled)
            } catch {
                self.outcome = Outcome(state: .failed, exitCode: Self.exitCode(of: error), message: "\(error)")
                self.log.error("sign-in could not be set up", metadata: ["because": "\(error)"])
            }
        }
        self.isWorking = false
    }

    /// The extension's exit code for a failure, as the real one's documentation lists them.
    static func exitCode(of error: any Error) -> Int {
        switch error as? HostAgentError {
        case .missing?: 52
        case .configuration?, .system?, .tooLarge?: 53
        case .program?: 21
        case .server?, .notConnected?, .tooLate?, nil: 1
        }
    }
}
