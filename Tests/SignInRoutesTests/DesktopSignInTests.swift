import Federation
import HTTPTypes
import Hummingbird
import Testing
import Vocabulary

@testable import SignInRoutes

@Suite("Signing in to desktops")
struct DesktopSignInTests {
    static let client = "a85cf173-4192-42f8-81fa-777a763e6e2c"
    static let scope = "ms-device-service://termsrv.wvd.microsoft.com/name/vm1/user_impersonation"
    static let redirect = PageWorld.base + "/common/oauth2/nativeclient"
    static let confirmation = Base64URL.encode(
        Array(#"{"kid":"\#(Base64URL.encode([UInt8](repeating: 7, count: 32)))"}"#.utf8)
    )

    static func world() async throws -> PageWorld {
        let world = try await PageWorld()
        world.federation.desktopHosts = DesktopHosts { name, _ in
            .allowed(DesktopHost(machine: .root, hostName: name + "<b>", enrolment: GUID(high: 1, low: 1)))
        }
        return world
    }

    /// The address as FreeRDP 3 prints it.
    static let address =
        "/common/oauth2/v2.0/authorize?client_id=\(client)&response_type=code&scope="
        + PercentEncoding.encode(scope) + "&redirect_uri=" + PercentEncoding.encode(redirect)

    @Test("goes the whole way of a desktop client: question, page to copy from, bound token")
    func way() async throws {
        try await Self.world().run { browser in
            let page = try await browser.get(Self.address)
            #expect(page.text.contains("Remote Desktop"))
            let question = try await browser.post(
                "/signin",
                [
                    "flow": page.field("flow") ?? "", "username": "alice@contoso.example",
                    "password": PageWorld.password, "action": "signin",
                ]
            )
            #expect(question.text.contains("<h1>Allow remote desktop connection to vm1&lt;b&gt;?</h1>"))
            #expect(question.policy.contains("form-action 'self' \(PageWorld.base)"))
            let sent = try await browser.post(
                "/signin",
                ["flow": question.field("flow") ?? "", "action": "confirm"]
            )
            #expect(sent.status == 303)
            let target = sent.headers[.location] ?? ""
            #expect(target.hasPrefix(Self.redirect + "?code="))
            let last = try await browser.get(String(target.dropFirst(PageWorld.base.count)))
            #expect(last.status == 200)
            // Something follows the code, for clients that take the line's end for a part of it.
            #expect(target.contains("&session_state="))
            #expect(last.text.contains(">\(target.replacing("&", with: "&amp;"))</textarea>"))
            #expect(last.headers[.cacheControl] == "no-store")
            let tokens = try await browser.post(
                "/common/oauth2/v2.0/token",
                [
                    "grant_type": "authorization_code", "client_id": Self.client, "scope": Self.scope,
                    "code": String(target.dropFirst((Self.redirect + "?code=").count).prefix { $0 != "&" }),
                    "redirect_uri": Self.redirect,
                    "req_cnf": Self.confirmation,
                ]
            )
            #expect(tokens.status == 200)
            #expect(tokens.json["token_type"] == "Bearer")
            #expect(tokens.json["access_token"]?.string?.isEmpty == false)
        }
    }

    @Test("writes headers that a small client can read: each line below a kilobyte")
    func shortLines() async throws {
        try await Self.world().run { browser in
            for answer in [
                try await browser.get("/common/v2.0/.well-known/openid-configuration"),
                try await browser.post("/common/oauth2/v2.0/token", ["grant_type": "srv_challenge"]),
                try await browser.post("/common/oauth2/v2.0/token", ["grant_type": "authorization_code"]),
            ] {
                #expect(answer.headers.allSatisfy { $0.name.rawName.utf8.count + $0.value.utf8.count < 1000 })
            }
        }
    }

    @Test("gives anybody a fresh nonce, who needs no client for it", arguments: ["oauth2/token", "oauth2/v2.0/token"])
    func challenge(endpoint: String) async throws {
        try await Self.world().run { browser in
            var seen: Set<String> = []
            for _ in 0..<3 {
                let answer = try await browser.post("/common/\(endpoint)", ["grant_type": "srv_challenge"])
                #expect(answer.status == 200)
                #expect(answer.headers[.cacheControl] == "no-store, no-cache")
                seen.insert(answer.json["Nonce"]?.string ?? "")
            }
            #expect(seen.count == 3)
            #expect(seen.allSatisfy { $0.utf8.count == 54 })
        }
    }

    @Test("shows nothing on the last page that somebody put into its address")
    func injected() async throws {
        try await Self.world().run { browser in
            let address = "/common/oauth2/nativeclient"
            let refused = try await browser.get(address + "?error=x&error_description=Call%20me")
            #expect(refused.text.contains("Not signed in"))
            #expect(!refused.text.contains("Call me"))
            let odd = try await browser.get(address + "?code=%22%3E%3Cscript%3E&session=Call%20me")
            #expect(!odd.text.contains("<script>"))
            #expect(!odd.text.contains("Call"))
            #expect(try await browser.get(address).text.contains("Not signed in"))
        }
    }
}
