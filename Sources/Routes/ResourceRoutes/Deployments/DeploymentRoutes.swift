public import Deployments
import Federation
import HTTPTypes
public import Hummingbird
public import Resources
import Vocabulary

/// Deployments over HTTP, in resource groups and subscriptions. Source: Azure Resources REST, "Deployments".
///
/// Add it to a router before `ResourceRoutes`, which takes every other path of the resource manager.
public struct DeploymentRoutes: Sendable {
    private let deployments: Deployments
    private let resources: Resources
    private let conventions: ARMConventions
    private let origin: String
    private let authenticate: Authenticate

    /// - Parameters:
    ///   - origin: Scheme, host and port of absolute addresses in answers, without a slash at the end.
    ///   - authenticate: Turns an `Authorization` header into who asks.
    public init(
        deployments: Deployments,
        resources: Resources,
        conventions: ARMConventions,
        origin: String,
        authenticate: @escaping Authenticate
    ) {
        self.deployments = deployments
        self.resources = resources
        self.conventions = conventions
        self.origin = origin
        self.authenticate = authenticate
    }

    /// Takes `…/providers/Microsoft.Resources/deployments/…` and `/providers/Microsoft.Resources/calculateTemplateHash`.
    public func add<Context: RequestContext>(to router: Router<Context>) {
        router.add(
            middleware: ARMMiddleware<Context>(accepts: { Self.isOurs($0) }, respond: { await self.respond($0) })
        )
    }

    private static func isOurs(_ path: ResourcePath) -> Bool {
        guard let provider = Self.provider(of: path), provider.namespace.lowercased() == "microsoft.resources" else {
            return false
        }
        let first = provider.rest.first?.lowercased()
        return first == "deployments" || (first == "calculatetemplatehash" && provider.scope == .root)
    }

    // Operations of deployments to groups stand at `{group}/deployments/{name}/operations` too, without a provider.
    private static func provider(of path: ResourcePath) -> (scope: ResourcePath, namespace: String, rest: [String])? {
        let segments = path.segments
        guard path.resourceGroup != nil, segments.count > 4, segments[4].lowercased() == "deployments",
            let scope = ResourcePath("/" + segments[..<4].joined(separator: "/"))
        else { return path.provider }
        return (scope, "Microsoft.Resources", Array(segments[4...]))
    }

    private func respond(_ request: Request) async -> Response {
        let response = await self.conventions.answer(request, authenticate: self.authenticate) {
            read,
            caller throws(Problem) in
            try await self.answer(ResourceCall(request: read, caller: caller, preconditions: Preconditions()))
        }
        guard request.method == .head else { return response }
        return Response(status: response.status, headers: response.headers)
    }

    private func answer(_ call: ResourceCall) async throws(Problem) -> ARMResponse {
        guard let provider = Self.provider(of: call.request.path) else { throw .methodNotAllowed(call.request) }
        guard provider.rest.first?.lowercased() == "deployments" else { return try Self.hash(call) }
        let rest = Array(provider.rest.dropFirst())
        // Spelled as the group was made, whatever the client writes.
        let scope = self.resources.resource(provider.scope)?.path ?? provider.scope
        guard let subscription = scope.subscription else {
            throw Problem(
                "InvalidDeploymentScope",
                shown: "Templates are deployed to a subscription or a resource group."
            )
        }
        if rest.count == 3, rest[1].lowercased() == "operationstatuses" {
            // Whoever began a deployment may watch it, also when it took their last role away.
            return try await self.status(Self.path(scope, rest[0]), rest[2], call)
        }
        guard self.resources.canSee(subscription: subscription, call.caller.subject) else {
            throw Problem("SubscriptionNotFound", shown: "The subscription '\(subscription)' could not be found.")
        }
        guard let name = rest.first else { return try await self.list(scope, call) }
        let path = Self.path(scope, name)
        switch (call.request.method, rest.count, rest.dropFirst().first?.lowercased()) {
        case (_, 1, _): return try await self.verb(on: path, call)
        case (.post, 2, let action?): return try await self.act(action, path, call)
        case (.get, 2, "operations"):
            let found = try await self.deployments.operations(of: path, for: call.caller.subject)
            return .list(found.map { $0.document(in: path) })
        case (.get, 3, "operations"):
            let found = try await self.deployments.operations(of: path, for: call.caller.subject)
            guard let one = found.first(where: { $0.name.lowercased() == rest[2].lowercased() }) else {
                throw Problem(
                    "DeploymentOperationNotFound",
                    shown: "The operation '\(PrintableText.of(rest[2], limit: 64))' could not be found."
                )
            }
            return .ok(one.document(in: path))
        case (.get, 3, "whatifoperationresults"):
            guard let id = GUID(rest[2]) else { throw .methodNotAllowed(call.request) }
            return .ok(try self.deployments.foresight(id, for: call.caller.subject))
        default: throw .methodNotAllowed(call.request)
        }
    }

