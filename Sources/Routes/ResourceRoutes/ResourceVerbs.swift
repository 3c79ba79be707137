import AccessControl
public import Federation
import HTTPTypes
public import Resources
public import Vocabulary

/// A POST on a resource, after the decision that it may be made.
public struct ResourceActionRequest: Sendable {
    /// On what.
    public let resource: Resource
    /// The document in the body; an empty object when there is none.
    public let body: JSONValue
    /// Who asks.
    public let caller: Caller
    /// The network address that it came from.
    public let source: String
    /// Joins what belongs together.
    public let correlation: GUID
}

/// What a POST on a resource does; the answer is the body of a 200, or nil for 204.
public typealias ResourceAction = @Sendable (ResourceActionRequest) async throws(Problem) -> JSONValue?

extension ResourceRoutes {
    /// GET, HEAD, PUT, PATCH and DELETE of one resource, of any kind.
    func verb(on path: ResourcePath, _ call: ResourceCall) async throws(Problem) -> ARMResponse {
        switch call.request.method {
        case .get:
            return self.shown(try self.resources.get(path, for: call.caller.subject), call)
        case .head:
            _ = try self.resources.get(path, for: call.caller.subject)
            return .noContent
        case .put:
            return self.written(
                try await self.resources.put(
                    path,
                    body: call.request.body ?? [:],
                    by: call.author,
                    preconditions: call.preconditions
                ),
                call
            )
        case .patch:
            return self.written(
                try await self.resources.patch(
                    path,
                    body: call.request.body ?? [:],
                    by: call.author,
                    preconditions: call.preconditions
                ),
                call
            )
        case .delete:
            switch try await self.resources.delete(path, by: call.author, preconditions: call.preconditions) {
            case .absent: return .noContent
            case .done: return ARMResponse(status: .ok)
            case .started(let operation):
                return .accepted(
                    operation: self.address(of: operation, "operations", call),
                    location: self.address(of: operation, "operationResults", call)
                )
            }
        default:
            throw .methodNotAllowed(call.request)
        }
    }

    /// POST of a verb on a resource.
    func act(_ call: ResourceCall) async throws(Problem) -> ARMResponse {
        let path = call.request.path
        guard let scope = ResourcePath("/" + path.segments.dropLast().joined(separator: "/")), let type = scope.type,
            let named = self.resources.actionType(of: type)
        else { throw .methodNotAllowed(call.request) }
        try self.resources.require(.post(path.name, of: named), at: scope, for: call.caller.subject)
        let resource = try self.resources.get(scope, for: call.caller.subject)
        try self.resources.checkLocks(.write, at: scope)
        if let answer = self.effective(path.name, of: resource) { return answer }
        guard let action = self.actions["\(type)/\(path.name)".lowercased()] else {
            let wish = ActionCall(body: call.request.body ?? [:], options: call.request.options, author: call.author)
            switch try await self.resources.act(path.name, on: scope, wish) {
            case .done(let document): return document.map(ARMResponse.ok) ?? .noContent
            case .started(let operation):
                return .accepted(
                    operation: self.address(of: operation, "operations", call),
                    location: self.address(of: operation, "operationResults", call)
                )
            }
        }
        let answer = try await action(
            ResourceActionRequest(
                resource: resource,
                body: call.request.body ?? [:],
                caller: call.caller,
                source: call.request.source,
                correlation: call.request.correlation
            )
        )
        return answer.map(ARMResponse.ok) ?? .noContent
    }

    /// `GET {machine}/instanceView`.
    func instanceView(_ call: ResourceCall) throws(Problem) -> ARMResponse {
        let segments = call.request.path.segments.dropLast()
        guard let machine = ResourcePath("/" + segments.joined(separator: "/")) else {
            throw .methodNotAllowed(call.request)
        }
        let found = try self.resources.get(machine, for: call.caller.subject)
        return .ok(
            found.isMachine ? self.resources.instanceView(of: found) : self.resources.instanceView(ofScaleSet: found)
        )
    }

    private func shown(_ resource: Resource, _ call: ResourceCall) -> ARMResponse {
        if let known = call.knows, EntityTags.match(resource.etag, known) {
            return ARMResponse(status: .notModified, headers: [.eTag: resource.etag])
        }
        var answer = ARMResponse.ok(self.document(resource, call))
        answer.headers[.eTag] = resource.etag
        return answer
    }

    func document(_ resource: Resource, _ call: ResourceCall) -> JSONValue {
        let expand = call.request.expand?.lowercased() ?? ""
        let isStatusOnly = call.request.options["statusonly"]?.lowercased() == "true"
        return self.resources.document(
            of: resource,
            expandingInstanceView: expand.contains("instanceview") || isStatusOnly,
            expandingUserData: expand.contains("userdata")
        )
    }

    private func written(_ outcome: PutOutcome, _ call: ResourceCall) -> ARMResponse {
        // Disks are 200 also when they are new: their clients know no 201. Source: Azure disks REST.
        let isNew = outcome.created && outcome.resource.type != "Microsoft.Compute/disks"
        var answer = ARMResponse.put(self.document(outcome.resource, call), created: isNew)
        answer.headers[.eTag] = outcome.resource.etag
        if let operation = outcome.operation {
            answer.headers[.asyncOperation] = self.address(of: operation, "operations", call)
            answer.headers[.retryAfter] = "1"
        }
        return answer
    }
}
