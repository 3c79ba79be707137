import Identity
import SQLiteStorage
import TestKit
import Testing
import Vocabulary

@testable import Federation

@Suite("Device codes")
struct DeviceCodeTests {
    let world: SignInWorld

    init() async throws {
        self.world = try await SignInWorld()
    }

    func start() async throws -> Federation.DeviceAuthorization {
        try await self.world.federation.authorizeDevice(
            fields: ["client_id": SignInWorld.az.description, "scope": SignInWorld.armScope],
            tenant: "organizations",
            version: .v2,
            circumstances: SignInWorld.circumstances
        )
    }

    func grant(_ codes: Federation.DeviceAuthorization, _ more: [String: String] = [:]) -> [String: String] {
        let code = codes.deviceCode.withValue { $0 }
        return [
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": SignInWorld.az.description,
            "device_code": code, "code": code,
        ].merging(more) { $1 }
    }

    /// Goes through the page up to the last question; returns its form token and the browser's name.
    func enter(_ userCode: String, wrong: Bool = false) async throws -> (flow: String, browser: String?) {
        let first = await self.world.federation.devicePage(browser: nil, circumstances: SignInWorld.circumstances)
        guard case .page(.deviceCode(let flow, _), _) = first.outcome else {
            throw Unexpected(what: "\(first.outcome)")
        }
        let browser = first.browser?.withValue { $0 }
        let second = await self.answer(.userCode(userCode), flow, browser)
        guard case .page(.credentials(let page), _) = second.outcome else {
            throw Unexpected(what: "\(second.outcome)")
        }
        let password = Secret(Array(SignInWorld.password.utf8))
        let third = await self.answer(
            .credentials(name: "alice@contoso.example", password: password),
            page.flow,
            browser
        )
        guard case .page(.confirmDevice(let last), _) = third.outcome else {
            throw Unexpected(what: "\(third.outcome)")
        }
        #expect(last.application == "Microsoft Azure CLI")
        #expect(last.source == SignInWorld.circumstances.source)
        return (last.flow, third.browser?.withValue { $0 })
    }

    func answer(_ answer: PageAnswer, _ flow: String, _ browser: String?) async -> BrowserReply {
        await self.world.federation.answer(
            answer,
            flow: flow,
            browser: browser,
            circumstances: SignInWorld.circumstances
        )
    }

    @Test("shows nine letters and digits, and says so in a sentence")
    func codes() async throws {
        let codes = try await self.start()
        #expect(codes.userCode.count == 9)
        let body = codes.document(version: .v2)
        #expect(body["expires_in"] == 900)
        #expect(body["interval"] == 5)
        #expect(body["verification_uri"] == "https://sally.example:8443/device")
        #expect(body["message"]?.string?.contains(codes.userCode) == true)
        #expect(codes.document(version: .v1)["verification_url"] != nil)
    }

    @Test("waits until the person said yes, then gives tokens with the remembered scope, once")
    func wholeWay() async throws {
        let codes = try await self.start()
        #expect(await self.world.refusal(self.grant(codes))?.error == "authorization_pending")
        let (flow, browser) = try await self.enter(codes.userCode.lowercased())
        self.world.clock.turn(.seconds(5))
        #expect(await self.world.refusal(self.grant(codes))?.error == "authorization_pending")
        guard case .page(.done, _) = await self.answer(.confirm, flow, browser).outcome else {
            Issue.record("not confirmed")
            return
        }
        self.world.clock.turn(.seconds(5))
        let tokens = try await self.world.tokens(self.grant(codes))
        #expect(tokens.scope.contains("https://sally.example:8443/management//.default"))
        #expect(try SignInWorld.claims(tokens.accessToken)["oid"] == .string(self.world.alice.id.description))
        #expect(await self.world.refusal(self.grant(codes))?.code == 54005)
    }

    @Test("says authorization_declined after a no")
    func declined() async throws {
        let codes = try await self.start()
        let (flow, browser) = try await self.enter(codes.userCode)
        _ = await self.answer(.cancel, flow, browser)
        #expect(await self.world.refusal(self.grant(codes))?.error == "authorization_declined")
        #expect(await self.world.refusal(self.grant(codes))?.status == 400)
    }

