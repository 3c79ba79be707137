public import HTTPTypes
public import Hummingbird
import HummingbirdTesting
public import Vocabulary

/// What routes answered to a test.
public struct RouteAnswer: Sendable {
    /// The status code.
    public let status: Int
    /// The headers.
    public let headers: HTTPFields
    /// The body as it came.
    public let bytes: [UInt8]
    /// The body as JSON: null when there is none, and a text when it is nothing else.
    public let document: JSONValue

    /// The body as text.
    public var text: String { String(decoding: self.bytes, as: UTF8.self) }
    /// The stable code of a refusal.
    public var code: String? { self.document["error"]?["code"]?.string }
    /// What a refusal says; empty for anything else.
    public var message: String { self.document["error"]?["message"]?.string ?? "" }
    /// The elements of a list.
    public var values: [JSONValue] { self.document["value"]?.array ?? [] }
}

extension Router where Context == BasicRequestContext {
    /// What these routes answer to a request, without a network.
    public func answer(
        _ method: HTTPRequest.Method,
        _ address: String,
        authorization: String? = nil,
        headers: HTTPFields = [:],
        body: JSONValue? = nil
    ) async throws -> RouteAnswer {
        var headers = headers
        if let authorization { headers[.authorization] = authorization }
        let sent = headers
        return try await Application(router: self).test(.router) { client in
            let response = try await client.execute(
                uri: address,
                method: method,
                headers: sent,
                body: body.map { ByteBuffer(bytes: $0.bytes) }
            )
            let bytes = Array(response.body.readableBytesView)
            return RouteAnswer(
                status: response.status.code,
                headers: response.headers,
                bytes: bytes,
                document: bytes.isEmpty
                    ? .null : (try? JSONValue(parsing: bytes)) ?? .string(String(decoding: bytes, as: UTF8.self))
            )
        }
    }
}
