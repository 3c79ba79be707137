import Testing
import Vocabulary

@testable import Federation

@Suite("What comes next at the authorize endpoint")
struct SignInStepTests {
    let now = Instant(seconds: 1_767_225_600)
    let alice: SignedInAccount
    let bob: SignedInAccount

    init() {
        func account(_ name: String, _ low: UInt64, ago: Duration) -> SignedInAccount {
            SignedInAccount(
                authentication: Authentication(
                    user: GUID(high: 0, low: low),
                    methods: ["pwd"],
                    at: Instant(seconds: 1_767_225_600) - ago
                ),
                userPrincipalName: name,
                displayName: name
            )
        }
        self.alice = account("Alice@contoso.example", 1, ago: .seconds(10))
        self.bob = account("bob@contoso.example", 2, ago: .seconds(3600))
    }

    func step(_ more: [String: String], _ accounts: [SignedInAccount]) throws -> SignInStep {
        let parameters = [
            "client_id": SignInWorld.az.description, "response_type": "code", "redirect_uri": "http://localhost",
            "scope": SignInWorld.armScope, "code_challenge": SignInWorld.challenge, "code_challenge_method": "S256",
        ].merging(more) { $1 }
        let request = try AuthorizationRequest(
            parameters,
            address: try AuthorizationAddress(parameters),
            version: .v2,
            isPublicClient: true,
            origin: try ServiceOrigin(base: "https://sally.example:8443")
        )
        return SignInStep.first(for: request, accounts: accounts, at: self.now)
    }

    @Test("asks for credentials when nobody is signed in")
    func nobody() throws {
        #expect(try self.step([:], []) == .credentials(name: ""))
        #expect(try self.step(["prompt": "select_account"], []) == .credentials(name: ""))
        #expect(try self.step(["login_hint": "x@contoso.example"], []) == .credentials(name: "x@contoso.example"))
    }

    @Test("goes on silently with the only account, or the one hinted at")
    func silent() throws {
        #expect(try self.step([:], [self.alice]) == .complete(self.alice))
        #expect(
            try self.step(["login_hint": "ALICE@contoso.example"], [self.bob, self.alice]) == .complete(self.alice)
        )
        #expect(try self.step(["prompt": "none"], [self.alice]) == .complete(self.alice))
    }

    @Test("never signs a person in under another name than the one hinted at")
    func otherName() throws {
        #expect(
            try self.step(["login_hint": "carol@contoso.example"], [self.alice])
                == .credentials(name: "carol@contoso.example")
        )
    }

    @Test("lets people pick when there are several, or when the client says so")
    func pick() throws {
        #expect(try self.step([:], [self.alice, self.bob]) == .choose([self.alice, self.bob]))
        #expect(try self.step(["prompt": "select_account"], [self.alice]) == .choose([self.alice]))
    }

    @Test("asks again with prompt=login and after max_age")
    func again() throws {
        #expect(try self.step(["prompt": "login"], [self.alice]) == .credentials(name: ""))
        #expect(try self.step(["max_age": "60"], [self.bob]) == .credentials(name: "bob@contoso.example"))
        #expect(try self.step(["max_age": "60"], [self.alice]) == .complete(self.alice))
    }

    @Test("refuses a max_age that it cannot read", arguments: ["x", "-1", "+1", "1.5", " 1", "99999999999999999999"])
    func unreadableAge(text: String) throws {
        let error = #expect(throws: OAuthError.self) { try self.step(["max_age": text], [self.alice]) }
        #expect(error?.code == 90023 && error?.description.contains("max_age") == true)
    }

    @Test("answers prompt=none without a page")
    func none() throws {
        #expect(try self.step(["prompt": "none"], []) == .refuse(.loginRequired))
        #expect(try self.step(["prompt": "none"], [self.alice, self.bob]) == .refuse(.selectionRequired))
        #expect(try self.step(["prompt": "none", "login_hint": "c@d.e"], [self.alice]) == .refuse(.loginRequired))
        #expect(throws: OAuthError.self) { try self.step(["prompt": "none login"], []) }
    }
}
