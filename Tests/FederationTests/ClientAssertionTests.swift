import Crypto
import CryptoExtras
import Foundation
import Identity
import SwiftASN1
import Testing
import Vocabulary
import X509

@testable import Federation

@Suite("Client assertions")
struct ClientAssertionTests {
    let key: _RSA.Signing.PrivateKey
    let certificate: [UInt8]
    let now = Instant(seconds: 1_767_225_600)
    let client = SignInWorld.robot
    let audience = "https://sally.example:8443/contoso.example/oauth2/v2.0/token"

    init() throws {
        self.key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        self.certificate = try Self.certify(self.key, until: 1_767_225_600 + 86_400)
    }

    static func certify(_ key: _RSA.Signing.PrivateKey, until end: Double) throws -> [UInt8] {
        let name = try DistinguishedName { CommonName("robot") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: .init(),
            publicKey: .init(key.publicKey),
            notValidBefore: Date(timeIntervalSince1970: 1_767_225_600 - 86_400),
            notValidAfter: Date(timeIntervalSince1970: end),
            issuer: name,
            subject: name,
            signatureAlgorithm: .sha256WithRSAEncryption,
            extensions: Certificate.Extensions(),
            issuerPrivateKey: .init(key)
        )
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    func flaw(_ assertion: String, certificates: [[UInt8]]? = nil) -> OAuthError? {
        ClientAssertion(
            client: self.client,
            audiences: [self.audience],
            certificates: certificates ?? [self.certificate],
            now: self.now
        ).flaw(in: assertion)
    }

    var claims: JSONValue {
        let seconds = Double(self.now.seconds) + 0.0009687
        return [
            "iss": .string(self.client.description), "sub": .string(self.client.description),
            "aud": .string(self.audience), "jti": "j", "iat": .number(seconds), "exp": .number(seconds + 600),
        ]
    }

    /// `x5t` with padding, as a real client writes it.
    var paddedThumbprint: String {
        Data(Insecure.SHA1.hash(data: self.certificate)).base64EncodedString()
            .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
    }

    func sign(_ header: JSONValue, _ claims: JSONValue, key: _RSA.Signing.PrivateKey? = nil) throws -> String {
        let signed = Base64URL.encode(header.bytes) + "." + Base64URL.encode(claims.bytes)
        let padding: _RSA.Signing.Padding = header["alg"] == "PS256" ? .PSS : .insecurePKCS1v1_5
        let signature = try (key ?? self.key).signature(for: SHA256.hash(data: Array(signed.utf8)), padding: padding)
        return signed + "." + Base64URL.encode(signature.rawRepresentation)
    }

    @Test("accepts what the Azure CLI makes: RS256, padded x5t, fractional times, x5c with line ends")
    func azureCLI() throws {
        let plain = try self.sign(["alg": "RS256", "typ": "JWT", "x5t": .string(self.paddedThumbprint)], self.claims)
        #expect(self.flaw(plain) == nil)
        let chain = Data(self.certificate).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        let header: JSONValue = [
            "alg": "RS256", "x5t": .string(self.paddedThumbprint), "x5c": [.string("\n" + chain + "\n")],
        ]
        #expect(self.flaw(try self.sign(header, self.claims)) == nil)
    }

    @Test("accepts PS256 with a SHA-256 thumbprint")
    func modern() throws {
        let thumbprint = Base64URL.encode(SHA256.hash(data: self.certificate))
        #expect(self.flaw(try self.sign(["alg": "PS256", "x5t#S256": .string(thumbprint)], self.claims)) == nil)
    }

    @Test("refuses a key that nobody registered, even with its own certificate in the header")
    func foreignKey() throws {
        let foreign = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let certificate = try Self.certify(foreign, until: 1_767_225_600 + 86_400)
        let header: JSONValue = ["alg": "RS256", "x5c": [.string(Data(certificate).base64EncodedString())]]
        #expect(self.flaw(try self.sign(header, self.claims, key: foreign))?.code == 700027)
        let mixed: JSONValue = ["alg": "RS256", "x5t": .string(self.paddedThumbprint)]
        #expect(self.flaw(try self.sign(mixed, self.claims, key: foreign))?.code == 700027)
        #expect(self.flaw(try self.sign(mixed, self.claims), certificates: [])?.code == 700027)
        #expect(self.flaw(try self.sign(["alg": "RS256"], self.claims))?.code == 700027)
    }

    @Test("refuses unsigned assertions and other algorithms")
    func algorithms() throws {
        for algorithm: JSONValue in ["none", "HS256", "RS512", .null] {
            let header: JSONValue = ["alg": algorithm, "x5t": .string(self.paddedThumbprint)]
            #expect(self.flaw(try self.sign(header, self.claims))?.status == 401)
        }
        #expect(self.flaw("")?.code == 700027)
    }

    @Test("refuses an assertion by or about somebody else, or for another service")
    func claimsOfOthers() throws {
        let header: JSONValue = ["alg": "RS256", "x5t": .string(self.paddedThumbprint)]
        let az = JSONValue.string(SignInWorld.az.description)
        for (name, value): (String, JSONValue?) in [
            ("iss", az), ("sub", az), ("sub", nil), ("aud", "https://evil.example/token"), ("aud", nil),
        ] {
            var claims = self.claims
            claims[name] = value
            #expect(self.flaw(try self.sign(header, claims))?.code == 700023)
        }
    }

    @Test("refuses an assertion outside its time, or without an end")
    func times() throws {
        let header: JSONValue = ["alg": "RS256", "x5t": .string(self.paddedThumbprint)]
        for (name, value): (String, JSONValue?) in [
            ("exp", .integer(self.now.seconds - 301)), ("exp", nil), ("exp", "soon"),
            ("nbf", .integer(self.now.seconds + 301)), ("iat", .integer(self.now.seconds + 301)),
        ] {
            var claims = self.claims
            claims[name] = value
            #expect(self.flaw(try self.sign(header, claims))?.code == 700024)
        }
    }

    @Test("refuses a certificate outside its dates")
    func oldCertificate() throws {
        let old = try Self.certify(self.key, until: 1_767_225_600 - 1)
        let thumbprint = Base64URL.encode(SHA256.hash(data: old))
        let assertion = try self.sign(["alg": "RS256", "x5t#S256": .string(thumbprint)], self.claims)
        #expect(self.flaw(assertion, certificates: [old])?.code == 700027)
    }

    @Test("signs an application in at the token endpoint")
    func wholeWay() async throws {
        let world = try await SignInWorld()
        let robot = try #require(try await world.directory.servicePrincipal(appID: self.client))
        _ = try await world.directory.addCertificate(self.certificate, to: robot.id)
        let assertion = try self.sign(["alg": "RS256", "x5t": .string(self.paddedThumbprint)], self.claims)
        var fields = world.robotGrant([
            "client_assertion": assertion,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ])
        fields["client_secret"] = nil
        let tokens = try await world.tokens(fields, tenant: "contoso.example")
        #expect(try SignInWorld.claims(tokens.accessToken)["appidacr"] == "2")
    }
}
