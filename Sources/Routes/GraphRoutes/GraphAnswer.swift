import Hummingbird
import HTTPTypes
import Vocabulary

/// Answers and errors in Microsoft Graph's form. Source: Microsoft Graph, "Error responses and resource types".
enum GraphAnswer {
    static func response(_ status: HTTPResponse.Status, _ document: JSONValue, _ correlation: GUID) -> Response {
        Response(
            status: status,
            headers: [
                .contentType:
                    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
                .cacheControl: "no-cache",
                .xContentTypeOptions: "nosniff",
                .strictTransportSecurity: "max-age=31536000; includeSubDomains",
                .graphRequestID: correlation.description,
                .graphClientRequestID: correlation.description,
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: document.bytes))
        )
    }

    static func response(_ problem: Problem, _ correlation: GUID, at instant: Instant) -> Response {
        let status = Self.status(of: problem.code)
        var error: JSONValue = [
            "code": .string(problem.code),
            "message": .string(problem.shown),
            "innerError": [
                "date": .string(String(instant.description.prefix(19))),
                "request-id": .string(correlation.description),
                "client-request-id": .string(correlation.description),
            ],
        ]
        if problem.code == "Request_MultipleObjectsWithSameKeyValue" {
            error["details"] = [["code": "ObjectConflict", "message": .string(problem.shown)]]
        }
        var response = Self.response(status, ["error": error], correlation)
        if status == .unauthorized {
            response.headers[.wwwAuthenticate] = "Bearer realm=\"\", error=\"invalid_token\""
        }
        return response
    }

    private static func status(of code: String) -> HTTPResponse.Status {
        switch code {
        case "AuthenticationFailed", "InvalidAuthenticationToken", "ExpiredAuthenticationToken",
            "InvalidAuthenticationTokenTenant", "InvalidAuthenticationTokenAudience":
            .unauthorized
        case "Authorization_RequestDenied": .forbidden
        case "Request_ResourceNotFound": .notFound
        case "MethodNotAllowed": .methodNotAllowed
        case "Service_InternalServerError": .internalServerError
        case "ServiceUnavailable": .serviceUnavailable
        default: .badRequest
        }
    }
}
