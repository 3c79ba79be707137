import Crypto
import Federation
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Mustache
import Vocabulary

/// Turns pages into answers: HTML and the headers that keep it from being framed, sniffed, kept, or made to send its forms elsewhere.
struct PageRenderer: Sendable {
    /// What somebody tells an administrator when they ask about an error.
    struct Identifiers: Sendable {
        let trace: String
        let correlation: String
        let timestamp: String
    }

    private let tenantName: String
    private let domain: String
    private let library: MustacheLibrary

    /// Compiles the templates; throws when one is broken.
    init(tenantName: String, domain: String) throws {
        self.tenantName = tenantName
        self.domain = domain
        var library = MustacheLibrary()
        try library.register(PageTemplates.layout, named: "layout")
        try library.register(PageTemplates.credentials, named: "credentials")
        try library.register(PageTemplates.newPassword, named: "newPassword")
        try library.register(PageTemplates.accounts, named: "accounts")
        try library.register(PageTemplates.deviceCode, named: "deviceCode")
        try library.register(PageTemplates.confirmDevice, named: "confirmDevice")
        try library.register(PageTemplates.allowDesktop, named: "allowDesktop")
        try library.register(PageTemplates.codeToPaste, named: "codeToPaste")
        try library.register(PageTemplates.signOut, named: "signOut")
        try library.register(PageTemplates.done, named: "done")
        try library.register(PageTemplates.failure, named: "failure")
        try library.register(PageTemplates.post, named: "post")
        self.library = library
    }

    /// What every answer to a browser carries.
    ///
    /// The referrer stays within the site: a stricter word would make browsers send `Origin: null` with our own forms.
    static let headers: HTTPFields = {
        var headers: HTTPFields = [
            .cacheControl: "no-store",
            .xContentTypeOptions: "nosniff",
        ]
        headers[named: "referrer-policy"] = "same-origin"
        headers[named: "x-frame-options"] = "DENY"
        headers[named: "cross-origin-opener-policy"] = "same-origin"
        headers[named: "cross-origin-resource-policy"] = "same-origin"
        return headers
    }()

    /// A page to fill in or to read.
    func response(_ page: SignInPage, status: Int) -> Response {
        let view = self.view(of: page)
        return self.response(view.template, title: view.title, view.values, target: view.target, status: status)
    }

    /// What a template makes a page of.
    private struct View {
        let template: String
        let title: String
        let values: [String: Any?]
        /// Where its form leads in the end, besides ourselves.
        let target: String?

        // Screen readers read the title first, so a page that says what was wrong begins with the word.
        init(
            _ template: String,
            title: String,
            message: String? = nil,
            _ values: [String: Any?],
            target: String? = nil
        ) {
            self.template = template
            self.title = (message == nil ? "" : "Error: ") + title
            self.values = values.merging(["message": message]) { $1 }
            self.target = target
        }
    }

    private func view(of page: SignInPage) -> View {
        switch page {
        case .credentials(let page):
            return View(
                "credentials",
                title: "Sign in",
                message: page.message,
                [
                    "flow": page.flow, "application": page.application,
                    "name": page.name.isEmpty ? nil : page.name, "domain": self.domain,
                ],
                target: page.target
            )
        case .newPassword(let page):
            return View(
                "newPassword",
                title: "Choose a password",
                message: page.message,
                ["flow": page.flow, "name": page.name],
                target: page.target
            )
        case .accounts(let page):
            let accounts: [[String: String]] = page.accounts.map { account in
                [
                    "id": account.authentication.user.description, "displayName": account.displayName,
                    "name": account.userPrincipalName,
                ]
            }
            return View(
                "accounts",
                title: "Pick an account",
                ["flow": page.flow, "application": page.application, "accounts": accounts],
                target: page.target
            )
        case .deviceCode(let flow, let message):
            return View("deviceCode", title: "Enter code", message: message, ["flow": flow])
        case .confirmDevice(let page):
            return View(
                "confirmDevice",
                title: "Confirm",
                [
                    "flow": page.flow, "application": page.application, "name": page.name,
                    "source": page.source.isEmpty ? nil : page.source,
                ]
            )
        case .allowDesktop(let page):
            return View(
                "allowDesktop",
                title: "Allow remote desktop connection",
                ["flow": page.flow, "hostName": page.hostName, "machine": page.machine, "name": page.name],
                target: page.target
            )
        case .signOut(let page):
            return View("signOut", title: "Sign out", ["flow": page.flow, "names": page.names], target: page.target)
        case .done(let title, let text):
            return View("done", title: title, ["title": title, "text": text])
        case .failure(let error):
            return View("done", title: "Error", ["title": "Error", "text": error.sentence])
        }
    }