    @Test("says expired_token after fifteen minutes, to programs and to people")
    func expired() async throws {
        let codes = try await self.start()
        self.world.clock.turn(.seconds(900))
        #expect(await self.world.refusal(self.grant(codes))?.error == "expired_token")
        await #expect(throws: Unexpected.self) { try await self.enter(codes.userCode) }
    }

    @Test("slows a program down that asks too often")
    func tooOften() async throws {
        let codes = try await self.start()
        _ = await self.world.refusal(self.grant(codes))
        self.world.clock.turn(.seconds(1))
        #expect(await self.world.refusal(self.grant(codes))?.error == "slow_down")
        self.world.clock.turn(.seconds(5))
        #expect(await self.world.refusal(self.grant(codes))?.error == "slow_down")
        self.world.clock.turn(.seconds(15))
        #expect(await self.world.refusal(self.grant(codes))?.error == "authorization_pending")
    }

    @Test("refuses unknown device codes and those of other clients")
    func foreign() async throws {
        let codes = try await self.start()
        let unknown = ["device_code": "spdc_x", "code": "spdc_x"]
        #expect(await self.world.refusal(self.grant(codes, unknown))?.error == "bad_verification_code")
        let sally = ["client_id": ClientApplication.sally.appID.description]
        #expect(await self.world.refusal(self.grant(codes, sally))?.error == "bad_verification_code")
    }

    @Test("lets nobody confirm with the form of another browser, and nobody without having signed in")
    func otherBrowser() async throws {
        let codes = try await self.start()
        let (flow, _) = try await self.enter(codes.userCode)
        for browser in [nil, String(repeating: "A", count: 43)] {
            let outcome = await self.answer(.confirm, flow, browser).outcome
            #expect(outcome == .page(.failure(.flowExpired), status: 400))
        }
        let first = await self.world.federation.devicePage(browser: nil, circumstances: SignInWorld.circumstances)
        guard case .page(.deviceCode(let early, _), _) = first.outcome else { throw Unexpected(what: "\(first)") }
        let browser = first.browser?.withValue { $0 }
        _ = await self.answer(.userCode(codes.userCode), early, browser)
        #expect(await self.answer(.confirm, early, browser).outcome == .page(.failure(.flowExpired), status: 400))
        #expect(await self.world.refusal(self.grant(codes))?.error == "authorization_pending")
    }

    @Test("stops people who guess codes")
    func guessing() async throws {
        let codes = try await self.start()
        let first = await self.world.federation.devicePage(browser: nil, circumstances: SignInWorld.circumstances)
        guard case .page(.deviceCode(let flow, _), _) = first.outcome else { throw Unexpected(what: "\(first)") }
        let browser = first.browser?.withValue { $0 }
        for _ in 0..<10 {
            guard case .page(.deviceCode, 200) = await self.answer(.userCode("BBBBBBBBB"), flow, browser).outcome else {
                Issue.record("refused too early")
                return
            }
        }
        guard case .page(.failure(let error), 429) = await self.answer(.userCode(codes.userCode), flow, browser).outcome
        else {
            Issue.record("not stopped")
            return
        }
        #expect(error.retryAfter ?? 0 > 0)
        self.world.clock.turn(.seconds(601))
        guard case .page(.credentials, _) = await self.answer(.userCode(codes.userCode), flow, browser).outcome else {
            Issue.record("still stopped")
            return
        }
    }

    @Test("gives no codes to unknown clients, for foreign resources or for several")
    func badRequests() async throws {
        func code(_ fields: [String: String], tenant: String = "organizations") async -> Int? {
            do throws(OAuthError) {
                _ = try await self.world.federation.authorizeDevice(
                    fields: fields,
                    tenant: tenant,
                    version: .v2,
                    circumstances: SignInWorld.circumstances
                )
                return nil
            } catch {
                return error.code
            }
        }
        let az = SignInWorld.az.description
        #expect(await code(["scope": SignInWorld.armScope]) == 900144)
        #expect(await code(["client_id": GUID.zero.description, "scope": SignInWorld.armScope]) == 700016)
        #expect(await code(["client_id": az, "scope": "https://evil.example/.default"]) == 500011)
        #expect(await code(["client_id": az]) == 900144)
        #expect(await code(["client_id": az, "scope": SignInWorld.armScope], tenant: "fabrikam.example") == 90002)
    }
}
