import Audit
import Identity
import SQLiteStorage
import Storage
import TestKit
import Testing
import Vocabulary

struct ServicePrincipalTests {
    private let robotSecret = secret("a robot's long secret")

    @Test("signs an application in with its secret, and refuses others without telling unknown from wrong")
    func signsIn() async throws {
        let world = try await DirectoryWorld()
        let robot = try await world.directory.put(
            servicePrincipal: ServicePrincipalDraft(displayName: "ci-robot"),
            secret: self.robotSecret
        ).value
        let right = try await world.directory.signIn(appID: robot.appID, secret: self.robotSecret, source: "::1")
        guard case .allowed(let signed) = right else {
            Issue.record("refused")
            return
        }
        #expect(signed == robot)
        let wrong = try await world.directory.signIn(appID: robot.appID, secret: secret("x"), source: "::1")
        let unknown = try await world.directory.signIn(appID: GUID(high: 9, low: 9), secret: secret("x"), source: "::1")
        guard case .refused(let one) = wrong, case .refused(let other) = unknown else {
            Issue.record("allowed")
            return
        }
        #expect(one == other && one.code == "AADSTS7000215")
    }

    @Test("refuses the right secret of a disabled application, and an expired secret")
    func refusesDisabled() async throws {
        let world = try await DirectoryWorld()
        let directory = world.directory
        let robot = try await directory.put(servicePrincipal: ServicePrincipalDraft(displayName: "ci-robot")).value
        let made = try await directory.addSecret(to: robot.id, expiresAt: world.clock.now + .seconds(60))
        let text = made.secret.withValue { secret($0) }
        #expect(try await directory.signIn(appID: robot.appID, secret: text, source: "a").refusal == nil)
        #expect(try await directory.setEnabled(robot.id, false))
        #expect(try await directory.signIn(appID: robot.appID, secret: text, source: "a").refusal == "AADSTS7000112")
        #expect(
            try await directory.signIn(appID: robot.appID, secret: secret("x"), source: "a").refusal == "AADSTS7000215"
        )
        try await directory.setEnabled(robot.id, true)
        world.clock.turn(.seconds(60))
        #expect(try await directory.signIn(appID: robot.appID, secret: text, source: "a").refusal == "AADSTS7000222")
    }

    @Test("does nothing when the application has this secret and certificate already, and replaces others")
    func isIdempotent() async throws {
        let world = try await DirectoryWorld()
        let directory = world.directory
        let draft = ServicePrincipalDraft(appID: GUID(high: 3, low: 3), displayName: "ci-robot", names: ["api://robot"])
        let first = try await directory.put(servicePrincipal: draft, secret: self.robotSecret, certificate: [1, 2])
        #expect(first.isNew)
        #expect(first.value.names == [draft.appID?.description, "api://robot"])
        _ = world.published()
        let again = try await directory.put(servicePrincipal: draft, secret: self.robotSecret, certificate: [1, 2])
        #expect(!again.isChange && world.published().isEmpty)
        let other = try await directory.put(
            servicePrincipal: draft,
            secret: secret("quite another secret"),
            certificate: [3]
        )
        #expect(other.changed == ["passwordCredentials", "keyCredentials"])
        #expect(try await directory.certificates(ofApp: first.value.appID) == [[3]])
        #expect(
            try await directory.signIn(appID: first.value.appID, secret: self.robotSecret, source: "a").refusal
                == "AADSTS7000215"
        )
    }

    @Test("finds a service principal by any of its names, but not by a display name that two have")
    func finds() async throws {
        let world = try await DirectoryWorld()
        let directory = world.directory
        let draft = ServicePrincipalDraft(displayName: "robot", names: ["api://robot"])
        let robot = try await directory.put(servicePrincipal: draft).value
        for name in ["API://robot", "Robot", robot.appID.description, robot.id.description.uppercased()] {
            #expect(try await directory.servicePrincipal(named: name) == robot)
        }
        #expect(try await directory.servicePrincipal(appID: robot.appID) == robot)
        #expect(try await directory.servicePrincipal(robot.id) == robot)
        try await directory.put(
            servicePrincipal: ServicePrincipalDraft(appID: GUID(high: 4, low: 4), displayName: "robot")
        )
        #expect(try await directory.servicePrincipal(named: "robot") == nil)
        await #expect(throws: Problem.badRequest) {
            try await directory.put(servicePrincipal: ServicePrincipalDraft(displayName: "robot"))
        }
        let byName = DirectoryQuery(.init(.servicePrincipalName, .equals, "api://ROBOT"))
        #expect(try await directory.servicePrincipals(byName).values == [robot])
        let byApp = DirectoryQuery(.init(.appID, .equals, robot.appID.description))
        #expect(try await directory.servicePrincipals(byApp).values == [robot])
        #expect(try await directory.servicePrincipals(DirectoryQuery()).values.count == 2)
    }

    @Test("refuses a name that another has, and a foreign application id as a name")
    func refusesTaken() async throws {
        let world = try await DirectoryWorld()
        let directory = world.directory
        let one = try await directory.put(servicePrincipal: ServicePrincipalDraft(displayName: "a", names: ["api://a"]))
            .value
        await #expect(throws: Problem.taken) {
            try await directory.put(servicePrincipal: ServicePrincipalDraft(displayName: "b", names: ["API://A"]))
        }
        await #expect(throws: Problem.badRequest) {
            try await directory.put(
                servicePrincipal: ServicePrincipalDraft(displayName: "b", names: [one.appID.description])
            )
        }
        await #expect(throws: Problem.taken) {
            try await directory.put(
                servicePrincipal: ServicePrincipalDraft(id: GUID(high: 8, low: 8), appID: one.appID, displayName: "b")
            )
        }
        await #expect(throws: Problem.badRequest) {
            try await directory.put(servicePrincipal: ServicePrincipalDraft(displayName: "b"), secret: secret("short"))
        }
    }

    @Test("offers certificates only while they and their owner are good")
    func offersCertificates() async throws {
        let world = try await DirectoryWorld()
        let directory = world.directory
        let robot = try await directory.put(servicePrincipal: ServicePrincipalDraft(displayName: "r")).value
        try await directory.addCertificate([1], to: robot.id, expiresAt: world.clock.now + .seconds(10))
        let lasting = try await directory.addCertificate([2], to: robot.id)
        #expect(try await Set(directory.certificates(ofApp: robot.appID)) == [[1], [2]])
        world.clock.turn(.seconds(10))
        #expect(try await directory.certificates(ofApp: robot.appID) == [[2]])
        try await directory.setEnabled(robot.id, false)
        #expect(try await directory.certificates(ofApp: robot.appID).isEmpty)
        try await directory.setEnabled(robot.id, true)
        #expect(try await directory.removeCredential(lasting.id, from: robot.id))
        #expect(try await directory.certificates(ofApp: robot.appID).isEmpty)
        #expect(try await directory.certificates(ofApp: GUID(high: 1, low: 9)).isEmpty)
    }

    @Test("keeps no secret in clear")
    func hashesSecrets() async throws {
        let world = try await DirectoryWorld()
        let robot = try await world.directory.put(servicePrincipal: ServicePrincipalDraft(displayName: "r")).value
        let made = try await world.directory.addSecret(to: robot.id)
        let text = made.secret.withValue { $0 }
        #expect(text.count == 44)
        #expect("\(made)".contains("‹secret›") && !"\(made)".contains(text))
        let stored = try await world.database.read { try $0.rows("SELECT hash FROM identity_credential") }
        #expect(try stored.map { try $0.text("hash").hasPrefix("$argon2id$") } == [true])
        #expect(try await world.audit.entries().allSatisfy { !"\($0.event)".contains(text) })
    }

    @Test("gives a resource one identity, the same in any spelling, and takes it away with its memberships")
    func managesIdentities() async throws {
        let world = try await DirectoryWorld()
        let directory = world.directory
        let text = "/subscriptions/\(GUID.zero)/resourceGroups/demo/providers/Microsoft.Compute/virtualMachines/myVM"
        let path = try #require(ResourcePath(text))
        let other = try #require(ResourcePath(text.lowercased()))
        let identity = try await directory.putManagedIdentity(for: path)
        #expect(try await directory.putManagedIdentity(for: other) == identity)
        #expect(identity.kind == .managedIdentity && identity.resource == path && identity.displayName == "myVM")
        #expect(try await directory.subject(identity.id)?.kind == .managedIdentity)
        #expect(try await directory.managedIdentity(for: other) == identity)
        let group = try await world.group("g", [identity.id])
        #expect(try await directory.removeManagedIdentity(for: path))
        #expect(try await directory.subject(identity.id) == nil)
        #expect(try await directory.members(of: group).isEmpty)
        #expect(try await !directory.removeManagedIdentity(for: path))
    }

    @Test("gives a managed identity no credential and no other shape")
    func protectsManagedIdentities() async throws {
        let world = try await DirectoryWorld()
        let path = try #require(ResourcePath("/subscriptions/\(GUID.zero)/resourceGroups/demo"))
        let identity = try await world.directory.putManagedIdentity(for: path)
        await #expect(throws: Problem.notFound) { try await world.directory.addSecret(to: identity.id) }
        await #expect(throws: Problem.badRequest) {
            try await world.directory.put(
                servicePrincipal: ServicePrincipalDraft(id: identity.id, displayName: "mine"),
                secret: self.robotSecret
            )
        }
        let verdict = try await world.directory.signIn(appID: identity.appID, secret: self.robotSecret, source: "a")
        #expect(verdict.refusal == "AADSTS7000215")
    }
}
