import Hummingbird
import Vocabulary

/// Takes the requests whose path it recognises before the router sees them.
///
/// Scopes are paths of any length in any letter case, which a router's tree of literal segments does not express.
struct ARMMiddleware<Context: RequestContext>: RouterMiddleware {
    let accepts: @Sendable (ResourcePath) -> Bool
    let respond: @Sendable (Request) async -> Response

    @concurrent func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let path = ARMRequest.path(of: request), self.accepts(path) else {
            return try await next(request, context)
        }
        return await self.respond(request)
    }
}
