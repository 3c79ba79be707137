public import Federation
public import Hummingbird
import HTTPTypes
import NIOCore
public import Sessions
public import Vocabulary

/// The bastion's data plane as the Azure command line speaks it: asking for a tunnel and ending it. The socket itself is `TunnelGate`'s.
///
/// `POST /api/tokens` is a form without `Authorization` header; `DELETE /api/tokens/{authToken}` needs nothing but the token.
public struct BastionRoutes: Sendable {
    /// Which bastion host is meant by a request, and whether the person may connect through it.
    public struct BastionFinder: Sendable {
        /// A bastion host and the judgement about the connection through it.
        public typealias Found = (bastion: ResourcePath, verdict: Verdict<ConnectionJudge.Allowed>)

        let find: @Sendable (_ host: String, _ subject: Subject, _ target: ResourcePath, _ port: Int) -> Found?

        /// Makes a finder from a function of the request's host, the person, the target and the port.
        public init(_ find: @escaping @Sendable (String, Subject, ResourcePath, Int) -> Found?) {
            self.find = find
        }
    }

    private let sessions: Sessions
    private let authenticate: @Sendable (_ token: String) async throws(Problem) -> Caller
    private let bastions: BastionFinder
    private let dataPlane: String
    private let desktops: DesktopSurroundings?

    /// Makes the routes.
    /// - Parameters:
    ///   - authenticate: who an access token for the resource interface belongs to.
    ///   - desktops: what connection files need to know; without, there are none.
    ///   - dataPlane: host and port that the Developer SKU's broker sends clients to.
    public init(
        sessions: Sessions,
        bastions: BastionFinder,
        dataPlane: String,
        desktops: DesktopSurroundings? = nil,
        authenticate: @escaping @Sendable (String) async throws(Problem) -> Caller
    ) {
        self.sessions = sessions
        self.bastions = bastions
        self.dataPlane = dataPlane
        self.desktops = desktops
        self.authenticate = authenticate
    }

    /// Adds the routes.
    public func add<Context: RequestContext>(to router: Router<Context>) {
        router.post("/api/tokens") { request, context in try await self.admit(request, context) }
        router.delete("/api/tokens/:token") { _, context in try await self.end(context) }
        router.post("/api/connection") { request, context in try await self.broker(request, context) }
        guard let desktops = self.desktops else { return }
        let files = DesktopFileRoute(
            sessions: self.sessions,
            bastions: self.bastions,
            desktops: desktops,
            authenticate: self.authenticate
        )
        router.get("/api/rdpfile") { request, context in try await files.answer(request, context) }
        router.post("/api/rdpfile") { request, context in try await files.answerWithCredentials(request, context) }
    }

    private func admit<Context: RequestContext>(_ request: Request, _ context: Context) async throws -> Response {
        var request = request
        let body = try await request.collectBody(upTo: 64 * 1024)
        let form = TunnelForm(parsing: body.readableBytesView)
        guard let target = form.target else {
            return Self.answer(.badRequest, "The form needs 'resourceId', the resource id of a machine.")
        }
        guard form.protocolName == "tcptunnel" else {
            return Self.answer(.badRequest, "The protocol must be 'tcptunnel'.")
        }
        guard let port = form.port else {
            return Self.answer(.badRequest, "'workloadHostPort' must be a port from 1 to 65535.")
        }
        let caller: Caller
        do {
            caller = try await self.authenticate(form.token)
        } catch {
            return Self.answer(.unauthorized, error.shown)
        }
        let host = request.head.authority ?? ""
        guard let found = self.bastions.find(host, caller.subject, target, port) else {
            return Self.answer(
                .notFound,
                "There is no bastion host here that you may use. Ask for the role Reader on one."
            )
        }
        let verdict = try await self.sessions.admit(
            AdmissionRequest(
                subject: caller.subject,
                bastion: found.bastion,
                target: target,
                port: port,
                continuing: form.continuing,
                source: request.headers[.source] ?? "",
                correlation: request.headers[.clientRequestID] ?? context.id
            ),
            judged: found.verdict
        )
        switch verdict {
        case .allowed(let admission):
            return Self.answer(admission)
        case .refused(let refusal):
            // A client that asks for strict handling (RFC 7240) reads statuses. The Azure command line does not: its ssh or desktop client
            // would hang for ever, so it gets a socket on which that finds an answer.
            let isStrict = request.headers[.prefer]?.lowercased().contains("handling=strict") ?? false
            if port == 22 || port == 3389, !isStrict {
                return Self.answer(self.sessions.admitToRefusal(refusal, port: port))
            }
            return Self.answer(.forbidden, refusal.sentence)
        }
    }

    private func end<Context: RequestContext>(_ context: Context) async throws -> Response {
        let token = try context.parameters.require("token")
        let existed = try await self.sessions.end(authToken: token)
        return Response(status: existed ? .noContent : .notFound)
    }

    // The Developer SKU's broker: JSON in, the data plane's host as plain text out.
    private func broker<Context: RequestContext>(_ request: Request, _ context: Context) async throws -> Response {
        var request = request
        let body = try await request.collectBody(upTo: 64 * 1024)
        guard let json = try? JSONValue(parsing: body.readableBytesView), let token = json["azToken"]?.string else {
            return Self.answer(.badRequest, "The body must be JSON with 'azToken'.")
        }
        do {
            _ = try await self.authenticate(token)
        } catch {
            return Self.answer(.unauthorized, error.shown)
        }
        return Response(
            status: .ok,
            headers: [.contentType: "text/plain; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: self.dataPlane))
        )
    }

    private static func answer(_ admission: Admission) -> Response {
        self.json(
            .ok,
            [
                "authToken": .string(admission.authToken), "nodeId": .string(admission.nodeID),
                "websocketToken": .string(admission.websocketToken), "username": "", "dataSource": "default",
                "availableDataSources": ["default"],
            ]
        )
    }

    private static func answer(_ status: HTTPResponse.Status, _ message: String) -> Response {
        self.json(status, ["message": .string(message)])
    }

    private static func json(_ status: HTTPResponse.Status, _ value: JSONValue) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json; charset=utf-8", .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(bytes: value.bytes))
        )
    }
}

extension HTTPField.Name {
    /// Set by the edge from the connection itself; what clients send under this name is dropped there.
    static let source = Self("x-sallyport-source") ?? .from
    /// The client's own name for the request.
    static let clientRequestID = Self("x-ms-client-request-id") ?? .from
    /// RFC 7240.
    static let prefer = Self("prefer") ?? .from
}
