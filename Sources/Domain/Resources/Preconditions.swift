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
        let holds = self.ifMatch.map { list in stored.map { EntityTags.match($0.etag, list) } ?? false } ?? true
        guard holds, !(self.mustBeNew && stored != nil) else {
            throw Problem("PreconditionFailed", shown: "The resource is not in the version that the request demands.")
        }
    }
}

/// Lists of versions, as conditional requests carry them. Source: RFC 9110 section 8.8.3.
public enum EntityTags {
    /// Whether a list of tags, or `*`, holds a version. Weak and strong ones compare the same, because clients drop the mark.
    public static func match(_ etag: String, _ list: String) -> Bool {
        let wanted = Self.opaque(etag[...])
        return list.split(separator: "," as Character)
            .map { $0.drop { $0 == " " } }
            .contains { one in
                let tag = one.prefix { $0 != " " }
                return tag == "*" || Self.opaque(tag) == wanted
            }
    }

    private static func opaque(_ tag: Substring) -> Substring {
        let rest = tag.hasPrefix("W/") ? tag.dropFirst(2) : tag
        return rest.count >= 2 && rest.first == "\"" && rest.last == "\"" ? rest.dropFirst().dropLast() : rest
    }
}
