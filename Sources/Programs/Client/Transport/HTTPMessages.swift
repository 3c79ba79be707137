public import Vocabulary

/// A request to a server.
public struct HTTPRequest: Hashable, Sendable {
    /// The method, in capitals.
    public var method: String
    /// Path and query, beginning with a slash, already escaped.
    public var path: String
    /// Headers besides `Host`, `Content-Length` and `Connection`.
    public var headers: [(name: String, value: String)]
    /// The body; empty for none.
    public var body: [UInt8]

    /// Makes a request.
    public init(_ method: String, _ path: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
    }

    public static func == (left: HTTPRequest, right: HTTPRequest) -> Bool {
        left.method == right.method && left.path == right.path && left.body == right.body
            && left.headers.elementsEqual(right.headers, by: ==)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.method)
        hasher.combine(self.path)
        hasher.combine(self.body)
    }
}

/// A server's answer.
public struct HTTPAnswer: Sendable {
    /// The status code.
    public let status: Int
    /// The headers, in order.
    public let headers: [(name: String, value: String)]
    /// The whole body.
    public let body: [UInt8]

    /// Makes an answer.
    public init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first value of a header, whose name is compared without regard to letter case.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return self.headers.first { $0.name.lowercased() == wanted }?.value
    }

    /// The body as JSON; nil when it is none.
    public var json: JSONValue? { try? JSONValue(parsing: self.body) }

    /// The body as text.
    public var text: String { String(decoding: self.body, as: UTF8.self) }
}