    private static func path(_ scope: ResourcePath, _ name: String) -> ResourcePath {
        scope.appending("providers", "Microsoft.Resources", "deployments", name)
    }

    // MARK: One deployment

    private func verb(on path: ResourcePath, _ call: ResourceCall) async throws(Problem) -> ARMResponse {
        switch call.request.method {
        case .get:
            return .ok(try await self.deployments.get(path, for: call.caller.subject).document)
        case .head:
            _ = try await self.deployments.get(path, for: call.caller.subject)
            return .noContent
        case .put:
            let (deployment, created) = try await self.deployments.start(
                path,
                body: call.request.body ?? [:],
                by: call.author
            )
            var answer = ARMResponse.put(deployment.document, created: created)
            answer.headers[.asyncOperation] = self.absolute(
                path.appending("operationStatuses", deployment.run.description),
                call
            )
            answer.headers[.retryAfter] = "1"
            return answer
        case .delete:
            _ = try await self.deployments.delete(path, by: call.author)
            return .noContent
        default:
            throw .methodNotAllowed(call.request)
        }
    }

    private func act(_ action: String, _ path: ResourcePath, _ call: ResourceCall) async throws(Problem) -> ARMResponse
    {
        let body = call.request.body ?? [:]
        switch action {
        case "validate":
            return .ok(try await self.deployments.validate(path, body: body, by: call.author))
        case "whatif":
            let id = try await self.deployments.foresee(path, body: body, by: call.author)
            return .accepted(location: self.absolute(path.appending("whatIfOperationResults", id.description), call))
        case "cancel":
            try await self.deployments.cancel(path, by: call.author)
            return .noContent
        case "exporttemplate":
            return .ok(["template": try await self.deployments.template(of: path, for: call.caller.subject)])
        default:
            throw .methodNotAllowed(call.request)
        }
    }

    private func status(_ path: ResourcePath, _ run: String, _ call: ResourceCall) async throws(Problem) -> ARMResponse
    {
        guard call.request.method == .get, let id = GUID(run) else { throw .methodNotAllowed(call.request) }
        let found = try await self.deployments.status(of: path, run: id, for: call.caller.subject)
        var answer = ARMResponse.ok(found.status)
        if !found.state.isOver { answer.headers[.retryAfter] = "1" }
        return answer
    }

    // MARK: Others

    private func list(_ scope: ResourcePath, _ call: ResourceCall) async throws(Problem) -> ARMResponse {
        guard call.request.method == .get else { throw .methodNotAllowed(call.request) }
        var found = try await self.deployments.list(in: scope, for: call.caller.subject)
        if let filter = call.request.filter, !filter.isEmpty {
            let words = filter.split(separator: " " as Character)
            guard words.count == 3, words[0].lowercased() == "provisioningstate", words[1].lowercased() == "eq" else {
                throw Problem(
                    "InvalidFilterInQueryString",
                    shown: "Deployments are filtered by provisioningState eq '{state}' alone."
                )
            }
            let wanted = words[2].filter { $0 != "'" }.lowercased()
            found = found.filter { $0.state.rawValue.lowercased() == wanted }
        }
        if let top = call.request.options["$top"] {
            guard let most = Int(top), most > 0 else {
                throw Problem("InvalidTopInQueryString", shown: "'$top' is a whole number above 0.")
            }
            found = Array(found.prefix(most))
        }
        return .list(found.map(\.document))
    }

    private static func hash(_ call: ResourceCall) throws(Problem) -> ARMResponse {
        guard call.request.method == .post, let template = call.request.body else {
            throw .methodNotAllowed(call.request)
        }
        let (hash, text) = try Deployments.hash(of: template)
        return .ok(["templateHash": .string(hash), "minifiedTemplate": .string(text)])
    }

    private func absolute(_ path: ResourcePath, _ call: ResourceCall) -> String {
        AbsoluteAddress.write(self.origin, path, ["api-version": call.request.apiVersion ?? "2024-11-01"])
    }
}
