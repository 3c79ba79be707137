import Federation
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Identity
import Testing
import Vocabulary

@testable import SignInRoutes

@Suite("Endpoints of the sign-in service")
struct EndpointTests {
    static let tid = PageWorld.tenantID.description

    static func robot(_ more: [String: String] = [:]) -> [String: String] {
        [
            "grant_type": "client_credentials", "client_id": PageWorld.robot, "client_secret": PageWorld.secret,
            "scope": "\(PageWorld.base)/management//.default",
        ].merging(more) { $1 }
    }

    @Test("answers a bad secret with 401, a wrong password with 400, in the envelope clients know")
    func statuses() async throws {
        try await PageWorld().run { browser in
            let secret = try await browser.post("/\(Self.tid)/oauth2/v2.0/token", Self.robot(["client_secret": "x"]))
            #expect(secret.status == 401)
            #expect(secret.json["error"] == "invalid_client")
            #expect(secret.json["error_codes"] == [7_000_215])
            let password = try await browser.post(
                "/organizations/oauth2/v2.0/token",
                [
                    "grant_type": "password", "client_id": PageWorld.az, "username": "alice@contoso.example",
                    "password": "wrong", "scope": "\(PageWorld.base)/management//.default",
                ]
            )
            #expect(password.status == 400)
            #expect(password.json["error"] == "invalid_grant")
            #expect(password.json["error_description"]?.string?.hasPrefix("AADSTS50126: ") == true)
            #expect(password.json["trace_id"]?.string == password.headers[named: "x-ms-request-id"])
            #expect(password.headers[named: "retry-after"] == nil)
        }
    }

    @Test("takes the client's secret from the body or the header, never from both")
    func basic() async throws {
        try await PageWorld().run { browser in
            var fields = Self.robot()
            fields["client_secret"] = nil
            fields["client_id"] = nil
            let good = Data("\(PageWorld.robot):\(PageWorld.secret)".utf8).base64EncodedString()
            let answer = try await browser.post(
                "/\(Self.tid)/oauth2/v2.0/token",
                fields,
                headers: [.authorization: "Basic \(good)"]
            )
            #expect(answer.status == 200)
            let both = try await browser.post(
                "/\(Self.tid)/oauth2/v2.0/token",
                Self.robot(),
                headers: [.authorization: "Basic \(good)"]
            )
            #expect(both.status == 400)
            let bad = Data("\(PageWorld.robot):no".utf8).base64EncodedString()
            let refused = try await browser.post(
                "/\(Self.tid)/oauth2/v2.0/token",
                fields,
                headers: [.authorization: "Basic \(bad)"]
            )
            #expect(refused.status == 401)
            #expect(refused.headers[.wwwAuthenticate]?.hasPrefix("Basic") == true)
        }
    }

    @Test("speaks version 1: resource instead of scope, numbers as strings")
    func versionOne() async throws {
        try await PageWorld().run { browser in
            var fields = Self.robot(["resource": "https://management.core.windows.net/"])
            fields["scope"] = nil
            let answer = try await browser.post("/\(Self.tid)/oauth2/token", fields)
            #expect(answer.status == 200)
            #expect(answer.json["expires_in"] == "3600")
            #expect(answer.json["resource"] == "https://management.core.windows.net/")
            let codes = try await browser.post(
                "/common/oauth2/devicecode",
                ["client_id": PageWorld.az, "resource": "https://management.core.windows.net/"]
            )
            #expect(codes.json["verification_url"] == .string("\(PageWorld.base)/device"))
            #expect(codes.json["interval"] == "5")
        }
    }

    @Test("takes forms only, each field once, by POST only")
    func shapes() async throws {
        try await PageWorld().run { browser in
            let path = "/\(Self.tid)/oauth2/v2.0/token"
            let json = try await browser.post(path, Self.robot(), headers: [.contentType: "application/json"])
            #expect(json.status == 400)
            let get = try await browser.get(path + "?grant_type=client_credentials")
            #expect(get.json["error_codes"] == [900_561])
            let twice = try await browser.send(
                path,
                .post,
                [.contentType: "application/x-www-form-urlencoded; charset=utf-8"],
                ByteBuffer(string: PageWorld.encode(Self.robot()) + "&client_id=\(PageWorld.az)")
            )
            #expect(twice.json["error_codes"] == [9_002_313])
            let long = try await browser.post(path, Self.robot(["x": String(repeating: "a", count: 70_000)]))
            #expect(long.status == 413)
        }
    }

    @Test("repeats the client's own request id, and no text that is none")
    func correlation() async throws {
        try await PageWorld().run { browser in
            let id = "0f0f0f0f-0000-4000-8000-00000000000f"
            var headers: HTTPFields = [:]
            headers[named: "client-request-id"] = id
            let path = "/\(Self.tid)/oauth2/v2.0/token"
            let answer = try await browser.post(path, Self.robot(["client_secret": "x"]), headers: headers)
            #expect(answer.json["correlation_id"] == .string(id))
            headers[named: "client-request-id"] = "<script>"
            let other = try await browser.post(path, Self.robot(["client_secret": "x"]), headers: headers)
            #expect(GUID(other.json["correlation_id"]?.string ?? "") != nil)
        }
    }

