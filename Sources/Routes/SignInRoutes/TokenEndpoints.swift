import Federation
import HTTPTypes
import Hummingbird
import Vocabulary

extension SignInRoutes {
    /// The endpoints that programs talk to.
    func addTokenEndpoints<Context: RequestContext>(to router: Router<Context>, base: String, version: EndpointVersion)
    {
        router.post("\(base)/token") { request, context in
            try await self.token(request, context, version: version)
        }
        router.get("\(base)/token") { request, context in
            self.refusal(
                .notAPost,
                version: version,
                circumstances: self.circumstances(request),
                logger: context.logger
            )
        }
        router.post("\(base)/devicecode") { request, context in
            let circumstances = self.circumstances(request)
            do {
                let codes = try await self.federation.authorizeDevice(
                    fields: try await self.form(request),
                    tenant: self.tenantWord(context),
                    version: version,
                    circumstances: circumstances
                )
                return self.json(codes.document(version: version), circumstances: circumstances)
            } catch let error as OAuthError {
                return self.refusal(error, version: version, circumstances: circumstances, logger: context.logger)
            }
        }
    }

    private func token(_ request: Request, _ context: some RequestContext, version: EndpointVersion) async throws
        -> Response
    {
        let circumstances = self.circumstances(request)
        do {
            let basic = try self.basicCredentials(request)
            let fields = try await self.form(request)
            // Asked by desktop clients before each connection; it needs no client and gives nothing away.
            if fields["grant_type"] == "srv_challenge" {
                return self.json(["Nonce": .string(self.federation.desktopNonce())], circumstances: circumstances)
            }
            let wish = try TokenRequest(
                fields: fields,
                basic: basic,
                tenant: self.tenantWord(context),
                version: version,
                circumstances: circumstances
            )
            switch await self.federation.token(request: wish) {
            case .tokens(let tokens):
                return self.json(
                    tokens.document(version: version),
                    circumstances: circumstances,
                    trace: GUID(from: self.random)
                )
            case .refused(let error):
                var response = self.refusal(
                    error,
                    version: version,
                    circumstances: circumstances,
                    logger: context.logger
                )
                // RFC 6749 section 5.2: only who used the header is told to use it.
                if error.status == 401, basic != nil {
                    response.headers[.wwwAuthenticate] = "Basic realm=\"token\""
                }
                return response
            }
        } catch let error as OAuthError {
            return self.refusal(error, version: version, circumstances: circumstances, logger: context.logger)
        }
    }
}
