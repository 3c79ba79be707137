public import Federation
public import Hummingbird
import HTTPTypes
public import Identity
public import Vocabulary

/// The directory as Microsoft Graph shows it: reading users, groups and service principals, as far as the Azure CLI
/// asks.
///
/// Any member of the tenant may read the directory. Guests, service principals and machines read themselves alone,
/// unless they hold one of the directory's reading roles. Accounts are switched off and on, and their sessions revoked,
/// by administrators; nothing else is changed here. Source: Microsoft Graph REST API v1.0.
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
            let answer = try await self.answer(read, GraphReader(caller.subject, in: self.directory))
            return GraphAnswer.response(answer.isNull ? .noContent : .ok, answer, correlation)
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
        case (.get, "users", let name?), (.post, "users", let name?), (.patch, "users", let name?):
            return try await self.person(name, rest, request, reader)
        case (.get, "groups", nil):
            return try await self.groups(request, reader)
        case (.get, "groups", let name?):
            return try await self.group(name, rest, request, reader)
        case (.get, "serviceprincipals", nil):
            return try await self.servicePrincipals(request, reader)
        case (.get, "serviceprincipals", let name?):
            return try await self.servicePrincipal(name, rest, request, reader)
        case (.post, "directoryobjects", let name?) where name.lowercased() == "getbyids" && rest.isEmpty:
            return try await self.objects(request, reader)
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
