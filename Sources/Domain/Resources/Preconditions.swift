import Vocabulary

/// What a PUT may demand of the version that is there. Source: RFC 9110 section 13.1.
public struct Preconditions: Sendable, Hashable {
    /// The version must be this one; `*` for any.
    public var ifMatch: String?
    /// There must be none yet.
    public var mustBeNew: Bool

    /// Demands nothing unless told.
    public init(ifMatch: String? = nil, mustBeNew: Bool = false) {
        self.ifMatch = ifMatch
        self.mustBeNew = mustBeNew
    }

    func check(_ stored: Resource?) throws(Problem) {
        let holds =
            if let ifMatch = self.ifMatch { stored != nil && (ifMatch == "*" || ifMatch == stored?.etag) } else { true }
        guard holds, !(self.mustBeNew && stored != nil) else {
            throw Problem("PreconditionFailed", shown: "The resource is not in the version that the request demands.")
        }
    }
}
