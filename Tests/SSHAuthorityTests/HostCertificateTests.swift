import Identity
import SSHAuthority
import SSHWire
import TestKit
import Testing
import Vocabulary

@Suite("Certificates for hosts")
struct HostCertificateTests {
    static let machine = ResourcePath(
        "/subscriptions/5a11b0a7-0000-4000-8000-000000000002/resourceGroups/demo/providers/"
            + "Microsoft.Compute/virtualMachines/myVM"
    )

    @Test("names are in lower case, each once, for a week and without permissions")
    func contents() async throws {
        let world = try await AuthorityWorld()
        let issued = try await world.authority.issueHostCertificate(
            publicKey: AuthorityWorld.key(),
            principals: ["myVM", "myvm", "10.77.0.11"],
            host: try #require(Self.machine)
        )
        let contents = issued.certificate.contents
        #expect(contents.kind == .host)
        #expect(contents.principals == ["myvm", "10.77.0.11"])
        #expect(contents.extensions.isEmpty)
        #expect(issued.validBefore == world.clock.now + .seconds(7 * 86_400))
    }

    @Test("the authority for hosts is not the one for users")
    func separateAuthorities() async throws {
        let world = try await AuthorityWorld()
        let host = try await world.authority.issueHostCertificate(
            publicKey: AuthorityWorld.key(),
            principals: ["myvm"],
            host: try #require(Self.machine)
        )
        #expect(world.authority.trustedHostAuthorities().first == host.certificate.authority)
        #expect(!world.authority.trustedUserAuthorities().contains(host.certificate.authority))
    }

    @Test(
        "no names, or names that are patterns, are refused",
        arguments: [[], ["*"], ["*.contoso.example"], ["a,b"], ["!x"]]
    )
    func badNames(names: [String]) async throws {
        let world = try await AuthorityWorld()
        let machine = try #require(Self.machine)
        await #expect(throws: Problem("CertificateUnfit", shown: "")) {
            try await world.authority.issueHostCertificate(
                publicKey: AuthorityWorld.key(),
                principals: names,
                host: machine
            )
        }
    }

    @Test("a host's certificates are revoked together")
    func revoked() async throws {
        let world = try await AuthorityWorld()
        let machine = try #require(Self.machine)
        let issued = try await world.authority.issueHostCertificate(
            publicKey: AuthorityWorld.key(),
            principals: ["myvm"],
            host: machine
        )
        try await world.authority.revoke(allOf: machine, by: .system)
        #expect(try world.list().isRevoked(issued.certificate))
    }
}