    @Test("answers discovery for the word that was asked with, and domains with the identifier")
    func discovery() async throws {
        try await PageWorld().run { browser in
            for (asked, told) in [
                ("organizations", "organizations"), (Self.tid, Self.tid), ("Contoso.Example", Self.tid),
            ] {
                let answer = try await browser.get("/\(asked)/v2.0/.well-known/openid-configuration")
                #expect(answer.status == 200)
                #expect(answer.json["token_endpoint"] == .string("\(PageWorld.base)/\(told)/oauth2/v2.0/token"))
                #expect(
                    answer.json["device_authorization_endpoint"]
                        == .string("\(PageWorld.base)/\(told)/oauth2/v2.0/devicecode")
                )
                #expect(answer.json["issuer"] == .string("\(PageWorld.base)/\(Self.tid)/v2.0"))
                #expect(answer.headers[.accessControlAllowOrigin] == "*")
            }
            let first = try await browser.get("/common/.well-known/openid-configuration")
            #expect(first.json["token_endpoint"] == .string("\(PageWorld.base)/common/oauth2/token"))
            #expect(first.json["issuer"] == .string("\(PageWorld.base)/\(Self.tid)/"))
            let foreign = try await browser.get("/fabrikam.example/v2.0/.well-known/openid-configuration")
            #expect(foreign.status == 400)
            #expect(foreign.json["error_codes"] == [90002])
        }
    }

    @Test("publishes public keys only")
    func publicKeys() async throws {
        try await PageWorld().run { browser in
            for path in ["/common/discovery/v2.0/keys", "/\(Self.tid)/discovery/keys"] {
                let keys = try #require(try await browser.get(path).json["keys"]?.array)
                #expect(Set(keys.compactMap { $0["kty"]?.string }) == ["RSA", "EC"])
                for key in keys {
                    #expect(key["kid"] != nil)
                    #expect(key["d"] == nil && key["p"] == nil)
                }
            }
            #expect(try await browser.get("/fabrikam.example/discovery/v2.0/keys").status == 400)
        }
    }

    @Test("vouches for its own host as an authority, and for no other")
    func instance() async throws {
        try await PageWorld().run { browser in
            let path = "/common/discovery/instance?api-version=1.1&authorization_endpoint="
            let own = try await browser.get(
                path + PercentEncoding.encode("https://sally.example/organizations/oauth2/v2.0/authorize")
            )
            #expect(
                own.json["tenant_discovery_endpoint"]
                    == .string("\(PageWorld.base)/organizations/v2.0/.well-known/openid-configuration")
            )
            let other = try await browser.get(
                path + PercentEncoding.encode("https://evil.example/common/oauth2/v2.0/authorize")
            )
            #expect(other.status == 400)
            #expect(other.json["error"] == "invalid_instance")
        }
    }

    @Test("tells the realm of a domain, the same for everybody in it")
    func userRealm() async throws {
        try await PageWorld().run { browser in
            let alice = try await browser.get("/common/userrealm/alice@contoso.example?api-version=1.0")
            let nobody = try await browser.get("/common/userrealm/nobody%40CONTOSO.example?api-version=1.0")
            #expect(alice.json["account_type"] == "Managed")
            #expect(alice.json == nobody.json)
            #expect(try await browser.get("/common/userrealm/a@fabrikam.example").json["account_type"] == "Unknown")
        }
    }

    @Test("describes the cloud as an object to new clients and as an array to old ones, doubled slash or not")
    func cloudMetadata() async throws {
        try await PageWorld().run { browser in
            for path in ["/metadata/endpoints", "//metadata/endpoints"] {
                let cloud = try await browser.get(path + "?api-version=2022-09-01").json
                #expect(cloud["name"] == "AzureCloud")
                #expect(cloud["authentication"]?["loginEndpoint"] == .string(PageWorld.base))
                #expect(cloud["authentication"]?["audiences"]?.array?.first == .string("\(PageWorld.base)/management/"))
                #expect(cloud["resourceManager"] == .string("\(PageWorld.base)/"))
                #expect(cloud["suffixes"]?.object != nil)
            }
            let old = try await browser.get("/metadata/endpoints?api-version=2019-05-01").json
            #expect(old.array?.count == 1)
            #expect(old.array?.first?["name"] == "AzureUSGovernment")
        }
    }

    @Test("signs a program without a browser in by its code")
    func device() async throws {
        try await PageWorld().run { browser in
            let codes = try await browser.post(
                "/organizations/oauth2/v2.0/devicecode",
                [
                    "client_id": PageWorld.az,
                    "scope": "\(PageWorld.base)/management//.default offline_access openid profile",
                ]
            )
            let deviceCode = codes.json["device_code"]?.string ?? ""
            let poll = [
                "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": PageWorld.az,
                "device_code": deviceCode, "code": deviceCode,
            ]
            let pending = try await browser.post("/organizations/oauth2/v2.0/token", poll)
            #expect(pending.status == 400)
            #expect(pending.json["error"] == "authorization_pending")
            let page = try await browser.get("/device")
            #expect(page.text.contains(#"<label for="code">"#))
            let flow = page.field("flow") ?? ""
            let wrong = try await browser.post("/signin", ["flow": flow, "action": "code", "code": "nope"])
            #expect(wrong.text.contains(#"aria-describedby="error""#))
            let userCode = codes.json["user_code"]?.string ?? ""
            let credentials = try await browser.post("/signin", ["flow": flow, "action": "code", "code": userCode])
            #expect(credentials.text.contains(#"id="password""#))
            let confirm = try await browser.post(
                "/signin",
                ["flow": flow, "action": "signin", "username": "alice@contoso.example", "password": PageWorld.password]
            )
            #expect(confirm.text.contains("203.0.113.9"))
            #expect(confirm.text.contains("alice@contoso.example"))
            let done = try await browser.post("/signin", ["flow": flow, "action": "confirm"])
            #expect(done.text.contains("You have signed in to Microsoft Azure CLI"))
            #expect(try await browser.post("/organizations/oauth2/v2.0/token", poll).json["access_token"] != nil)
        }
    }

    @Test("asks before signing out, unless an ID token shows that the person's own application asks")
    func signOut() async throws {
        let world = try await PageWorld()
        try await world.run { browser in
            let silent = PageWorld.authorize(["prompt": "none"])
            _ = try await browser.signIn(PageWorld.authorize())
            let ask = try await browser.get(
                "/common/oauth2/v2.0/logout?post_logout_redirect_uri=https%3A%2F%2Fevil.example"
            )
            #expect(ask.text.contains("Sign out?"))
            #expect(try await browser.get(silent).field("code") != nil)
            let flow = try await browser.get("/common/oauth2/v2.0/logout").field("flow") ?? ""
            let done = try await browser.post("/signin", ["flow": flow, "action": "confirm"])
            #expect(done.text.contains("Signed out"))
            #expect(try await browser.get(silent).field("error") == "login_required")

            let sent = try await browser.signIn(PageWorld.authorize())
            let tokens = try await browser.post(
                "/organizations/oauth2/v2.0/token",
                [
                    "grant_type": "authorization_code", "client_id": PageWorld.az, "code": sent.field("code") ?? "",
                    "redirect_uri": "http://localhost:41234", "code_verifier": PageWorld.verifier,
                ]
            )
            let query = PageWorld.encode([
                "id_token_hint": tokens.json["id_token"]?.string ?? "", "state": "s",
                "post_logout_redirect_uri": "http://localhost:9",
            ])
            let out = try await browser.get("/common/oauth2/v2.0/logout?\(query)")
            #expect(out.status == 302)
            #expect(out.location == "http://localhost:9/?state=s")
            #expect(try await browser.get(silent).field("error") == "login_required")
        }
    }

    @Test("leads nowhere after signing out but to a registered address")
    func signOutRedirect() async throws {
        try await PageWorld().run { browser in
            for address in ["https://evil.example", "//evil.example", "http://localhost/other"] {
                let query = PageWorld.encode(["client_id": PageWorld.az, "post_logout_redirect_uri": address])
                let answer = try await browser.get("/common/oauth2/v2.0/logout?\(query)")
                #expect(answer.status == 200)
                #expect(answer.location.isEmpty)
            }
        }
    }

    @Test("takes no cookie when there are two of the same name")
    func twoCookies() async throws {
        try await PageWorld().run { browser in
            _ = try await browser.signIn(PageWorld.authorize())
            let value = await browser.value() ?? ""
            await browser.set("\(value); \(SignInRoutes.cookieName)=x")
            #expect(try await browser.get(PageWorld.authorize(["prompt": "none"])).field("error") == "login_required")
        }
    }

    @Test("serves the stylesheet that the pages name")
    func stylesheet() async throws {
        try await PageWorld().run { browser in
            let page = try await browser.get("/device")
            let start = try #require(page.text.range(of: "href=\"/assets/"))
            let end = try #require(page.text.range(of: "\"", range: start.upperBound..<page.text.endIndex))
            let sheet = try await browser.get("/assets/" + page.text[start.upperBound..<end.lowerBound])
            #expect(sheet.status == 200)
            #expect(sheet.headers[.contentType] == "text/css; charset=utf-8")
            #expect(sheet.text.contains("prefers-color-scheme: dark"))
        }
    }
}
