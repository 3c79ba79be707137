public import Vocabulary

/// What is wrong with a template, where, and what to do about it.
///
/// Holds names and places, never values: a value may be a password that came in as a parameter.
public struct TemplateError: Error, Sendable, Hashable {
    /// The sentence that says what is wrong, with a full stop.
    public let reason: String
    /// The path in the document, for example `resources[2].properties.subnets[0].name`; empty while it is not known.
    public private(set) var place: String
    /// The byte in the expression at which it went wrong, counted from 1; nil when it is not about one byte.
    public private(set) var position: Int?

    /// Says what is wrong.
    public init(_ reason: String, at place: String = "", position: Int? = nil) {
        self.reason = reason
        self.place = place
        self.position = position
    }

    /// The same error in a place, unless it already knows a nearer one.
    func inside(_ place: String) -> TemplateError {
        guard self.place.isEmpty else { return self }
        return TemplateError(self.reason, at: place, position: self.position)
    }

    /// The same error at a byte of its expression, unless it already knows one.
    func at(position: Int) -> TemplateError {
        guard self.position == nil else { return self }
        return TemplateError(self.reason, at: self.place, position: position)
    }

    /// The whole sentence.
    public var sentence: String {
        var sentence = "Deployment template validation failed: \(self.reason)"
        if !self.place.isEmpty { sentence += " At '\(PrintableText.of(self.place))'" }
        if let position = self.position {
            sentence += self.place.isEmpty ? " At" : ","; sentence += " byte \(position) of the expression"
        }
        if !self.place.isEmpty || self.position != nil { sentence += "." }
        return sentence
    }

    /// The answer to whoever sent the template: `InvalidTemplate`.
    public var problem: Problem {
        Problem("InvalidTemplate", shown: self.sentence)
    }
}
