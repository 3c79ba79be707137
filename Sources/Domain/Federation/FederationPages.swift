import Identity
import Vocabulary

/// What the pages need to know, and how an answer to a browser is put together.
extension Federation {
    /// Runs the answer to a browser; whatever goes wrong becomes a page.
    func answering(
        _ browser: String?,
        _ body: () async throws -> (BrowserOutcome, String?)
    ) async -> BrowserReply {
        do {
            let (outcome, fresh) = try await body()
            return BrowserReply(outcome: outcome, browser: fresh.map { Secret($0) })
        } catch let error as OAuthError {
            return BrowserReply(outcome: .page(.failure(error), status: error.status), browser: nil)
        } catch {
            let error = OAuthError.trouble("\(error)")
            return BrowserReply(outcome: .page(.failure(error), status: error.status), browser: nil)
        }
    }

    /// The name of an application as the pages show it.
    func applicationName(_ client: GUID) async throws -> String {
        PrintableText.of(try await self.directory.application(client)?.displayName ?? client.description, limit: 80)
    }

    func credentialsPage(
        _ token: String,
        _ request: AuthorizationRequest,
        name: String
    ) async throws -> SignInPage {
        .credentials(
            .init(
                flow: token,
                application: try await self.applicationName(request.client),
                name: PrintableText.of(name),
                message: nil,
                target: RedirectURI(request.redirectURI)?.origin
            )
        )
    }

    func credentialsPage(
        _ pass: SignInPass,
        name: String,
        message: String? = nil
    ) async throws -> SignInPage {
        let client = pass.flow.clientID ?? .zero
        return .credentials(
            .init(
                flow: pass.token,
                application: try await self.applicationName(client),
                name: PrintableText.of(name),
                message: message,
                target: pass.flow.target
            )
        )
    }

    static func trimmed(_ text: String) -> String {
        String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}

extension SignInFlow {
    /// The application that somebody signs in for.
    var clientID: GUID? {
        switch self.purpose {
        case .authorize(let request): request.client
        case .device(_, let client, _): client
        case .deviceEntry, .signOut: nil
        }
    }

    /// Where the browser goes in the end, if it leaves this service.
    var target: String? {
        guard case .authorize(let request) = self.purpose else { return nil }
        return RedirectURI(request.redirectURI)?.origin
    }

    /// Whether an earlier sign-in is good enough for this pass.
    func accepts(_ account: SignedInAccount, at now: Instant) -> Bool {
        guard case .authorize(let request) = self.purpose else { return true }
        let isFresh = request.maxAge.map { now - account.authentication.at <= .seconds($0) } ?? true
        return isFresh && request.prompt.isDisjoint(with: [.login, .create])
    }

    func newPasswordPage(_ token: String, name: String, message: String?) -> SignInPage.NewPasswordPage {
        .init(flow: token, name: PrintableText.of(name), message: message, target: self.target)
    }
}
