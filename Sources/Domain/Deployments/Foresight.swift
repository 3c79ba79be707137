import Resources
import TemplateLanguage
import Vocabulary

/// What a deployment would change. Source: Azure Resource Manager, "What-if operation".
extension Deployments {
    /// The changes, sorted by identifier, in the form of the answer.
    func changes(of prepared: Prepared, _ request: DeploymentRequest, in scope: ResourcePath, by author: ChangeAuthor)
        async throws(Problem) -> [JSONValue]
    {
        let outcomes = try await self.resources.putAll(
            prepared.wishes.map { ResourceWish($0.resource.path, $0.body) },
            by: author,
            dryRun: true
        )
        var changes: [String: JSONValue] = [:]
        for outcome in outcomes {
            let path = outcome.resource.path
            let after = Self.shown(outcome.resource)
            guard !outcome.created, let old = self.resources.resource(path) else {
                changes[path.key] = Self.change(path, "Create", after: after)
                continue
            }
            let before = Self.shown(old)
            let delta = Self.delta(before, after, at: "")
            changes[path.key] = Self.change(
                path,
                delta.isEmpty ? "NoChange" : "Modify",
                before: before,
                after: after,
                delta
            )
        }
        for resource in prepared.later {
            let after: JSONValue = [
                "id": .string(resource.path.description), "name": .string(resource.path.name),
                "type": .string(resource.type),
            ]
            let isThere = self.resources.resource(resource.path) != nil
            var change = Self.change(resource.path, isThere ? "Unsupported" : "Create", after: after)
            if isThere {
                change["unsupportedReason"] = "It depends on what is known only while the template is deployed."
            }
            changes[resource.path.key] = change
        }
        if scope.resourceGroup != nil {
            for path in self.others(in: scope, besides: prepared.run) where changes[path.key] == nil {
                guard let resource = self.resources.resource(path), self.isSeen(path, by: author) else { continue }
                let type = request.mode == .complete ? "Delete" : "Ignore"
                changes[path.key] = Self.change(path, type, before: Self.shown(resource))
            }
        }
        return changes.sorted { $0.key < $1.key }.map(\.value)
    }

    private func isSeen(_ path: ResourcePath, by author: ChangeAuthor) -> Bool {
        author.subject.map { self.resources.mayRead(path, $0) } ?? true
    }

    // Without what the server says about every version.
    private static func shown(_ resource: Resource) -> JSONValue {
        var document = resource.document
        document["etag"] = nil
        document["properties"]?["provisioningState"] = nil
        return document
    }

    private static func change(
        _ path: ResourcePath,
        _ type: String,
        before: JSONValue? = nil,
        after: JSONValue? = nil,
        _ delta: [JSONValue] = []
    ) -> JSONValue {
        var change: JSONValue = ["resourceId": .string(path.description), "changeType": .string(type)]
        change["before"] = before
        change["after"] = after
        if !delta.isEmpty { change["delta"] = .array(delta) }
        return change
    }

    private static func delta(_ before: JSONValue, _ after: JSONValue, at place: String) -> [JSONValue] {
        if before == after { return [] }
        switch (before, after) {
        case (.object(let old), .object(let new)):
            return Set(old.keys).union(new.keys).sorted().flatMap { name -> [JSONValue] in
                let path = place.isEmpty ? name : "\(place).\(name)"
                switch (old[name], new[name]) {
                case (nil, let new?): return [Self.entry(path, "Create", nil, new)]
                case (let old?, nil): return [Self.entry(path, "Delete", old, nil)]
                case (let old?, let new?): return Self.delta(old, new, at: path)
                case (nil, nil): return []
                }
            }
        case (.array(let old), .array(let new)):
            var children: [JSONValue] = []
            for index in 0..<max(old.count, new.count) {
                if index >= old.count {
                    children.append(Self.entry("\(index)", "Create", nil, new[index]))
                } else if index >= new.count {
                    children.append(Self.entry("\(index)", "Delete", old[index], nil))
                } else if old[index] != new[index] {
                    var entry = Self.entry("\(index)", "Modify", nil, nil)
                    let inner = Self.delta(old[index], new[index], at: "")
                    if inner.contains(where: { $0["path"]?.string?.isEmpty == false }) {
                        entry["children"] = .array(inner)
                    } else {
                        entry = Self.entry("\(index)", "Modify", old[index], new[index])
                    }
                    children.append(entry)
                }
            }
            var entry = Self.entry(place, "Array", nil, nil)
            entry["children"] = .array(children)
            return [entry]
        default:
            return [Self.entry(place, "Modify", before, after)]
        }
    }

    private static func entry(_ path: String, _ type: String, _ before: JSONValue?, _ after: JSONValue?) -> JSONValue {
        var entry: JSONValue = ["path": .string(path), "propertyChangeType": .string(type)]
        entry["before"] = before
        entry["after"] = after
        return entry
    }
}
