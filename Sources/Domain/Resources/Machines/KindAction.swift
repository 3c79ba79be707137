public import Vocabulary

/// A POST on a resource, after the decision that it may be made.
public struct ActionCall: Sendable {
    /// The document in the body; an empty object when there is none.
    public let body: JSONValue
    /// The options of the query, by name in lower case.
    public let options: [String: String]
    /// Who asks.
    public let author: ChangeAuthor

    /// Describes a call.
    public init(body: JSONValue = [:], options: [String: String] = [:], author: ChangeAuthor) {
        self.body = body
        self.options = options
        self.author = author
    }
}

/// What a POST on a resource did.
public enum ActionOutcome: Sendable {
    /// It is done; the answer's document, when there is one.
    case done(JSONValue?)
    /// It is done when this ends.
    case started(ResourceOperation)
}

/// What a kind of resource does on a POST.
struct KindAction: Sendable {
    let begin: @Sendable (Resources, Resource, ActionCall) async throws(Problem) -> ActionOutcome

    init(_ begin: @escaping @Sendable (Resources, Resource, ActionCall) async throws(Problem) -> ActionOutcome) {
        self.begin = begin
    }

    /// An action that Azure offers and this installation does not, with the sentence that says so.
    static func refused(_ sentence: String) -> KindAction {
        KindAction { _, _, _ throws(Problem) in throw Problem("OperationNotAllowed", shown: sentence) }
    }
}

extension Resources {
    /// Does what a POST of a verb on a resource asks for; the right is asked for by the caller.
    ///
    /// Throws `OperationNotAllowed` for a verb that the resource does not have.
    public func act(_ verb: String, on path: ResourcePath, _ call: ActionCall) async throws(Problem) -> ActionOutcome {
        guard let resource = self.resource(path) else { throw .missing(path) }
        guard let action = self.catalogue.kind(at: path)?.actions[verb.lowercased()] else {
            throw Problem(
                "OperationNotAllowed",
                shown: "'\(PrintableText.of(verb, limit: 64))' is not offered for '\(resource.name)'."
            )
        }
        return try await action.begin(self, resource, call)
    }
}
