import Federation
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Identity
import TestKit
import Testing
import Vocabulary

@testable import SignInRoutes

@Suite("Signing in with a browser")
struct BrowserSignInTests {
    @Test("goes the whole way of az login: page, form to the loopback port, tokens")
    func azLogin() async throws {
        try await PageWorld().run { browser in
            let page = try await browser.get(PageWorld.authorize())
            #expect(page.status == 200)
            #expect(page.text.contains("Microsoft Azure CLI"))
            #expect(page.text.contains(#"value="" autofocus"#))
            let sent = try await browser.post(
                "/signin",
                [
                    "flow": page.field("flow") ?? "", "username": " Alice@Contoso.example ",
                    "password": PageWorld.password, "action": "signin",
                ],
                headers: [.origin: PageWorld.base]
            )
            #expect(sent.status == 200)
            #expect(sent.text.contains(#"action="http://localhost:41234""#))
            #expect(sent.field("state") == "st<&\"ate")
            #expect(!sent.text.contains("st<&"))
            let code = try #require(sent.field("code"))
            #expect(sent.field("client_info") != nil)
            let tokens = try await browser.post(
                "/organizations/oauth2/v2.0/token",
                [
                    "grant_type": "authorization_code", "client_id": PageWorld.az, "code": code, "client_info": "1",
                    "redirect_uri": "http://localhost:41234", "code_verifier": PageWorld.verifier,
                    "scope": "\(PageWorld.base)/management//.default offline_access openid profile",
                ]
            )
            #expect(tokens.status == 200)
            #expect(tokens.headers[.cacheControl] == "no-store, no-cache")
            #expect(tokens.json["expires_in"] == 3600)
            #expect(tokens.json["foci"] == "1")
            #expect(tokens.json["scope"]?.string?.contains("\(PageWorld.base)/management//.default") == true)
        }
    }

    @Test("keeps pages from being framed, sniffed, cached or made to post elsewhere")
    func headers() async throws {
        try await PageWorld().run { browser in
            for page in [try await browser.get(PageWorld.authorize()), try await browser.get("/device")] {
                #expect(page.headers[.cacheControl] == "no-store")
                #expect(page.headers[named: "x-frame-options"] == "DENY")
                #expect(page.headers[.xContentTypeOptions] == "nosniff")
                #expect(page.policy.contains("default-src 'none'"))
                #expect(page.policy.contains("frame-ancestors 'none'"))
                #expect(page.policy.contains("base-uri 'none'"))
                #expect(!page.policy.contains("unsafe"))
                #expect(!page.policy.contains("script-src"))
                #expect(!page.text.contains("<script"))
                #expect(!page.text.contains("style="))
            }
            let page = try await browser.get(PageWorld.authorize())
            #expect(page.policy.contains("form-action 'self' http://localhost:41234"))
            let sent = try await browser.signIn(PageWorld.authorize())
            #expect(sent.policy.contains("form-action 'self' http://localhost:41234"))
            #expect(sent.policy.contains("script-src 'sha256-"))
            #expect(sent.text.contains("<button"))
        }
    }

