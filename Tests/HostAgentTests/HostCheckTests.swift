import Testing
import Vocabulary

@testable import HostAgent

@Suite("Doctor")
struct HostCheckTests {
    private let root = TemporaryRoot()

    private func check() throws -> HostCheck.Finding {
        var configuration = AgentConfiguration(
            server: "https://sally.example",
            caFile: nil,
            identity: AgentConfiguration.Identity(
                hostId: .zero,
                tenantId: .zero,
                resourceId: "/x",
                controlPath: "/hosts/v1/x"
            )
        )
        configuration.modules = self.root.layout.path("/opt/modules")
        return HostCheck(layout: self.root.layout, configuration: configuration).modules()
    }

    private func install() throws -> ModuleFiles {
        try self.root.write("/lib64/libc.so.6", "")
        try self.root.write("/lib64/security/pam_unix.so", "")
        let places = try ModuleFiles(self.root.layout)
        for (name, path) in places.all {
            try self.root.write("/opt/modules/\(name)", name)
            try self.root.write(String(path.dropFirst(self.root.layout.root.count)), name)
        }
        return places
    }

    @Test("finds nothing wrong with modules that are what the agent brought")
    func same() throws {
        _ = try self.install()
        #expect(try self.check().isGood)
    }

    @Test("names a module that was changed, and one that is missing")
    func changed() throws {
        let places = try self.install()
        try self.root.write("/lib64/security/\(ModuleFiles.authentication)", "another")
        try HostFile.remove(places.nameServicePath)
        let finding = try self.check()
        #expect(!finding.isGood)
        #expect(finding.remedy.contains("\(places.authenticationPath) is another one"))
        #expect(finding.remedy.contains("\(places.nameServicePath) is missing"))
    }

    @Test("says so when there is nothing to compare with, or no place for modules")
    func nothing() throws {
        #expect(try !self.check().isGood)
        _ = try self.install()
        try HostFile.remove(self.root.layout.path("/opt/modules/\(ModuleFiles.authentication)"))
        #expect(try self.check().remedy.contains("to compare with"))
    }

    @Test(
        "finds a clock that is off and says by how much",
        arguments: [(0, true), (30, true), (31, false), (-600, false)]
    )
    func clock(ahead: Int64, isGood: Bool) {
        let finding = HostCheck.clock(Instant(seconds: 1_800_000_000 + ahead), server: 1_800_000_000)
        #expect(finding.isGood == isGood)
        let said = "\(abs(ahead)) s \(ahead > 0 ? "ahead of" : "behind") the server's"
        #expect(ahead == 0 || finding.what.contains(said))
    }

    @Test("reads the time in the server's answers, and nothing from what is none")
    func date() {
        #expect(HostCheck.instant("Sat, 21 Nov 2026 15:38:50 GMT") == Instant(seconds: 1_795_275_530))
        for text in ["", "Sat, 21 Nov 2026 15:38:50", "Sat, 21 Foo 2026 15:38:50 GMT", "a b Nov c d GMT"] {
            #expect(HostCheck.instant(text) == nil)
        }
    }

    @Test(
        "says when sshd would not believe the type of a signing key",
        arguments: [
            ("ecdsa-sha2-nistp256 AAAA x\n", "ssh-ed25519,rsa-sha2-512", false),
            ("ecdsa-sha2-nistp256 AAAA x\nssh-ed25519 AAAA y\n", "ssh-ed25519,ecdsa-sha2-nistp256", true),
            ("ssh-rsa AAAA\n", "ssh-ed25519,rsa-sha2-256", true), ("ssh-rsa AAAA\n", "ssh-ed25519", false),
            ("", "ssh-ed25519", true),
        ]
    )
    func authorities(_ keys: String, _ believed: String, _ isGood: Bool) {
        #expect(HostCheck.authorities(keys, ["casignaturealgorithms": believed]).isGood == isGood)
        #expect(HostCheck.authorities(keys, [:]).isGood)
    }
}
