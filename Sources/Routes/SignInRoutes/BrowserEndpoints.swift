import Federation
import HTTPTypes
import Hummingbird
import Vocabulary

extension SignInRoutes {
    /// The endpoints that programs send browsers to.
    func addBrowserEndpoints<Context: RequestContext>(
        to router: Router<Context>,
        base: String,
        version: EndpointVersion
    ) {
        router.get("\(base)/authorize") { request, context in
            let circumstances = self.circumstances(request)
            let reply: BrowserReply
            do throws(OAuthError) {
                reply = await self.federation.authorize(
                    try self.query(request),
                    tenant: self.tenantWord(context),
                    version: version,
                    browser: self.browser(request),
                    circumstances: circumstances
                )
            } catch {
                reply = BrowserReply(failure: error)
            }
            return self.answer(reply, to: request, circumstances: circumstances, logger: context.logger)
        }
        // A form from another site comes without the cookie; asked again as a link, it comes with it.
        router.post("\(base)/authorize") { request, context in
            try await self.asLink(request, context)
        }
        router.get("\(base)/logout") { request, context in
            let circumstances = self.circumstances(request)
            let reply: BrowserReply
            do throws(OAuthError) {
                reply = await self.federation.signOutPage(
                    try self.query(request),
                    tenant: self.tenantWord(context),
                    browser: self.browser(request),
                    circumstances: circumstances
                )
            } catch {
                reply = BrowserReply(failure: error)
            }
            return self.answer(reply, to: request, circumstances: circumstances, logger: context.logger)
        }
        router.post("\(base)/logout") { request, context in
            try await self.asLink(request, context)
        }
        if version == .v1 {
            router.get("\(base)/nativeclient") { request, context in
                let query = try? self.query(request)
                return self.pages.response(
                    forProgramAt: "\(self.origin.loginBase)\(request.uri.path)",
                    code: query?["code"],
                    session: query?["session_state"]
                )
            }
        }
    }

    private func asLink(_ request: Request, _ context: some RequestContext) async throws -> Response {
        do {
            let fields = try await self.form(request)
            let query = FormFields.encode(fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
            var response = Response(status: .seeOther, headers: PageRenderer.headers)
            response.headers[.location] = "\(self.origin.loginBase)\(request.uri.path)?\(query)"
            return response
        } catch let error as OAuthError {
            return self.answer(
                BrowserReply(failure: error),
                to: request,
                circumstances: self.circumstances(request),
                logger: context.logger
            )
        }
    }

    /// The pages themselves.
    func addPages<Context: RequestContext>(to router: Router<Context>) {
        router.post("signin") { request, context in
            let circumstances = self.circumstances(request)
            let reply: BrowserReply
            do {
                guard self.isFromOurPages(request) else { throw OAuthError.foreignForm }
                let fields = try await self.form(request)
                reply = await self.federation.answer(
                    try Self.pageAnswer(fields),
                    flow: fields["flow"] ?? "",
                    browser: self.browser(request),
                    circumstances: circumstances
                )
            } catch let error as OAuthError {
                reply = BrowserReply(failure: error)
            }
            return self.answer(reply, to: request, circumstances: circumstances, logger: context.logger)
        }
        router.get("device") { request, context in
            let circumstances = self.circumstances(request)
            let reply = await self.federation.devicePage(browser: self.browser(request), circumstances: circumstances)
            return self.answer(reply, to: request, circumstances: circumstances, logger: context.logger)
        }
        router.get("error") { request, _ in
            let code = (try? self.query(request))?["code"].flatMap { Int($0) } ?? 0
            return self.pages.response(explaining: code)
        }
        router.get("\(Stylesheet.path)") { _, _ in
            Stylesheet.response
        }
    }

    private static func pageAnswer(_ fields: [String: String]) throws(OAuthError) -> PageAnswer {
        func secret(_ name: String) -> Secret<[UInt8]> { Secret(Array((fields[name] ?? "").utf8)) }
        switch fields["action"] {
        case "signin": return .credentials(name: fields["username"] ?? "", password: secret("password"))
        case "password":
            return .newPassword(current: secret("password"), new: secret("new"), repeated: secret("repeat"))
        case "other": return .otherAccount
        case "code": return .userCode(fields["code"] ?? "")
        case "confirm": return .confirm
        case "cancel": return .cancel
        case let action?:
            guard action.hasPrefix("account:"), let id = GUID(action.dropFirst("account:".count)) else { fallthrough }
            return .account(id)
        default: throw .malformedForm("unknown action")
        }
    }
}
