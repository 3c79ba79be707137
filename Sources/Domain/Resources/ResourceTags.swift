import AccessControl
public import Vocabulary

/// What a PATCH of tags does with those that are sent. Source: Azure tags REST, "Tags - Update At Scope".
public enum TagChange: String, Sendable, CaseIterable {
    /// Those that are sent are all there is.
    case replace = "Replace"
    /// Those that are sent are added, or replace those of the same name.
    case merge = "Merge"
    /// Those that are sent go, if their value is the same.
    case delete = "Delete"
}

/// Tags apart from the resource: whoever may write tags needs no right on the resource itself.
extension Resources {
    /// The tags at a scope: a subscription, a group or any resource.
    public func tags(at scope: ResourcePath, for subject: Subject) throws(Problem) -> [String: String] {
        try self.accessControl.admit(.read(Self.tagsType), at: scope, for: subject)
        guard let resource = self.resource(scope) else { throw .missing(scope) }
        return resource.tags
    }

    /// Changes the tags at a scope and returns them as they are then.
    @discardableResult
    public func changeTags(
        at scope: ResourcePath,
        _ change: TagChange,
        _ sent: JSONValue,
        by author: ChangeAuthor
    ) async throws(Problem) -> [String: String] {
        try await self.perform(by: author, "tags.write", scope) { plan throws(Problem) in
            try plan.authorize(.write(Self.tagsType), at: scope)
            try plan.checkLocks(.write, at: scope)
            return try plan.changeTags(at: scope, change, sent)
        }
    }

    /// Removes every tag at a scope.
    public func deleteTags(at scope: ResourcePath, by author: ChangeAuthor) async throws(Problem) {
        _ = try await self.perform(by: author, "tags.delete", scope) { plan throws(Problem) in
            try plan.authorize(.delete(Self.tagsType), at: scope)
            try plan.checkLocks(.write, at: scope)
            return try plan.changeTags(at: scope, .replace, [:])
        }
    }

    private static let tagsType = "Microsoft.Resources/tags"
}

extension Plan {
    fileprivate mutating func changeTags(at scope: ResourcePath, _ change: TagChange, _ sent: JSONValue)
        throws(Problem) -> [String: String]
    {
        guard var resource = self[scope], let kind = self.catalogue.kind(at: scope) else { throw .missing(scope) }
        guard kind.isTracked || kind.type == ResourceKind.subscription.type else {
            throw Problem("OperationNotAllowed", shown: "Resources of type '\(kind.type)' take no tags.")
        }
        let tags = try Self.readTags(sent)
        var result = change == .replace ? [:] : resource.tags
        for (name, value) in tags {
            // Names compare in any letter case, values do not.
            let known = result.keys.first { $0.lowercased() == name.lowercased() }
            switch change {
            case .replace, .merge:
                if let known, known != name { result[known] = nil }
                result[name] = value
            case .delete:
                if let known, result[known] == value { result[known] = nil }
            }
        }
        guard result.count <= 50 else {
            throw Problem("InvalidTags", shown: "'\(resource.name)' would have \(result.count) tags; 50 are allowed.")
        }
        resource.tags = result
        self.store(resource, as: "tags.write")
        return result
    }
}
