import Crypto
import CryptoExtras
import Foundation
import Identity
import Keys
import Synchronization
import TestKit
import Vocabulary

@testable import Federation

/// A desktop client over the small tenant: its key, its way through the pages, and its assertions. `vm1` is the machine there is.
struct DesktopWorld {
    static let client = ClientApplication.remoteDesktop.appID
    static let redirect = "https://sally.example:8443/common/oauth2/nativeclient"
    static let machine = ResourcePath(
        "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/one"
    )
    // Making a key takes a good while; one does for all tests.
    static let key = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048) }
    static let otherKey = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048) }

    let world: SignInWorld
    /// The machine behind every name, and its joining.
    let place = Place()

    final class Place: Sendable {
        private let state = Mutex<(ResourcePath?, GUID)>((nil, GUID(high: 0, low: 0)))

        func withLock<Result>(_ body: (inout sending (ResourcePath?, GUID)) -> sending Result) -> Result {
            self.state.withLock(body)
        }
    }

    init() async throws {
        self.world = try await SignInWorld()
        let place = self.place
        place.withLock { $0 = (try? Self.theMachine(), GUID(high: 1, low: 1)) }
        self.world.federation.desktopHosts = DesktopHosts { name, _ in
            let (machine, enrolment) = place.withLock { $0 }
            guard let machine else { return .refused(Refusal("DesktopUnknown", reason: "No machine.")) }
            return ["vm1", "vm2"].contains(name.lowercased()) || name.hasPrefix("many")
                ? .allowed(DesktopHost(machine: machine, hostName: name, enrolment: enrolment))
                : .refused(Refusal("DesktopUnknown", reason: "The target device '\(name)' was not found."))
        }
    }

    static func theMachine() throws -> ResourcePath {
        guard let machine = Self.machine else { throw Unexpected(what: "the path") }
        return machine
    }

    static func scope(_ host: String = "vm1") -> String {
        "ms-device-service://termsrv.wvd.microsoft.com/name/\(host)/user_impersonation"
    }

    /// The members of a public key as the client writes them.
    static func jwk(_ key: _RSA.Signing.PrivateKey) throws -> (n: String, e: String) {
        let primitives = try key.publicKey.getKeyPrimitives()
        return (Base64URL.encode(primitives.modulus), Base64URL.encode(primitives.publicExponent))
    }

    static func thumbprint(_ key: _RSA.Signing.PrivateKey) throws -> String {
        let (n, e) = try Self.jwk(key)
        return Base64URL.encode(SHA256.hash(data: Array(#"{"e":"\#(e)","kty":"RSA","n":"\#(n)"}"#.utf8)))
    }

    static func confirmation(_ key: _RSA.Signing.PrivateKey) throws -> String {
        Base64URL.encode(Array(#"{"kid":"\#(try Self.thumbprint(key))"}"#.utf8))
    }

    // MARK: - The way through the pages

    func authorize(_ more: [String: String] = [:], browser: String? = nil) async -> BrowserReply {
        await self.world.federation.authorize(
            [
                "client_id": Self.client.description, "response_type": "code", "redirect_uri": Self.redirect,
                "scope": Self.scope(),
            ].merging(more) { $1 }.filter { !$1.isEmpty },
            tenant: "common",
            version: .v2,
            browser: browser,
            circumstances: SignInWorld.circumstances
        )
    }

    func answer(_ answer: PageAnswer, flow: String, browser: String?) async -> BrowserReply {
        await self.world.federation.answer(
            answer,
            flow: flow,
            browser: browser,
            circumstances: SignInWorld.circumstances
        )
    }

    /// Signs Alice in, up to what comes after the password.
    func signIn(_ more: [String: String] = [:]) async throws -> (reply: BrowserReply, browser: String) {
        let first = await self.authorize(more)
        guard case .page(.credentials(let page), _) = first.outcome else { throw Unexpected(what: "\(first.outcome)") }
        let reply = await self.answer(
            .credentials(name: "alice@contoso.example", password: Secret(Array(SignInWorld.password.utf8))),
            flow: page.flow,
            browser: first.browser?.withValue { $0 }
        )
        return (reply, reply.browser?.withValue { $0 } ?? "")
    }

    /// A code for Alice, who says yes when she is asked.
    func code(_ more: [String: String] = [:]) async throws -> String {
        let (reply, browser) = try await self.signIn(more)
        guard case .page(.allowDesktop(let page), _) = reply.outcome else { return try Self.code(in: reply) }
        return try Self.code(in: await self.answer(.confirm, flow: page.flow, browser: browser))
    }

    static func code(in reply: BrowserReply) throws -> String {
        guard
            case .redirect(let target) = reply.outcome,
            let code = URLComponents(string: target)?.queryItems?.first(where: { $0.name == "code" })?.value
        else { throw Unexpected(what: "\(reply.outcome)") }
        return code
    }

    func codeGrant(_ code: String, _ more: [String: String] = [:]) throws -> [String: String] {
        [
            "grant_type": "authorization_code", "client_id": Self.client.description, "code": code,
            "redirect_uri": Self.redirect, "scope": Self.scope(),
            "req_cnf": try Self.confirmation(try Self.key.get()),
        ].merging(more) { $1 }.filter { !$1.isEmpty }
    }

    /// A token for Alice and `vm1`, bound to the key.
    func token() async throws -> String {
        let code = try await self.code()
        return try await self.world.tokens(self.codeGrant(code), tenant: "common").accessToken.withValue { $0 }
    }

    // MARK: - Assertions

    /// An assertion as FreeRDP 3 writes it, with some claims changed.
    func assertion(
        _ token: String,
        _ changes: [String: JSONValue?] = [:],
        header: JSONValue = ["alg": "RS256", "kid": "k"],
        jwkOf named: _RSA.Signing.PrivateKey? = nil,
        signedBy signer: _RSA.Signing.PrivateKey? = nil
    ) throws -> String {
        let key = try Self.key.get()
        let (n, e) = try Self.jwk(named ?? key)
        var claims: JSONValue = [
            "ts": .string(String(self.world.clock.now.seconds)), "at": .string(token),
            "u": "ms-device-service://termsrv.wvd.microsoft.com/name/vm1", "nonce": "our-nonce",
            "cnf": ["jwk": ["kty": "RSA", "e": .string(e), "n": .string(n)]],
            "client_claims": .string(#"{"aad_nonce":"\#(self.world.federation.desktopNonce())"}"#),
        ]
        for (name, value) in changes { claims[name] = value }
        return try Self.sign(header, claims.bytes, by: signer ?? named ?? key)
    }

    static func sign(_ header: JSONValue, _ claims: [UInt8], by key: _RSA.Signing.PrivateKey) throws -> String {
        let signed = Base64URL.encode(header.bytes) + "." + Base64URL.encode(claims)
        let padding: _RSA.Signing.Padding = header["alg"] == "PS256" ? .PSS : .insecurePKCS1v1_5
        let signature = try key.signature(for: SHA256.hash(data: Array(signed.utf8)), padding: padding)
        return signed + "." + Base64URL.encode(signature.rawRepresentation)
    }

    func judge(_ assertion: String, hostName: String = "vm1") async throws -> Verdict<Subject> {
        try await self.world.federation.desktopPerson(
            assertion: assertion,
            nonce: "our-nonce",
            hostName: hostName,
            machine: try Self.theMachine()
        )
    }

    /// The refusal's code and sentence; nil when it was allowed.
    func refusal(_ assertion: String, hostName: String = "vm1") async throws -> (code: String, reason: String)? {
        guard case .refused(let refusal) = try await self.judge(assertion, hostName: hostName) else { return nil }
        return (refusal.code, refusal.reason)
    }
}
