import Crypto
import SSHWire
import Testing
import Vocabulary

@Suite("Judging a certificate")
struct SSHCertificateVerdictTests {
    static let start = Instant(seconds: 1_767_225_600)
    let users = SSHSigner.ed25519(.init())
    let hosts = SSHSigner.ed25519(.init())

    func certificate(
        _ change: (inout SSHCertificate.Contents) -> Void = { _ in },
        by signer: SSHSigner? = nil
    ) throws -> SSHCertificate {
        var contents = SSHCertificateTests.contents()
        change(&contents)
        return try SSHCertificate.make(contents, nonce: [1], by: signer ?? self.users)
    }

    func code(
        _ certificate: SSHCertificate,
        as kind: SSHCertificate.Kind = .user,
        for principal: String = "alice@contoso.example",
        revokedBy list: KeyRevocationList? = nil,
        at now: Instant = start
    ) -> String {
        let trusted = kind == .user ? self.users.publicKey : self.hosts.publicKey
        switch certificate.verdict(as: kind, for: principal, trusting: [trusted], revokedBy: list, at: now) {
        case .allowed: return "allowed"
        case .refused(let refusal): return refusal.code
        }
    }

    @Test("a good certificate is believed")
    func good() throws {
        #expect(self.code(try self.certificate()) == "allowed")
    }

    @Test("the first second counts, the end does not")
    func boundaries() throws {
        let certificate = try self.certificate()
        #expect(self.code(certificate, at: Self.start - .milliseconds(1)) == "CertificateNotInForce")
        #expect(self.code(certificate, at: Self.start + .seconds(3599)) == "allowed")
        #expect(self.code(certificate, at: Self.start + .seconds(3600)) == "CertificateNotInForce")
    }

    @Test("the authority for users is none for hosts, and the reverse")
    func authoritiesDoNotMix() throws {
        let byUsers = try self.certificate({
            $0.kind = .host
            $0.extensions = []
        })
        #expect(self.code(byUsers, as: .host) == "CertificateAuthorityUnknown")
        #expect(self.code(try self.certificate(by: self.hosts)) == "CertificateAuthorityUnknown")
        #expect(self.code(byUsers) == "CertificateWrongKind")
    }

    @Test("principals compare exactly")
    func principals() throws {
        let certificate = try self.certificate()
        #expect(self.code(certificate, for: "Alice@contoso.example") == "CertificatePrincipalMissing")
        #expect(self.code(certificate, for: "") == "CertificatePrincipalMissing")
    }

    @Test("an unknown critical option refuses")
    func unknownCritical() throws {
        let certificate = try self.certificate { $0.criticalOptions = [.flag("new@example.com")] }
        #expect(self.code(certificate) == "CertificateOptionUnknown")
    }

    @Test("a revoked certificate is refused, another's revocation does nothing")
    func revoked() throws {
        let certificate = try self.certificate()
        func list(_ certificates: KeyRevocationList.Certificates) -> KeyRevocationList {
            KeyRevocationList(version: 1, date: .always, certificates: [certificates])
        }
        let own = self.users.publicKey
        #expect(self.code(certificate, revokedBy: list(.init(of: own, serials: [5...5]))) == "CertificateRevoked")
        #expect(
            self.code(certificate, revokedBy: list(.init(of: nil, keyIDs: ["alice via laptop"])))
                == "CertificateRevoked"
        )
        #expect(self.code(certificate, revokedBy: list(.init(of: own, serials: [1...4, 6...9]))) == "allowed")
        #expect(self.code(certificate, revokedBy: list(.init(of: self.hosts.publicKey, serials: [5...5]))) == "allowed")
    }
}
