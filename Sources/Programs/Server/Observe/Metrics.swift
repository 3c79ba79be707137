import AccessControl
import HTTPTypes
import Hosts
import Hummingbird
import Logging
import Sessions
import Synchronization
import Vocabulary

/// Counts answers by class of status.
final class RequestCounter: Sendable {
    private let counts = Mutex([Int: Int]())

    /// Notes one answer.
    func note(_ status: Int) {
        self.counts.withLock { $0[status / 100, default: 0] += 1 }
    }

    /// The counts by first digit of the status.
    var all: [Int: Int] { self.counts.withLock { $0 } }
}

/// Notes every answer that goes out.
struct CountingMiddleware<Context: RequestContext>: RouterMiddleware {
    let counter: RequestCounter

    @concurrent func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            let response = try await next(request, context)
            self.counter.note(response.status.code)
            return response
        } catch let error as any HTTPResponseError {
            self.counter.note(error.status.code)
            throw error
        } catch {
            self.counter.note(500)
            throw error
        }
    }
}

/// What every answer says to browsers, whatever the route; a route that says more keeps its own words.
struct SafetyMiddleware<Context: RequestContext>: RouterMiddleware {
    @concurrent func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        let fields: [(HTTPField.Name, String)] = [
            (.strictTransportSecurity, "max-age=31536000; includeSubDomains"),
            (.xContentTypeOptions, "nosniff"),
            (.contentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'"),
        ]
        for (name, value) in fields where response.headers[name] == nil {
            response.headers[name] = value
        }
        return response
    }
}

/// Numbers for Prometheus, in plain HTTP on the loopback address only. Source: Prometheus text exposition format 0.0.4.
struct MetricsPage {
    let house: House
    let requests: RequestCounter
    let port: Int

    /// The program's second, small port.
    func application(_ logger: Logger) -> some ApplicationProtocol {
        let router = Router(context: BasicRequestContext.self)
        router.get("/metrics") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/plain; version=0.0.4"],
                body: .init(byteBuffer: .init(string: self.text))
            )
        }
        return Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: self.port), serverName: nil),
            logger: logger
        )
    }

    private var text: String {
        let sessions = self.house.sessions.all()
        var lines = [
            "# HELP sallyport_tunnel_sessions Sessions through the bastion now.",
            "# TYPE sallyport_tunnel_sessions gauge",
            "sallyport_tunnel_sessions \(sessions.count)",
            "# HELP sallyport_tunnel_sockets Sockets that carry them now.",
            "# TYPE sallyport_tunnel_sockets gauge",
            "sallyport_tunnel_sockets \(sessions.map(\.sockets).reduce(0, +))",
            "# HELP sallyport_host_sessions Sessions on machines now.",
            "# TYPE sallyport_host_sessions gauge",
            "sallyport_host_sessions \(self.house.hosts.sessions().count)",
            "# HELP sallyport_role_assignments_limit Role assignments that a subscription may have.",
            "# TYPE sallyport_role_assignments_limit gauge",
            "sallyport_role_assignments_limit \(self.house.accessControl.policy.perSubscription)",
            "# HELP sallyport_role_assignments Role assignments of a subscription now.",
            "# TYPE sallyport_role_assignments gauge",
        ]
        for (subscription, count) in self.house.accessControl.assignmentCounts.sorted(by: { $0.key < $1.key }) {
            lines.append("sallyport_role_assignments{subscription=\"\(subscription)\"} \(count)")
        }
        lines += [
            "# HELP sallyport_http_answers_total Answers by class of status.",
            "# TYPE sallyport_http_answers_total counter",
        ]
        for (digit, count) in self.requests.all.sorted(by: { $0.key < $1.key }) {
            lines.append("sallyport_http_answers_total{class=\"\(digit)xx\"} \(count)")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
