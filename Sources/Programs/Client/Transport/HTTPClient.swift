public import Vocabulary

/// One HTTP request to wherever its address says.
public struct WebRequest: Sendable {
    /// `GET`, `POST` and so on.
    public var method: String
    /// The absolute address.
    public var url: String
    /// Headers in the order they are sent.
    public var headers: [(name: String, value: String)]
    /// What is sent with it; empty for nothing.
    public var body: [UInt8]

    /// Makes a request; a body needs a `Content-Type` among the headers.
    public init(_ method: String, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

/// Sends requests over TLS to any server, and keeps connections for the next request to the same origin.
///
/// Answers are limited to 64 MiB and every request to a deadline. Redirects are not followed: none of our servers sends any to a program.
public actor HTTPClient {
    private static let largestAnswer = 64 << 20

    private let reach: ServerReach
    private let patience: Duration
    private let deadline: Duration
    private var idle: [ServerAddress: HTTPConnection] = [:]

    /// Makes a client; `patience` bounds connecting, and `deadline` then the wait for the last byte of an answer.
    public init(reach: ServerReach, patience: Duration = .seconds(10), deadline: Duration = .seconds(30)) {
        self.reach = reach
        self.patience = patience
        self.deadline = deadline
    }

    /// Sends a request and waits for the whole answer. Throws a `Problem` that says what to do.
    public func send(_ request: WebRequest) async throws -> HTTPAnswer {
        let address = try WebAddress(request.url)
        var message = HTTPRequest(request.method, address.target, headers: request.headers, body: request.body)
        if !message.headers.contains(where: { $0.name.lowercased() == "accept" }) {
            message.headers.append(("Accept", "application/json"))
        }
        do {
            return try await self.send(message, to: address.server)
        } catch {
            throw error.problem(at: address.server)
        }
    }

    private func send(_ request: HTTPRequest, to server: ServerAddress) async throws(TransportError) -> HTTPAnswer {
        if let kept = self.idle.removeValue(forKey: server), kept.isOpen {
            do {
                return try await self.exchange(request, server, on: kept)
            } catch .closed {
                // The server closed an idle connection at the moment we used it: once more on a new one.
            }
        }
        let connection = try await HTTPConnection.open(
            self.reach.dialler(to: server),
            deadline: self.patience,
            largestAnswer: Self.largestAnswer
        )
        return try await self.exchange(request, server, on: connection)
    }

    private func exchange(
        _ request: HTTPRequest,
        _ server: ServerAddress,
        on connection: HTTPConnection
    ) async throws(TransportError) -> HTTPAnswer {
        let answer = try await connection.send(request, deadline: self.deadline)
        if connection.isOpen, answer.header("connection")?.lowercased() != "close" {
            self.idle[server] = connection
        }
        return answer
    }
}
