public import Vocabulary

/// Somebody's right to sign in to a machine: the answer that the machine, the command line and every refusal share.
public struct MachineAccess: Sendable {
    /// Who.
    public let subject: Subject
    /// Whether as an administrator, or as a regular user.
    public let isAdministrator: Bool
    /// The decision with the assignment that gives it.
    public let grounds: Decision.Allowed
}

extension AccessControl {
    /// Whether somebody may sign in to a machine and as what, in the order of Azure: the account, guests, the
    /// administrator's right, the user's.
    ///
    /// The one place that decides this. Refusals begin with what is missing: OpenSSH shows little more than the first
    /// hundred characters of them.
    public func access(of subject: Subject, isEnabled: Bool, to machine: ResourcePath) -> Verdict<MachineAccess> {
        guard isEnabled else { return .refused(.accountDisabled(subject.name)) }
        guard subject.kind != .guest else { return .refused(.guestNotAllowed(subject.name)) }
        for asAdministrator in [true, false] {
            let action = Action.login(to: machine, asAdmin: asAdministrator)
            if case .allowed(let allowed) = self.decide(action, at: machine, for: subject) {
                return .allowed(MachineAccess(subject: subject, isAdministrator: asAdministrator, grounds: allowed))
            }
        }
        return .refused(self.explain(.login(to: machine, asAdmin: false), at: machine, for: subject).loginRefusal)
    }
}

extension Explanation {
    // The words "Azure role not assigned" are Azure's own, at the prompt of SSH.
    fileprivate var loginRefusal: Refusal {
        guard self.denials.isEmpty else { return self.refusal }
        let remedy = "Ask an owner of the machine for one of these roles."
        return Refusal(
            "RoleMissing",
            reason: "Azure role not assigned: \(PrintableText.of(self.subject.name)) has neither "
                + "'Virtual Machine User Login' nor 'Virtual Machine Administrator Login' on \(self.path.name) "
                + "(\(self.path)).",
            remedy: self.nearest.map { "\($0) \(remedy)" } ?? remedy
        )
    }
}

extension Refusal {
    /// The account was switched off.
    public static func accountDisabled(_ name: String) -> Refusal {
        Refusal(
            "AccountDisabled",
            reason: "The account \(PrintableText.of(name)) is disabled.",
            remedy: "Ask an administrator to enable it."
        )
    }

    /// Guests may use a bastion host, and never enter a machine by their account. Source: Azure, "Log in to a Linux
    /// virtual machine with Microsoft Entra ID", limitations.
    public static func guestNotAllowed(_ name: String) -> Refusal {
        Refusal(
            "GuestNotAllowed",
            reason: "\(PrintableText.of(name)) is a guest, and guests cannot log in to machines.",
            remedy: "Use an account of this organisation."
        )
    }
}
