import Vocabulary

extension Problem {
    static func malformedJoin(_ detail: String) -> Problem {
        Problem("InvalidJoinRequest", shown: "The request to join is not well-formed.", logged: detail)
    }

    static let joinToken = Problem(
        "InvalidJoinToken",
        shown: "The join token is unknown, used or expired. Make a new one with `sallyport host token`."
    )

    // One answer for every reason: who guesses learns nothing.
    static func hostAuthentication(_ detail: String) -> Problem {
        Problem("AuthenticationFailed", shown: "The host could not be authenticated.", logged: detail)
    }

    // Said to nobody but a host that has proved to be one; its number may be any.
    static func hostClock(of name: String, saying seconds: Int64, at now: Int64) -> Problem {
        let isBehind = seconds < now
        let apart = UInt64(bitPattern: isBehind ? now &- seconds : seconds &- now)
        return Problem(
            "HostClock",
            shown: "This host's clock is \(apart) seconds \(isBehind ? "behind" : "ahead of") the server's.",
            logged: "the clock of \(name) is \(apart) seconds \(isBehind ? "behind" : "ahead")"
        )
    }

    static func machineNotFound(_ path: ResourcePath) -> Problem {
        Problem("ResourceNotFound", shown: "There is no machine '\(path)'.")
    }
}

extension Refusal {
    static func machineGone(_ machine: ResourcePath) -> Refusal {
        Refusal("MachineUnknown", reason: "The machine \(machine.name) is not registered any more.")
    }

    static func signInOff(_ machine: ResourcePath) -> Refusal {
        Refusal(
            "SignInDisabled",
            reason: "Signing in with the organisation's account is switched off on \(machine.name).",
            remedy: "Ask an administrator to install the extension AADSSHLoginForLinux on it."
        )
    }

    static func identityMissing(_ machine: ResourcePath) -> Refusal {
        Refusal(
            "MachineIdentityMissing",
            reason: "\(machine.name) has no system-assigned managed identity, so it cannot check who may log in.",
            remedy: "Ask an administrator to run `az vm identity assign` for it."
        )
    }

    static let accountUnknown = Refusal("AccountUnknown", reason: "The account is not in the directory any more.")

    static let temporaryPassword = Refusal(
        "AADSTS50055",
        reason: "The password is temporary.",
        remedy: "Sign in with a browser and choose your own one first."
    )

    static func agentAway(_ machine: ResourcePath) -> Refusal {
        Refusal(
            "VMAgentStatusCommunicationError",
            reason: "The agent of \(machine.name) is not connected, so nobody can be signed in to a desktop on it.",
            remedy: "Start the machine, or look at `systemctl status sally-agent` on it."
        )
    }

    static func agentSilent(_ machine: ResourcePath) -> Refusal {
        Refusal(
            "DesktopCredentialTimeout",
            reason: "The agent of \(machine.name) did not prepare the sign-in in time.",
            remedy: "Try again, or look at the agent's log on the machine."
        )
    }

    static func noDesktop(_ machine: ResourcePath) -> Refusal {
        Refusal(
            "DesktopUnavailable",
            reason:
                "\(machine.name) has no desktop service that people of the directory can use, or its agent is too old "
                + "to know of one.",
            remedy: "Install xrdp on it, and a current sally-agent."
        )
    }

    static func desktopNotKnowable(_ machine: ResourcePath) -> Refusal {
        Refusal(
            "DesktopCertificateUnknown",
            reason:
                "The agent of \(machine.name) reports no certificate of its desktop service, so nothing shows that it is "
                + "\(machine.name) that answers.",
            remedy: "Let the service use TLS, and see on the machine what 'sally-agent doctor' says."
        )
    }

    static func nameMismatch(_ typed: String) -> Refusal {
        Refusal(
            "NameMismatch",
            reason: "The user name \(PrintableText.of(typed)) is not that of the certificate's holder.",
            remedy: "Log in with your own user name."
        )
    }

    static func notConnected(_ machine: ResourcePath, hasJoined: Bool) -> Refusal {
        Refusal(
            "VMAgentStatusCommunicationError",
            reason: hasJoined
                ? "The agent of '\(machine.name)' is not connected, so nothing can be installed on it."
                : "The machine '\(machine.name)' has not joined, so nothing can be installed on it.",
            remedy: hasJoined
                ? "Start the machine, or look at `systemctl status sally-agent` on it."
                : "Make a token with `sallyport host token` and run `sally-agent join` on the machine."
        )
    }

    static func identityNeeded(_ machine: ResourcePath) -> Refusal {
        Refusal(
            "VMExtensionProvisioningError",
            reason: "Enable failed with exit code 22: '\(machine.name)' has no system-assigned managed identity.",
            remedy:
                "Delete the failed extension, assign the identity with `az vm identity assign`, and install it again."
        )
    }

    static func extensionFailed(_ code: Int, _ message: String) -> Refusal {
        Refusal(
            "VMExtensionProvisioningError",
            reason: "Enable failed with exit code \(code): \(PrintableText.of(message, limit: 512))"
        )
    }

    static func extensionTimeout(_ machine: ResourcePath) -> Refusal {
        Refusal(
            "VMExtensionProvisioningTimeout",
            reason: "'\(machine.name)' did not report in time whether sign-in works.",
            remedy: "Look at the agent's log on the machine and try again."
        )
    }
}
