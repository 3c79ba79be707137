public import Vocabulary

extension Problem {
    /// The answer to a caller whose decision was a refusal, in the words that clients of Azure Resource Manager know.
    ///
    /// Source: Azure role-based access control, "Troubleshoot", AuthorizationFailed.
    public static func authorizationFailed(
        _ action: Action,
        at path: ResourcePath,
        for subject: Subject,
        _ refusal: Refusal
    ) -> Problem {
        let lacking =
            refusal.code == "ConditionNotFulfilled"
            ? "does not have authorization or an ABAC condition not fulfilled" : "does not have authorization"
        let denied = refusal.code == "DenyAssignment" ? " " + refusal.reason : ""
        return Problem(
            "AuthorizationFailed",
            shown:
                "The client '\(subject.name)' with object id '\(subject.id)' \(lacking) to perform action '\(action)' "
                + "over scope '\(path)' or the scope is invalid. If access was recently granted, please refresh your "
                + "credentials.\(denied) \(refusal.remedy)".trimmedEnd,
            logged: refusal.reason
        )
    }
}

extension AccessControl {
    /// Decides, and throws AuthorizationFailed instead of returning a refusal.
    @discardableResult
    public func require(
        _ action: Action,
        at path: ResourcePath,
        for subject: Subject,
        attributes: RequestAttributes = .none
    ) throws(Problem) -> Decision.Allowed {
        switch self.decide(action, at: path, for: subject, attributes: attributes) {
        case .allowed(let allowed): return allowed
        case .refused(let refusal): throw .authorizationFailed(action, at: path, for: subject, refusal)
        }
    }
}

extension String {
    fileprivate var trimmedEnd: String {
        self.hasSuffix(" ") ? String(self.dropLast()) : self
    }
}
