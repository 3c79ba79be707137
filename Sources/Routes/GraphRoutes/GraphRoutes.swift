public import Federation
public import Hummingbird
import HTTPTypes
public import Identity
public import Vocabulary

/// The directory as Microsoft Graph shows it: users, groups, applications and service principals, as far as the Azure
/// CLI asks.
///
/// Any member of the tenant may read the directory. Guests, service principals and machines read themselves alone,
/// unless they hold one of the directory's reading roles. Changes are made by administrators of what is changed, and an
/// application's credentials also by its owners. Source: Microsoft Graph REST API v1.0.
public struct GraphRoutes: Sendable {
    /// Says who calls, from the `Authorization` header, for the directory's audience.
    public typealias Authenticate = @Sendable (String?) async throws(Problem) -> Caller

    let directory: Directory
    let base: String
    let clock: TimeSource
    let random: RandomSource
    let authenticate: Authenticate

    /// Puts the routes together.
    ///
    /// - Parameter base: The scheme, host and port under which clients find the directory, for links to further pages.
    public init(
        directory: Directory,
        base: String,
        clock: TimeSource,
        random: RandomSource,
        authenticate: @escaping Authenticate
    ) {
        self.directory = directory
        self.base = base
        self.clock = clock
        self.random = random
        self.authenticate = authenticate
    }

    /// Adds the routes: everything under `/v1.0/`.
    public func add<Context: RequestContext>(to router: Router<Context>) {
        for method: HTTPRequest.Method in [.get, .post, .put, .patch, .delete] {
            router.on("/v1.0/**", method: method) { request, _ in
                await self.response(to: request)
            }
        }
    }

    private func response(to request: Request) async -> Response {
        let correlation = request.headers[.clientRequestID].flatMap { GUID($0) } ?? GUID(from: self.random)
        do {
            var read = try GraphRequest(reading: request)
            let caller = try await self.authenticate(read.authorization)
            try await read.readBody(of: request)
            let reader = GraphReader(caller.subject, in: self.directory, correlation: correlation)
            let answer = try await self.answer(read, reader)
            let status: HTTPResponse.Status = answer.isNull ? .noContent : read.creates ? .created : .ok
            return GraphAnswer.response(status, answer, correlation)
        } catch {
            return GraphAnswer.response(error, correlation, at: self.clock.now)
        }
    }

    private func answer(_ request: GraphRequest, _ reader: GraphReader) async throws(Problem) -> JSONValue {
        let name = request.segments.dropFirst().first
        let rest = Array(request.segments.dropFirst(2))
        switch (request.method, request.segments.first?.lowercased(), name) {
        case (.get, "me", _), (.post, "me", _):
            let rest = Array(request.segments.dropFirst())
            return try await self.person(reader.subject.id.description, rest, request, reader)
        case (.get, "users", nil):
            return try await self.users(request, reader)
        case (.post, "users", nil):
            return try await self.createUser(request, reader)
        case (_, "users", let name?) where request.method != .put:
            return try await self.person(name, rest, request, reader)
        case (.get, "groups", nil):
            return try await self.groups(request, reader)
        case (.get, "groups", let name?):
            return try await self.group(name, rest, request, reader)
        case (.post, "groups", nil):
            return try await self.createGroup(request, reader)
        case (.post, "groups", let name?) where rest.count == 1 && rest[0].lowercased() == "getmembergroups":
            try await reader.requireAll()
            return try await self.memberGroups(of: try await self.group(name).id, request, among: false)
        case (_, "groups", let name?) where request.method != .put:
            return try await self.change(name, rest, request, reader)
        case (.get, "applications", nil):
            return try await self.applications(request, reader)
        case (.post, "applications", nil):
            return try await self.createApplication(request, reader)
        case (_, "applications", let name?) where request.method != .put:
            return try await self.application(name, rest, request, reader)
        case (.get, "serviceprincipals", nil):
            return try await self.servicePrincipals(request, reader)
        case (.post, "serviceprincipals", nil):
            return try await self.createServicePrincipal(request, reader)
        case (_, "serviceprincipals", let name?) where request.method != .put:
            return try await self.servicePrincipal(name, rest, request, reader)
        case (.post, "directoryobjects", let name?) where name.lowercased() == "getbyids" && rest.isEmpty:
            return try await self.objects(request, reader)
        case (.post, "directoryobjects", let name?)
        where rest.count == 1 && rest[0].lowercased() == "checkmembergroups":
            guard let id = GUID(name) else { throw .unknownObject(name) }
            try await reader.require(id == reader.subject.id)
            return try await self.memberGroups(of: id, request, among: true)
        case (.get, "directoryobjects", let name?) where rest.isEmpty:
            return try await self.object(name, reader)
        case (.get, "organization", nil):
            return self.organization()
        case (.get, _, _), (.post, _, _):
            throw .unknownSegment(request)
        default:
            throw Problem(
                "MethodNotAllowed",
                shown: "This cannot be changed through this interface; use 'sallyport apply' on the server."
            )
        }
    }

    private func organization() -> JSONValue {
        let tenant = self.directory.tenant
        return [
            "@odata.context": .string("\(self.base)/v1.0/$metadata#organization"),
            "value": [
                [
                    "id": .string(tenant.id.description),
                    "displayName": .string(tenant.displayName),
                    "verifiedDomains": .array(
                        tenant.domains.map { domain in
                            ["name": .string(domain), "isDefault": .bool(domain == tenant.defaultDomain)]
                        }
                    ),
                ]
            ],
        ]
    }
}
