import AccessControl
import Federation
import HTTPTypes
import Resources
import Vocabulary

/// Tags apart from the resource: `{scope}/providers/Microsoft.Resources/tags/default`. Source: Azure tags REST, 2021-04-01.
extension ResourceRoutes {
    func tags(at scope: ResourcePath, _ rest: [String], _ call: ResourceCall) async throws(Problem) -> ARMResponse {
        guard rest.count == 2, rest[1].lowercased() == "default" else {
            throw Problem(
                "ResourceNotFound",
                shown: "Tags have the name 'default': there is nothing at '\(call.request.path)'."
            )
        }
        switch call.request.method {
        case .get, .head:
            return .ok(Self.document(try self.resources.tags(at: scope, for: call.caller.subject), at: scope))
        case .put:
            return try await self.change(.replace, at: scope, call)
        case .patch:
            let word = call.request.body?.member("operation")?.string?.lowercased()
            guard let change = TagChange.allCases.first(where: { $0.rawValue.lowercased() == word }) else {
                let words = TagChange.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem(
                    "InvalidRequestContent",
                    shown: "The request content was invalid: 'operation' must be one of \(words)."
                )
            }
            return try await self.change(change, at: scope, call)
        case .delete:
            try await self.resources.deleteTags(at: scope, by: call.author)
            return ARMResponse(status: .ok)
        default:
            throw .methodNotAllowed(call.request)
        }
    }

    /// `GET /subscriptions/{id}/tagNames`: every name and value in use on what the caller may read.
    func tagNames(_ subscription: GUID, _ call: ResourceCall) throws(Problem) -> ARMResponse {
        guard call.request.method == .get else { throw .methodNotAllowed(call.request) }
        guard let scope = ResourcePath("/subscriptions/\(subscription)") else { throw .methodNotAllowed(call.request) }
        let groups = try self.resources.list(type: Self.groupType, below: scope, for: call.caller.subject)
        let others = try self.resources.list(type: nil, below: scope, for: call.caller.subject)
        var names: [String: (spelled: String, values: [String: Int64])] = [:]
        for (name, value) in (groups + others).flatMap(\.tags) {
            names[name.lowercased(), default: (name, [:])].values[value, default: 0] += 1
        }
        func count(_ number: Int64) -> JSONValue { ["type": "Total", "value": .integer(number)] }
        return .list(
            names.sorted { $0.key < $1.key }.map { _, tag in
                let id = "\(scope)/tagNames/\(tag.spelled)"
                let values: [JSONValue] = tag.values.sorted { $0.key < $1.key }.map { value, number in
                    [
                        "id": .string("\(id)/tagValues/\(value)"), "tagValue": .string(value), "count": count(number),
                    ]
                }
                return [
                    "id": .string(id), "tagName": .string(tag.spelled),
                    "count": count(tag.values.values.reduce(0, +)), "values": .array(values),
                ]
            }
        )
    }

    private func change(_ change: TagChange, at scope: ResourcePath, _ call: ResourceCall)
        async throws(Problem) -> ARMResponse
    {
        let sent = call.request.properties?.member("tags") ?? [:]
        let tags = try await self.resources.changeTags(at: scope, change, sent, by: call.author)
        return .ok(Self.document(tags, at: scope))
    }

    private static func document(_ tags: [String: String], at scope: ResourcePath) -> JSONValue {
        let above = scope == .root ? "" : scope.description
        return [
            "id": .string("\(above)/providers/Microsoft.Resources/tags/default"), "name": "default",
            "type": "Microsoft.Resources/tags", "properties": ["tags": .object(tags.mapValues { .string($0) })],
        ]
    }
}
