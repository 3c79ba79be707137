import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Vocabulary

extension HostRoutes {
    /// The longest body that is read, in bytes: a join with eight RSA keys fits several times.
    private static let longestBody = 64 * 1024

    /// The JSON object in a body; an empty body is an empty object.
    func body(_ request: Request) async throws -> JSONValue {
        let buffer = try await request.body.collect(upTo: Self.longestBody)
        return buffer.readableBytes == 0 ? [:] : try JSONValue(parsing: buffer.readableBytesView)
    }

    /// Runs a handler, and turns what it throws into an envelope.
    func answering(_ body: () async throws -> Response) async -> Response {
        do {
            return try await body()
        } catch let problem as Problem {
            if !problem.logged.isEmpty {
                self.logger.info(
                    "request refused",
                    metadata: ["code": "\(problem.code)", "detail": "\(PrintableText.of(problem.logged))"]
                )
            }
            return self.failure(problem, Self.status(of: problem.code))
        } catch {
            self.logger.error("request failed", metadata: ["error": "\(error)"])
            let problem = Problem("InternalServerError", shown: "Something failed here. Try again.")
            return self.failure(problem, .internalServerError)
        }
    }

    private static func status(of code: String) -> HTTPResponse.Status {
        switch code {
        case "InvalidJoinRequest", "InvalidRequest": .badRequest
        case "ResourceNotFound", "SessionNotFound", "CertificateNotFound": .notFound
        case "Forbidden", "AuthorizationFailed": .forbidden
        case "ServiceUnavailable": .serviceUnavailable
        // Codes about tokens and proofs of many spellings.
        default: .unauthorized
        }
    }

    private func failure(_ problem: Problem, _ status: HTTPResponse.Status) -> Response {
        self.json(
            ["error": ["code": problem.code, "message": problem.shown]] as [String: [String: String]],
            status: status
        )
    }

    /// A JSON answer that nobody keeps.
    func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) -> Response {
        guard let data = try? JSONText.encode(value) else { return Response(status: .internalServerError) }
        return Response(
            status: status,
            headers: [
                .contentType: "application/json; charset=utf-8", .cacheControl: "no-store",
                .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data))
        )
    }
}

extension Request {
    /// The network address of the connection. The edge sets this field and removes what clients send under its name.
    var source: String { self.header("x-sallyport-source") }

    /// What the client calls the request, if it is a GUID.
    var correlation: String {
        GUID(self.header("x-ms-client-request-id")).map { $0.description } ?? ""
    }

    private func header(_ name: String) -> String {
        HTTPField.Name(name).flatMap { self.headers[$0] } ?? ""
    }
}
