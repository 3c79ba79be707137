import Audit
import Crypto
import CryptoExtras
import Identity
import Keys
import SSHAuthority
import SSHWire
import TestKit
import Testing
import Vocabulary

@Suite("Issuing certificates for people")
struct IssuingTests {
    @Test("says the lower-case name first, then the object id, and both identities in extensions")
    func contents() async throws {
        let world = try await AuthorityWorld()
        let key = AuthorityWorld.key()
        let contents = try await world.issue(world.alice.id, key: key).certificate.contents
        #expect(contents.key == key)
        #expect(contents.kind == .user)
        #expect(contents.principals == ["alice@contoso.example", world.alice.id.description])
        // sshd logs a line at each login for any that it does not know.
        #expect(contents.extensions == [.permitAgentForwarding, .permitPortForwarding, .permitPTY])
        #expect(contents.criticalOptions.isEmpty)
        #expect(contents.serial > 0)
        #expect(contents.keyID.hasPrefix("alice@contoso.example device=az-on-laptop request="))
    }

    @Test("starts five minutes ago and lasts an hour")
    func validity() async throws {
        let world = try await AuthorityWorld()
        let issued = try await world.issue(world.alice.id)
        #expect(issued.certificate.contents.validAfter.instant == world.clock.now - .seconds(300))
        #expect(issued.validBefore == world.clock.now + .seconds(3600))
    }

    @Test("a longer life than the policy allows is cut, a shorter one is kept")
    func lifetime() async throws {
        let world = try await AuthorityWorld()
        let long = try await world.issue(world.alice.id, lifetime: .seconds(86_400 * 365))
        let short = try await world.issue(world.alice.id, lifetime: .seconds(60))
        #expect(long.validBefore == world.clock.now + world.authority.policy.longestUserLifetime)
        #expect(short.validBefore == world.clock.now + .seconds(60))
    }

    @Test("a service principal is called by its application id, then its object id")
    func servicePrincipal() async throws {
        let world = try await AuthorityWorld()
        let contents = try await world.issue(world.robot.id).certificate.contents
        #expect(contents.principals == [world.robot.appID.description, world.robot.id.description])
    }

    @Test("every kind of authority key signs what a stranger verifies", arguments: SSHCAKeys.KeyType.allCases)
    func authorityKeys(type: SSHCAKeys.KeyType) async throws {
        let world = try await AuthorityWorld(keyType: type)
        let issued = try await world.issue(world.alice.id)
        let verdict = try SSHCertificate(line: issued.line).verdict(
            as: .user,
            for: "alice@contoso.example",
            trusting: world.authority.trustedUserAuthorities(),
            at: world.clock.now
        )
        guard case .allowed = verdict else {
            Issue.record("\(verdict)")
            return
        }
    }

    @Test("guests are refused, and the audit says so")
    func guest() async throws {
        let world = try await AuthorityWorld()
        #expect(try await world.code(world.order(world.erin.id)) == "GuestNotAllowed")
        let entry = try #require(try await world.audit.entries(limit: 1).first)
        #expect(entry.event.action == "sshCertificate.issue")
        #expect(entry.event.outcome == .refused)
        #expect(entry.event.details["code"] == "GuestNotAllowed")
    }

    @Test("a disabled account is refused even while its token still says who it is")
    func disabled() async throws {
        let world = try await AuthorityWorld()
        let order = try await world.order(world.alice.id)
        _ = try await world.directory.setEnabled(world.alice.id, false)
        #expect(try await world.code(order) == "AccountDisabled")
    }

    @Test("somebody who is not in the directory is refused")
    func unknown() async throws {
        let world = try await AuthorityWorld()
        let nobody = Subject(id: GUID(from: .system), kind: .member, name: "x@contoso.example", groups: [])
        let order = UserCertificateOrder(subject: nobody, publicKey: AuthorityWorld.key())
        #expect(try await world.code(order) == "AccountUnknown")
    }

    @Test("an authority's own key is not certified")
    func authorityAsSubject() async throws {
        let world = try await AuthorityWorld()
        for key in world.authority.trustedUserAuthorities() + world.authority.trustedHostAuthorities() {
            #expect(try await world.code(world.order(world.alice.id, key: key)) == "KeyIsAuthority")
        }
    }

    @Test("a short RSA key is refused, the Azure CLI's is not")
    func rsa() async throws {
        let world = try await AuthorityWorld()
        let short = try SSHSigner.rsa(_RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: 1024))).publicKey
        #expect(try await world.code(world.order(world.alice.id, key: short)) == "KeyTooWeak")
        let usual = try SSHSigner.rsa(_RSA.Signing.PrivateKey(keySize: .bits3072)).publicKey
        let issued = try await world.issue(world.alice.id, key: usual)
        #expect(issued.line.hasPrefix("ssh-rsa-cert-v01@openssh.com AAAAHHNzaC1yc2EtY2VydC12MDFAb3BlbnNzaC5jb20"))
        #expect(issued.line.hasSuffix(issued.blobBase64))
    }

    @Test("text from the client cannot forge a key id")
    func device() async throws {
        let world = try await AuthorityWorld()
        var order = try await world.order(world.alice.id)
        order.device = "x\nroot request=1\u{1b}[2J"
        guard case .allowed(let issued) = try await world.authority.issueUserCertificate(order) else {
            Issue.record("refused")
            return
        }
        #expect(!issued.keyID.utf8.contains { $0 < 0x20 })
        #expect(issued.keyID.split(separator: " ").count == 3)
    }

    @Test("serials and key ids are never twice the same")
    func unique() async throws {
        let world = try await AuthorityWorld()
        var serials: Set<UInt64> = []
        var names: Set<String> = []
        for _ in 0..<50 {
            let issued = try await world.issue(world.alice.id)
            serials.insert(issued.serial)
            names.insert(issued.keyID)
        }
        #expect(serials.count == 50 && names.count == 50)
    }

    @Test("what is handed out is in the audit with serial and principals")
    func audited() async throws {
        let world = try await AuthorityWorld()
        let issued = try await world.issue(world.alice.id)
        let event = try #require(try await world.audit.entries(limit: 1).first).event
        #expect(event.outcome == .success && event.actor == world.alice.id && event.source == "192.0.2.7")
        #expect(event.details["serial"] == String(issued.serial))
        #expect(event.correlation == "c-1")
    }

    @Test("after a rotation the next key signs, and both are trusted")
    func rotation() async throws {
        let world = try await AuthorityWorld()
        let before = world.authority.trustedUserAuthorities()
        let old = try await world.issue(world.alice.id)
        try await world.keys.rotate(.user)
        let new = try await world.issue(world.alice.id)
        #expect(before.count == 2)
        #expect(old.certificate.authority == before[0] && new.certificate.authority == before[1])
        let after = world.authority.trustedUserAuthorities()
        #expect(after.contains(before[0]) && after.first == before[1])
    }
}
