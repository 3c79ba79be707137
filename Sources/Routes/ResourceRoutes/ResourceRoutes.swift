import Federation
import HTTPTypes
public import Hummingbird
public import Resources
public import Vocabulary

/// The resource manager over HTTP: reads a request, asks `Resources`, writes the answer in the form that Azure's clients expect.
///
/// There is no handler per kind of resource: what a path means follows from its form.
public struct ResourceRoutes: Sendable {
    let resources: Resources
    let conventions: ARMConventions
    let origin: String
    let authenticate: Authenticate
    let actions: [String: ResourceAction]
    let limits: RequestLimits

    /// - Parameters:
    ///   - origin: Scheme, host and port of absolute addresses in answers, without a slash at the end.
    ///   - authenticate: Turns an `Authorization` header into who asks.
    ///   - actions: What POST does, by `{type}/{verb}` in lower case, for example
    ///     `microsoft.network/bastionhosts/getactivesessions`. Called only when the caller may do it.
    ///   - limits: How much one caller may ask.
    public init(
        resources: Resources,
        conventions: ARMConventions,
        origin: String,
        actions: [String: ResourceAction] = [:],
        limits: RequestLimits = RequestLimits(clock: .system),
        authenticate: @escaping Authenticate
    ) {
        self.resources = resources
        self.conventions = conventions
        self.origin = origin
        self.actions = actions
        self.limits = limits
        self.authenticate = authenticate
    }

    /// Takes every request below `/subscriptions`, `/tenants` and `/providers`. `AuthorizationRoutes` are added before, and take theirs.
    public func add<Context: RequestContext>(to router: Router<Context>) {
        router.add(
            middleware: ARMMiddleware<Context>(accepts: { Self.isOurs($0) }, respond: { await self.respond($0) })
        )
        router.get("metadata/aliases.json") { _, _ in Self.aliases }
    }

    private static func isOurs(_ path: ResourcePath) -> Bool {
        path.segments.first.map { ["subscriptions", "tenants", "providers"].contains($0.lowercased()) } ?? false
    }

    func respond(_ request: Request) async -> Response {
        let preconditions = Preconditions(
            ifMatch: request.headers[.ifMatch],
            mustBeNew: request.headers[.ifNoneMatch] == "*"
        )
        let response = await self.conventions.answer(request, authenticate: self.authenticate) {
            read,
            caller throws(Problem) in
            let call = ResourceCall(
                request: read,
                caller: caller,
                preconditions: preconditions,
                knows: request.headers[.ifNoneMatch]
            )
            return await self.limits.answer(call, authority: self.conventions.authority) { () throws(Problem) in
                try await self.answer(call)
            }
        }
        guard request.method == .head else { return response }
        return Response(status: response.status, headers: response.headers)
    }

    private func answer(_ call: ResourceCall) async throws(Problem) -> ARMResponse {
        let path = call.request.path
        let words = path.segments.map { $0.lowercased() }
        switch (words.first, words.count) {
        case ("tenants", 1): return try self.tenants(call)
        case ("subscriptions", 1): return try self.subscriptions(call)
        case ("providers", 3) where words[2] == "checkresourcename": return try self.checkResourceName(call)
        case ("providers", 3...4) where words[2] == "provideroperations":
            return try self.providerOperations(call)
        case ("providers", 1), ("providers", 2): return try self.providers(call, below: nil)
        case ("subscriptions", _): break
        default: throw Problem("ResourceNotFound", shown: "There is nothing at '\(path)'.")
        }
        guard let subscription = path.subscription else {
            throw Problem(
                "InvalidSubscriptionId",
                shown: "The provided subscription identifier is malformed or invalid."
            )
        }
        if words.count == 8, words[2] == "providers", words[4] == "locations", words[6].hasPrefix("operation") {
            // Whoever began an operation may watch it, also when it took their last role away.
            return try self.located(path.segments[3], Array(path.segments[5...]), call)
        }
        guard self.resources.canSee(subscription: subscription, call.caller.subject) else {
            throw Problem("SubscriptionNotFound", shown: "The subscription '\(subscription)' could not be found.")
        }
        switch (words.dropFirst(2).first, words.count) {
        case (nil, _): return try self.subscription(subscription, call)
        case ("locations", 3): return try self.locations(subscription, call)
        case ("resources", 3): return try self.everything(call)
        case ("tagnames", 3): return try self.tagNames(subscription, call)
        case ("resourcegroups", 5) where call.request.method == .post: return try self.actOnGroup(call)
        case ("resourcegroups", 5) where words[4] == "resources": return try self.everything(call)
        case ("resourcegroups", 3): return try self.list(ResourceRoutes.groupType, call)
        case ("resourcegroups", 4): return try await self.verb(on: path, call)
        case ("providers", 5...) where words[3] == "microsoft.features": return try self.features(call)
        case ("providers", 3), ("providers", 4): return try self.providers(call, below: subscription)
        case ("providers", 5) where ["register", "unregister"].contains(words[4]):
            return try self.providers(call, below: subscription)
        default: return try await self.provided(call)
        }
    }