    @Test("gives the browser a cookie bound to host and TLS, and another one after signing in")
    func cookie() async throws {
        try await PageWorld().run { browser in
            let page = try await browser.get(PageWorld.authorize())
            let set = page.headers[.setCookie] ?? ""
            #expect(set.hasPrefix("__Host-sallyport="))
            for attribute in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
                #expect(set.contains(attribute))
            }
            #expect(!set.lowercased().contains("domain"))
            let before = await browser.value()
            _ = try await browser.signIn(PageWorld.authorize())
            #expect(await browser.value() != before)
            // What the browser was called before is worth nothing now.
            let after = await browser.value()
            await browser.set(before)
            #expect(try await browser.get(PageWorld.authorize(["prompt": "none"])).field("error") == "login_required")
            await browser.set(after)
            #expect(try await browser.get(PageWorld.authorize(["prompt": "none"])).field("code") != nil)
        }
    }

    @Test("shows the error beside the fields, and the name again, after a wrong password")
    func wrongPassword() async throws {
        try await PageWorld().run { browser in
            let again = try await browser.signIn(PageWorld.authorize(), password: "wrong")
            #expect(again.text.contains(#"id="error" role="alert""#))
            #expect(again.text.contains(#"aria-describedby="error""#))
            #expect(again.text.contains("AADSTS50126"))
            #expect(again.text.contains(#"value="alice@contoso.example""#))
            #expect(again.text.contains("<title>Error: "))
            let unknown = try await browser.signIn(
                PageWorld.authorize(),
                name: "nobody@contoso.example",
                password: "wrong"
            )
            func shape(_ answer: Answer, _ name: String) -> String {
                answer.text.replacingOccurrences(of: answer.field("flow") ?? "", with: "")
                    .replacingOccurrences(of: name, with: "")
            }
            #expect(shape(again, "alice@contoso.example") == shape(unknown, "nobody@contoso.example"))
            let right = try await browser.post(
                "/signin",
                [
                    "flow": again.field("flow") ?? "", "username": "alice@contoso.example",
                    "password": PageWorld.password, "action": "signin",
                ]
            )
            #expect(right.field("code") != nil)
        }
    }

    @Test("escapes whatever people and clients wrote")
    func escaping() async throws {
        let world = try await PageWorld()
        try await world.run { browser in
            let evil = #"<script>alert(1)</script>"'"#
            for page in [
                try await browser.get(PageWorld.authorize(["login_hint": evil])),
                try await browser.signIn(PageWorld.authorize(["state": evil]), name: evil, password: evil),
                try await browser.get(PageWorld.authorize(["client_id": evil])),
                try await browser.get("/%3Cscript%3E/oauth2/v2.0/authorize?client_id=x"),
                try await browser.get(PageWorld.authorize(["redirect_uri": evil])),
            ] {
                #expect(!page.text.contains("<script>alert"))
                #expect(!page.text.contains("<script>&#"))
            }
            _ = try await browser.signIn(PageWorld.authorize())
            let pick = try await browser.get(PageWorld.authorize())
            #expect(pick.text.contains("Alice &lt;Liddell&gt;"))
        }
    }

    @Test("never sends anything to an address that is not registered, nor for an unknown client")
    func openRedirect() async throws {
        try await PageWorld().run { browser in
            for address in [
                "https://evil.example/", "//evil.example", "http://localhost.evil.example", "http://localhost/path",
                "javascript:alert(1)", "http://localhost@evil.example", "",
            ] {
                for mode in ["query", "form_post", "fragment"] {
                    let page = try await browser.get(
                        PageWorld.authorize(["redirect_uri": address, "response_mode": mode, "prompt": "none"])
                    )
                    #expect(page.status == 400)
                    #expect(page.location.isEmpty)
                    #expect(!page.text.contains("evil.example"))
                }
            }
            let stranger = try await browser.get(PageWorld.authorize(["client_id": GUID.zero.description]))
            #expect(stranger.status == 400)
            #expect(stranger.text.contains("AADSTS700016"))
            #expect(stranger.text.contains("Correlation id"))
        }
    }

    @Test("sends other errors to the registered address, in the mode that was asked for")
    func errorsToClient() async throws {
        try await PageWorld().run { browser in
            let posted = try await browser.get(PageWorld.authorize(["response_type": "token"]))
            #expect(posted.field("error") == "unsupported_response_type")
            #expect(posted.field("state") == "st<&\"ate")
            let query = try await browser.get(
                PageWorld.authorize(["response_mode": "query", "code_challenge": "", "code_challenge_method": ""])
            )
            #expect(query.status == 302)
            #expect(query.location.hasPrefix("http://localhost:41234/?error=invalid_request"))
            #expect(query.location.contains("AADSTS50147"))
            #expect(query.location.contains("state=st%3C%26%22ate"))
            let plain = try await browser.get(PageWorld.authorize(["code_challenge_method": "plain"]))
            #expect(plain.field("error_description")?.contains("AADSTS501491") == true)
            let fragment = try await browser.get(
                PageWorld.authorize(["response_mode": "fragment", "scope": "https://evil.example/.default"])
            )
            #expect(fragment.location.hasPrefix("http://localhost:41234/#error=invalid_resource"))
        }
    }

    @Test("takes a form once, from the browser it was made for, and not from other sites")
    func forgery() async throws {
        try await PageWorld().run { browser in
            let page = try await browser.get(PageWorld.authorize())
            let fields = [
                "flow": page.field("flow") ?? "", "username": "alice@contoso.example",
                "password": PageWorld.password, "action": "signin",
            ]
            let foreign = try await browser.post("/signin", fields, headers: [.origin: "https://evil.example"])
            #expect(foreign.status == 400)
            var fetch: HTTPFields = [:]
            fetch[named: "sec-fetch-site"] = "cross-site"
            #expect(try await browser.post("/signin", fields, headers: fetch).status == 400)
            let mine = await browser.value()
            for other in [nil, "", String(repeating: "A", count: 43)] {
                await browser.set(other)
                let answer = try await browser.post("/signin", fields)
                #expect(answer.status == 400)
                #expect(answer.text.contains("AADSTS50089"))
            }
            await browser.set(mine)
            #expect(try await browser.post("/signin", fields).field("code") != nil)
            #expect(try await browser.post("/signin", fields).text.contains("AADSTS50089"))
        }
    }

    @Test("refuses a page after half an hour")
    func oldPage() async throws {
        let world = try await PageWorld()
        try await world.run { browser in
            let page = try await browser.get(PageWorld.authorize())
            world.clock.turn(.seconds(1801))
            let answer = try await browser.post(
                "/signin",
                [
                    "flow": page.field("flow") ?? "", "username": "alice@contoso.example",
                    "password": PageWorld.password, "action": "signin",
                ]
            )
            #expect(answer.status == 400)
        }
    }

    @Test("turns an authorize form into a link, so that the cookie comes along")
    func postedAuthorize() async throws {
        try await PageWorld().run { browser in
            let answer = try await browser.post(
                "/organizations/oauth2/v2.0/authorize",
                ["client_id": PageWorld.az, "state": "a&b"]
            )
            #expect(answer.status == 303)
            #expect(
                answer.location
                    == "\(PageWorld.base)/organizations/oauth2/v2.0/authorize?client_id=\(PageWorld.az)&state=a%26b"
            )
        }
    }

    @Test("refuses repeated parameters and broken escapes")
    func ambiguous() async throws {
        try await PageWorld().run { browser in
            for more in ["&redirect_uri=https%3A%2F%2Fevil.example", "&x=%zz", "&x=%ff", "&x=%00"] {
                let answer = try await browser.get(PageWorld.authorize() + more)
                #expect(answer.status == 400)
            }
        }
    }
}
