import Hummingbird
import HTTPTypes
import Vocabulary

/// How the resource manager says that something went wrong. Source: Azure Resource Manager provider contract, "Error
/// response content".
enum ARMError {
    /// The answer to a problem. A 401 names the place to sign in, which is how clients find the tenant.
    ///
    /// Final errors carry no `Retry-After`: clients would repeat the request.
    static func response(_ problem: Problem, authority: String) -> ARMResponse {
        let status = Self.status(of: problem.code)
        var response = ARMResponse(status: status, document: ["error": Self.document(problem)])
        // Not final: the same request succeeds when there is room again.
        if status == .tooManyRequests { response.headers[.retryAfter] = "5" }
        if status == .unauthorized {
            let sentence = problem.shown.map { $0 == "\"" || $0 == "\\" ? "'" : $0 }
            response.headers[.wwwAuthenticate] =
                "Bearer authorization_uri=\"\(authority)\", error=\"invalid_token\", "
                + "error_description=\"\(PrintableText.of(String(sentence), limit: 512))\""
        }
        return response
    }

    private static func document(_ problem: Problem) -> JSONValue {
        var document: JSONValue = ["code": .string(problem.code), "message": .string(problem.shown)]
        document["target"] = problem.target.map { .string($0) }
        if !problem.details.isEmpty { document["details"] = .array(problem.details.map(Self.document)) }
        return document
    }

    /// The status that belongs to a code; 400 for codes that are not listed.
    static func status(of code: String) -> HTTPResponse.Status {
        if let status = Self.statuses[code] { return status }
        if code.hasSuffix("NotFound") { return code == "PrincipalNotFound" ? .badRequest : .notFound }
        return .badRequest
    }

    private static let statuses: [String: HTTPResponse.Status] = [
        "AuthenticationFailed": .unauthorized,
        "InvalidAuthenticationToken": .unauthorized,
        "ExpiredAuthenticationToken": .unauthorized,
        "InvalidAuthenticationTokenTenant": .unauthorized,
        "InvalidAuthenticationTokenAudience": .unauthorized,
        "AuthorizationFailed": .forbidden,
        "LinkedAuthorizationFailed": .forbidden,
        "RequestDisallowedByPolicy": .forbidden,
        "RoleDefinitionIsBuiltIn": .forbidden,
        "DenyAssignmentIsSystemProtected": .forbidden,
        "RoleDefinitionDoesNotExist": .notFound,
        "MethodNotAllowed": .methodNotAllowed,
        "Conflict": .conflict,
        "ResourceMoveNotSupported": .conflict,
        "AnotherOperationInProgress": .conflict,
        "CannotDeleteLastOwner": .conflict,
        "DeploymentActiveAndUneditable": .conflict,
        "DeploymentCannotBeCancelled": .conflict,
        "InUseSubnetCannotBeDeleted": .conflict,
        "InvalidResourceLocation": .conflict,
        "MissingSubscriptionRegistration": .conflict,
        "OperationNotAllowed": .conflict,
        "ResourceGroupBeingDeleted": .conflict,
        "RoleAssignmentExists": .conflict,
        "RoleDefinitionHasAssignments": .conflict,
        "RoleDefinitionWithSameNameExists": .conflict,
        "ScopeLocked": .conflict,
        "PreconditionFailed": .preconditionFailed,
        "RequestEntityTooLarge": .contentTooLarge,
        "TooManyRequests": .tooManyRequests,
        "InternalServerError": .internalServerError,
        "ServiceUnavailable": .serviceUnavailable,
        "ServerTimeout": .serviceUnavailable,
    ]
}
