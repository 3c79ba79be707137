import AccessControl
import Audit
import Identity
import Keys
import SSHAuthority
import SSHWire
import Synchronization
import TestKit
import Testing
import Vocabulary

@Suite("Revoking certificates")
struct RevokingTests {
    /// Collects what the authority tells.
    final class Heard: Sendable {
        let changes = Mutex<[RevocationChange]>([])

        init(_ authority: SSHAuthority) {
            authority.changes.subscribe { change in self.changes.withLock { $0.append(change) } }
        }

        var all: [RevocationChange] { self.changes.withLock { $0 } }
    }

    @Test("the holder revokes their own: it is on the list, the version grows, listeners hear it")
    func own() async throws {
        let world = try await AuthorityWorld()
        let heard = Heard(world.authority)
        let one = try await world.issue(world.alice.id)
        let other = try await world.issue(world.alice.id)
        let before = world.authority.revocationList().version
        let verdict = try await world.authority.revoke(serial: one.serial, by: world.subject(world.alice.id))
        guard case .allowed = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(world.authority.revocationList().version == before + 1)
        #expect(try world.list().isRevoked(one.certificate))
        #expect(try !world.list().isRevoked(other.certificate))
        #expect(world.authority.isRevoked(one.serial) && !world.authority.isRevoked(other.serial))
        #expect(heard.all == [RevocationChange(serial: one.serial, objectID: world.alice.id)])
    }

    @Test("nobody revokes another's certificate, and cannot tell whether it exists")
    func others() async throws {
        let world = try await AuthorityWorld()
        let issued = try await world.issue(world.alice.id)
        let robot = try await world.subject(world.robot.id)
        for serial in [issued.serial, issued.serial ^ 1, 0, UInt64.max] {
            guard case .refused(let refusal) = try await world.authority.revoke(serial: serial, by: robot) else {
                Issue.record("allowed")
                return
            }
            #expect(refusal.code == "CertificateNotFound")
        }
        #expect(!world.authority.isRevoked(issued.serial))
        #expect(try await world.audit.entries(limit: 1).first?.event.outcome == .refused)
    }

    @Test("whoever has the right at the root revokes everybody's")
    func administrator() async throws {
        let world = try await AuthorityWorld()
        let issued = try await world.issue(world.alice.id)
        let owner = try #require(world.access.definition(named: "Owner"))
        let robot = try await world.subject(world.robot.id)
        _ = try await world.access.assign(
            RoleAssignmentDraft(
                name: GUID(from: .system),
                scope: .root,
                roleDefinition: owner.name,
                principal: robot.id,
                principalType: .servicePrincipal
            ),
            by: nil
        )
        let verdict = try await world.authority.revoke(serial: issued.serial, by: robot)
        guard case .allowed = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(world.authority.isRevoked(issued.serial))
    }

    @Test("everything of a person is revoked at once, and nothing of another")
    func allOf() async throws {
        let world = try await AuthorityWorld()
        let heard = Heard(world.authority)
        let certificates = [try await world.issue(world.alice.id), try await world.issue(world.alice.id)]
        let robots = try await world.issue(world.robot.id)
        #expect(try await world.authority.revoke(allOf: world.alice.id, by: .system, because: "left") == 2)
        let list = try world.list()
        #expect(certificates.allSatisfy { list.isRevoked($0.certificate) })
        #expect(!list.isRevoked(robots.certificate))
        #expect(heard.all == [RevocationChange(serial: nil, objectID: world.alice.id)])
        #expect(!world.authority.isRevoked(try await world.issue(world.alice.id).serial))
    }

    @Test("orders that race with a revocation of everything end revoked or refused, never good")
    func race() async throws {
        let world = try await AuthorityWorld()
        let order = try await world.order(world.alice.id)
        let authority = world.authority
        let alice = world.alice.id
        for _ in 0..<20 {
            async let revocation = authority.revoke(allOf: alice, by: .system)
            async let verdict = authority.issueUserCertificate(order)
            _ = try await revocation
            if case .allowed(let issued) = try await verdict, !authority.isRevoked(issued.serial) {
                // Good only if the order began after the revocation: then revoking again must find it.
                #expect(try await authority.revoke(allOf: alice, by: .system) == 1)
            }
        }
    }

    @Test("a key id can be revoked even when the store does not know it")
    func keyID() async throws {
        let world = try await AuthorityWorld()
        let issued = try await world.issue(world.alice.id)
        try await world.authority.revoke(keyID: issued.keyID, by: .system)
        try await world.authority.revoke(keyID: "lost", by: .system)
        let list = try world.list()
        #expect(list.isRevoked(issued.certificate))
        #expect(list.certificates.contains { $0.authority == nil && $0.keyIDs.contains("lost") })
    }

    @Test("the list forgets what has run out, and survives a restart")
    func expiry() async throws {
        let world = try await AuthorityWorld()
        let short = try await world.issue(world.alice.id, lifetime: .seconds(60))
        let long = try await world.issue(world.alice.id)
        try await world.authority.revoke(allOf: world.alice.id, by: .system)
        let version = world.authority.revocationList().version
        world.clock.turn(.seconds(120))
        try await world.authority.load()
        let list = try world.list()
        #expect(world.authority.revocationList().version > version)
        #expect(list.isRevoked(long.certificate))
        #expect(!list.isRevoked(short.certificate))
    }

    @Test("certificates of a replaced authority key are revoked under that key")
    func rotated() async throws {
        let world = try await AuthorityWorld()
        let old = try await world.issue(world.alice.id)
        try await world.keys.rotate(.user)
        let new = try await world.issue(world.alice.id)
        try await world.authority.revoke(allOf: world.alice.id, by: .system)
        let list = try world.list()
        #expect(list.isRevoked(old.certificate) && list.isRevoked(new.certificate))
        #expect(list.certificates.count == 2)
    }

    @Test("the first list is there before anything is revoked")
    func empty() async throws {
        let world = try await AuthorityWorld()
        #expect(try world.list().certificates.isEmpty)
        #expect(world.authority.revocationList().version > 0)
    }
}
