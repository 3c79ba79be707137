public import Vocabulary

/// Who asks for a change, for the decision and for the audit.
public struct ChangeAuthor: Sendable {
    /// The identity whose rights count; nil for the system itself, which may do everything.
    public let subject: Subject?
    /// The name for the audit.
    public let name: String
    /// The network address it came from.
    public let source: String
    /// Joins the audit lines of one request.
    public let correlation: String

    /// Somebody with an identity.
    public static func subject(_ subject: Subject, source: String = "", correlation: String = "") -> ChangeAuthor {
        ChangeAuthor(subject: subject, name: subject.name, source: source, correlation: correlation)
    }

    /// The system itself: declared resources, machines that joined. Nothing from a network may come in under this name.
    public static let system = ChangeAuthor(subject: nil, name: "system", source: "", correlation: "")

    /// Whether this is the system itself.
    public var isSystem: Bool { self.subject == nil }
}
