import Federation
import HTTPTypes
import Hummingbird
import Logging
import Vocabulary

extension SignInRoutes {
    /// A JSON answer that nobody keeps.
    func json(
        _ value: JSONValue,
        status: HTTPResponse.Status = .ok,
        circumstances: Circumstances? = nil,
        trace: GUID? = nil
    ) -> Response {
        var headers: HTTPFields = [
            .contentType: "application/json; charset=utf-8",
            .cacheControl: "no-store, no-cache",
            .xContentTypeOptions: "nosniff",
        ]
        headers[named: "pragma"] = "no-cache"
        headers[named: "x-ms-request-id"] = trace?.description
        headers[named: "client-request-id"] = circumstances?.correlation
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: value.bytes)))
    }

    /// A public document that clients may keep for a while and read from other sites.
    func document(_ value: JSONValue, maxAge: Int) -> Response {
        var response = self.json(value)
        response.headers[.cacheControl] = "max-age=\(maxAge), private"
        response.headers[named: "pragma"] = nil
        response.headers[.accessControlAllowOrigin] = "*"
        return response
    }

    /// The error envelope of the token endpoint.
    func refusal(
        _ error: OAuthError,
        version: EndpointVersion,
        circumstances: Circumstances,
        logger: Logger
    ) -> Response {
        let trace = GUID(from: self.random)
        if error.status >= 500 || !error.logged.isEmpty {
            logger.log(
                level: self.level(of: error),
                "sign-in request refused",
                metadata: ["code": "\(error.code)", "trace": "\(trace)", "detail": "\(PrintableText.of(error.logged))"]
            )
        }
        let body = error.document(
            version: version,
            at: self.clock.now,
            trace: trace,
            correlation: circumstances.correlation,
            origin: self.origin
        )
        var response = self.json(
            body,
            status: HTTPResponse.Status(code: error.status),
            circumstances: circumstances,
            trace: trace
        )
        response.headers[named: "retry-after"] = error.retryAfter.map { String($0) }
        return response
    }

    /// A client's mistakes are information; what the server cannot do, a full disk for instance, is an error that somebody has to see.
    private func level(of error: OAuthError) -> Logger.Level {
        error.status >= 500 ? .error : .info
    }

    /// An answer to a browser: a page, a redirect, or a form that sends itself.
    func answer(_ reply: BrowserReply, to request: Request, circumstances: Circumstances, logger: Logger) -> Response {
        var response: Response
        switch reply.outcome {
        case .redirect(let target):
            response = Response(status: request.method == .post ? .seeOther : .found, headers: PageRenderer.headers)
            response.headers[.location] = target
        case .post(let target, let origin, let fields):
            response = self.pages.response(posting: fields, to: target, origin: origin)
        case .page(.failure(let error), let status):
            logger.log(
                level: self.level(of: error),
                "sign-in page refused",
                metadata: ["code": "\(error.code)", "detail": "\(PrintableText.of(error.logged))"]
            )
            let identifiers = PageRenderer.Identifiers(
                trace: GUID(from: self.random).description,
                correlation: circumstances.correlation,
                timestamp: self.clock.now.sentence
            )
            response = self.pages.response(failure: error, identifiers, status: status)
            response.headers[named: "retry-after"] = error.retryAfter.map { String($0) }
        case .page(let page, let status):
            response = self.pages.response(page, status: status)
        }
        if let browser = reply.browser {
            let value = browser.withValue { $0 }
            response.headers[.setCookie] = "\(Self.cookieName)=\(value); Path=/; Secure; HttpOnly; SameSite=Lax"
        }
        return response
    }
}