    /// What stands below `/providers/{namespace}`.
    private func provided(_ call: ResourceCall) async throws(Problem) -> ARMResponse {
        guard let provider = call.request.path.provider, let first = provider.rest.first else {
            throw Problem("InvalidRequestUri", shown: "There is nothing at '\(call.request.path)'.")
        }
        if first.lowercased() == "locations", provider.rest.count > 1 {
            return try self.located(provider.namespace, Array(provider.rest.dropFirst()), call)
        }
        if provider.namespace.lowercased() == "microsoft.hybridconnectivity" { throw .noRelay(to: provider.scope) }
        let type = "\(provider.namespace)/\(first)".lowercased()
        if type == "microsoft.compute/skus" { return try self.computeSKUs(call) }
        if type == "microsoft.resources/tags" { return try await self.tags(at: provider.scope, provider.rest, call) }
        guard provider.rest.count % 2 == 1 else { return try await self.verb(on: call.request.path, call) }
        switch call.request.method {
        case .get
        where type.hasPrefix("microsoft.compute/virtualmachine") && provider.rest.last?.lowercased() == "instanceview":
            return try self.instanceView(call)
        case .get
        where type.hasPrefix("microsoft.compute/virtualmachine") && provider.rest.last?.lowercased() == "vmsizes":
            return try self.machineSizes(of: call)
        case .get where type == "microsoft.compute/availabilitysets" && provider.rest.last?.lowercased() == "vmsizes":
            return try self.machineSizes(of: call)
        case .get
        where type == "microsoft.network/virtualnetworks" && provider.rest.count == 3
            && provider.rest.last?.lowercased() == "checkipaddressavailability":
            return try self.addressAvailability(call)
        case .get:
            let types = stride(from: 0, to: provider.rest.count, by: 2).map { provider.rest[$0] }
            let wanted = ([provider.namespace] + types).joined(separator: "/")
            // Machines of scale sets have no addresses of their own in public; clients ask all the same.
            if wanted.lowercased() == "microsoft.compute/virtualmachinescalesets/publicipaddresses" {
                return .list([])
            }
            // The interfaces of a whole scale set are asked for by a name of their own.
            let isShort = wanted.lowercased() == "microsoft.compute/virtualmachinescalesets/networkinterfaces"
            return try self.list(
                isShort ? "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces" : wanted,
                call
            )
        case .post where provider.rest.count > 1:
            return try await self.act(call)
        default:
            throw .methodNotAllowed(call.request)
        }
    }

    static let groupType = "Microsoft.Resources/resourceGroups"
}

/// A request together with who makes it.
struct ResourceCall: Sendable {
    let request: ARMRequest
    let caller: Caller
    let preconditions: Preconditions
    /// The versions that the client holds already.
    var knows: String?

    /// Who makes it, for changes.
    var author: ChangeAuthor {
        .subject(self.caller.subject, source: self.request.source, correlation: self.request.correlation.description)
    }
}
