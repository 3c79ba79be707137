import Testing
import Vocabulary

@testable import Server

@Suite("Certificates in desktops' names")
struct DesktopCertificateTests {
    private let now = Instant(seconds: 1_790_000_000)

    private func source(_ directory: TemporaryDirectory) throws -> DesktopCertificates {
        let data = directory.path + "/data"
        try PrivateFiles.makeDirectory(data)
        _ = try TLSFiles.prepare(in: data + "/tls", names: ["localhost"], at: self.now)
        return DesktopCertificates(try ServerConfiguration(flags: [.data: data], environment: [:], file: [:]))
    }

    @Test("are issued by the private CA, under the name and its first part")
    func issued() throws {
        let directory = try TemporaryDirectory()
        _ = try self.source(directory)
        let tls = directory.path + "/data/tls"
        let made = try TLSFiles.issue(names: ["desk.corp.example", "desk"], in: tls, at: self.now)
        #expect(made.chain.hasSuffix(try PrivateFiles.required(tls + "/ca.pem")))
        #expect(made.chain.hasPrefix("-----BEGIN CERTIFICATE-----"))
        #expect(made.key.contains("PRIVATE KEY"))
    }

    @Test("are kept for an hour, whatever the letter case")
    func kept() throws {
        let directory = try TemporaryDirectory()
        let source = try self.source(directory)
        let first = try source.context(for: "desk", at: self.now)
        #expect(try source.context(for: "DESK", at: self.now + .seconds(3599)) === first)
        #expect(try source.context(for: "desk", at: self.now + .seconds(3600)) !== first)
        #expect(try source.context(for: "other", at: self.now) !== first)
    }

    @Test("are made also for a machine that calls itself strange things")
    func strangeName() throws {
        let directory = try TemporaryDirectory()
        _ = try self.source(directory).context(for: "dé sk\n\"/../", at: self.now)
    }
}