    /// A page that says what went wrong, with what an administrator needs to find it.
    func response(failure error: OAuthError, _ identifiers: Identifiers, status: Int) -> Response {
        self.response(
            "failure",
            title: "Error",
            [
                "sentence": error.sentence, "trace": identifiers.trace, "correlation": identifiers.correlation,
                "timestamp": identifiers.timestamp,
            ],
            status: status
        )
    }

    /// The page behind the address in error answers.
    func response(explaining code: Int) -> Response {
        self.response(
            "done",
            title: "Error \(code)",
            [
                "title": "AADSTS\(code)",
                "text": "The sentence after the number in the program's output says what happened. "
                    + "An administrator finds the details in the audit log by the correlation id.",
            ],
            status: 200
        )
    }

    /// The page at which a program ends that has no address of its own: its user carries the answer over by hand.
    ///
    /// Only the code is repeated, in an address of ours: whatever else somebody put into the address must not be read here.
    func response(forProgramAt address: String, code: String?, session: String?) -> Response {
        guard let code, !code.isEmpty else {
            return self.response(
                "done",
                title: "Not signed in",
                [
                    "title": "Not signed in",
                    "text": "The sign-in was cancelled or refused. Close this window and start again in the program.",
                ],
                status: 200
            )
        }
        return self.response(
            "codeToPaste",
            title: "Signed in",
            // FreeRDP takes everything up to the next field for the code, the end of the pasted line too.
            [
                "address": "\(address)?code=\(PercentEncoding.encode(code))"
                    + "&session_state=\(PercentEncoding.encode(session ?? ""))"
            ],
            status: 200
        )
    }

    /// A form that sends itself to a program on this computer; a button does it where scripts do not run.
    func response(posting fields: [BrowserOutcome.FormField], to target: String, origin: String) -> Response {
        let values: [[String: String]] = fields.map { ["name": $0.name, "value": $0.value] }
        return self.response(
            "post",
            title: "Signing in",
            ["target": target, "fields": values],
            target: origin,
            script: PageTemplates.submit,
            status: 200
        )
    }

    private func response(
        _ template: String,
        title: String,
        _ values: [String: Any?],
        target: String? = nil,
        script: String? = nil,
        status: Int
    ) -> Response {
        let body = self.library.render(values.compactMapValues { $0 }, withTemplate: template) ?? ""
        let page: [String: Any] = [
            "title": title, "tenant": self.tenantName, "stylesheet": Stylesheet.path, "body": body,
        ]
        let html = self.library.render(page, withTemplate: "layout") ?? ""
        var headers = Self.headers
        headers[.contentType] = "text/html; charset=utf-8"
        headers[named: "content-security-policy"] = Self.policy(target: target, script: script)
        return Response(
            status: HTTPResponse.Status(code: status),
            headers: headers,
            body: .init(byteBuffer: ByteBuffer(string: html))
        )
    }

    // Forms go to ourselves, and to the one address that this sign-in was asked from: browsers apply the rule to redirects too.
    private static func policy(target: String?, script: String?) -> String {
        var rules = [
            "default-src 'none'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'",
            "form-action 'self'" + (target.map { " \($0)" } ?? ""),
        ]
        if let script {
            let digest = Data(SHA256.hash(data: Array(script.utf8))).base64EncodedString()
            rules.append("script-src 'sha256-\(digest)'")
        }
        return rules.joined(separator: "; ")
    }
}
