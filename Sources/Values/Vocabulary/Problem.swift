/// Something that went wrong, in the two halves it needs: what a person may see, and what only the log may hold.
///
/// Two problems are equal when their codes are. Routes turn a problem into the envelope their protocol wants.
public struct Problem: Error, Sendable {
    /// A stable code in the field's own spelling, for example `ResourceNotFound` or `AADSTS50126`.
    public let code: String
    /// A sentence that is safe to show and says what to do.
    public let shown: String
    /// Private detail for the log; never shown, never a secret.
    public let logged: String
    /// What it is about, as an identifier or the path of a member; nil when the request says it.
    public let target: String?
    /// The problems that it sums up.
    public let details: [Problem]

    /// Makes a problem.
    public init(_ code: String, shown: String, logged: String = "", target: String? = nil, details: [Problem] = []) {
        self.code = code
        self.shown = shown
        self.logged = logged
        self.target = target
        self.details = details
    }
}

extension Problem: Equatable {
    public static func == (left: Problem, right: Problem) -> Bool {
        left.code == right.code
    }
}

/// Why somebody may not do something: a result, not an error.
public struct Refusal: Hashable, Sendable, Codable {
    /// A stable code, for example `RoleMissing`, `AccountDisabled`, `GuestNotAllowed`.
    public let code: String
    /// One sentence in plain words: who, what is missing, on what.
    public let reason: String
    /// One sentence that says what to do about it.
    public let remedy: String

    /// Makes a refusal.
    public init(_ code: String, reason: String, remedy: String = "") {
        self.code = code
        self.reason = reason
        self.remedy = remedy
    }

    /// Reason and remedy as one line.
    public var sentence: String {
        self.remedy.isEmpty ? self.reason : self.reason + " " + self.remedy
    }
}

/// The outcome of a judgement: a value, or the reason why not.
public enum Verdict<Value> {
    /// Yes, with what follows from it.
    case allowed(Value)
    /// No, and why.
    case refused(Refusal)
}

extension Verdict: Sendable where Value: Sendable {}
