public import Federation
import HTTPTypes
public import Vocabulary

/// Says who calls, from the `Authorization` header; throws AuthenticationFailed, ExpiredAuthenticationToken and their
/// like.
public typealias Authenticate = @Sendable (String?) async throws(Problem) -> Caller

extension Problem {
    /// Runs something that may also fail for reasons of its own, such as the store's, which callers are not told.
    static func hiding<Value>(_ body: () async throws -> Value) async throws(Problem) -> Value {
        do {
            return try await body()
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(
                "InternalServerError",
                shown: "The request could not be completed. Try again.",
                logged: "\(error)"
            )
        }
    }

    /// 405.
    static func methodNotAllowed(_ request: ARMRequest) -> Problem {
        Problem(
            "MethodNotAllowed",
            shown: "The resource '\(request.path)' does not support '\(PrintableText.of(request.method.rawValue))'."
        )
    }
}
