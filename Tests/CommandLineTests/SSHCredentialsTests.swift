import Client
@testable import CommandLine
import Crypto
import FoundationEssentials
import SSHWire
import Testing
import Vocabulary

@Suite("SSHCredentials")
struct SSHCredentialsTests {
    /// A state directory with a key and its certificate in it, as a renewal leaves them.
    final class Kept: Sendable {
        static let end = Instant(seconds: 2_000_000_000)
        let path = FileManager.default.temporaryDirectory.path + "/sally-run-" + GUID(from: .system).description
        let state: StateDirectory
        let account = Account(
            url: "https://bastion.example",
            authorityFile: nil,
            tenantID: GUID(from: .system),
            kind: .user,
            name: "alice@contoso.example"
        )

        init() throws {
            self.state = try StateDirectory(environment: ["SALLY_CONFIG_DIR": self.path])
            let run = self.state.directory("run")
            let key = OpenSSHPrivateKey.ed25519(Curve25519.Signing.PrivateKey())
            try key.file().withValue { try self.state.write($0, toFile: run + "/id_ed25519") }
            try self.certify(key)
            try self.state.write(Array("@cert-authority * ssh-ed25519 AAAA\n".utf8), toFile: run + "/known_hosts")
            try self.state.write(
                [
                    "account": .string(self.account.name), "url": .string(self.account.url),
                    "principals": [.string(self.account.name)], "validBefore": .integer(Self.end.milliseconds),
                ] as JSONValue,
                to: "run/certificate.json"
            )
        }

        deinit { try? FileManager.default.removeItem(atPath: self.path) }

        func certify(_ key: OpenSSHPrivateKey) throws {
            let contents = SSHCertificate.Contents(
                key: key.publicKey,
                serial: 1,
                kind: .user,
                keyID: "test",
                principals: [self.account.name],
                validAfter: SSHTime(rawValue: 1),
                validBefore: SSHTime(rawValue: UInt64(Self.end.seconds))
            )
            let certificate = try SSHCertificate.make(
                contents,
                nonce: Array(repeating: 7, count: 32),
                by: .ed25519(Curve25519.Signing.PrivateKey())
            )
            try self.state.write(
                Array((certificate.line() + "\n").utf8),
                toFile: self.path + "/run/id_ed25519-cert.pub"
            )
        }

        func found(at now: Instant = Kept.end - .seconds(600)) -> SSHCredentials? {
            SSHCredentials.kept(for: self.account, in: self.state, at: now)
        }
    }

    @Test("a key and its certificate are used again until two minutes before the end")
    func used() throws {
        let kept = try Kept()
        #expect(kept.found()?.principals == ["alice@contoso.example"])
        #expect(kept.found(at: Kept.end - .seconds(121)) != nil)
        #expect(kept.found(at: Kept.end - .seconds(120)) == nil)
    }

    @Test("what somebody else signed in for is not used")
    func foreign() throws {
        let kept = try Kept()
        var other = kept.account
        other.name = "bob@contoso.example"
        #expect(SSHCredentials.kept(for: other, in: kept.state, at: Instant(seconds: 1)) == nil)
        other = kept.account
        other.url = "https://other.example"
        #expect(SSHCredentials.kept(for: other, in: kept.state, at: Instant(seconds: 1)) == nil)
    }

    @Test(
        "files that are gone or damaged are not used, whatever was written down about them",
        arguments: ["id_ed25519", "id_ed25519-cert.pub", "certificate.json", "known_hosts"]
    )
    func damaged(name: String) throws {
        let kept = try Kept()
        if name != "known_hosts" {
            try kept.state.write([], toFile: kept.path + "/run/" + name)
            #expect(kept.found() == nil)
        }
        try FileManager.default.removeItem(atPath: kept.path + "/run/" + name)
        #expect(kept.found() == nil)
    }

    @Test("a certificate for another key is not used")
    func mismatched() throws {
        let kept = try Kept()
        try kept.certify(.ed25519(Curve25519.Signing.PrivateKey()))
        #expect(kept.found() == nil)
    }
}
