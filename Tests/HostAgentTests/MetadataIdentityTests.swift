import AgentWire
import Client
import Logging
import NIOPosix
import Synchronization
import Testing
import Vocabulary

@testable import HostAgent

@Suite("Metadata service of a machine outside the cloud")
struct ConnectedMetadataTests {
    private let root = TemporaryRoot()

    private final class Clock: Sendable {
        private let instant = Mutex(Instant(seconds: 1_700_000_000))
        var source: TimeSource { TimeSource { self.instant.withLock { $0 } } }
        func turn(_ duration: Duration) { self.instant.withLock { $0 = $0 + duration } }
    }

    private let clock = Clock()

    private func files() async -> ChallengeFiles {
        let files = ChallengeFiles(
            layout: self.root.layout,
            time: self.clock.source,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        await files.prepare()
        return files
    }

    private func secret(_ answer: MetadataAnswer) throws -> String {
        let realm = try #require(answer.challenge?.split(separator: "=" as Character).last)
        return try #require(HostFile.text(self.root.layout.path(String(realm))))
    }

    @Test("names a file that only its owner and group may read, in the way that SDKs take apart")
    func challenge() async throws {
        let answer = await self.files().challenge()
        #expect(answer.status == 401)
        let challenge = try #require(answer.challenge)
        #expect(challenge.hasPrefix("Basic realm=/var/opt/azcmagent/tokens/") && challenge.hasSuffix(".key"))
        #expect(challenge.count { $0 == "=" } == 1)
        let path = self.root.layout.path(String(challenge.dropFirst("Basic realm=".count)))
        #expect(try #require(HostFile.attributes(path)).mode & 0o337 == 0)
    }

    @Test("takes a secret once")
    func once() async throws {
        let files = await self.files()
        let secret = try self.secret(await files.challenge())
        #expect(await files.accept("Basic \(secret)"))
        #expect(await !files.accept("Basic \(secret)"))
        #expect(HostFile.names(in: self.root.layout.challengeDirectory).isEmpty)
    }

    @Test("takes no other secret, scheme or half of one", arguments: ["Basic x", "Bearer ", "Basic ", "", "Basic"])
    func others(_ header: String) async throws {
        let files = await self.files()
        let secret = try self.secret(await files.challenge())
        #expect(await !files.accept(header.hasPrefix("Bearer") ? header + secret : header))
        #expect(await !files.accept("Basic \(secret.dropLast())"))
        #expect(await files.accept("basic \(secret)"))
    }

    @Test("takes no secret after a minute")
    func late() async throws {
        let files = await self.files()
        let secret = try self.secret(await files.challenge())
        self.clock.turn(.seconds(60))
        #expect(await !files.accept("Basic \(secret)"))
    }

    @Test("keeps at most sixty-four files, and none at the end")
    func bound() async {
        let files = await self.files()
        for _ in 0..<100 { _ = await files.challenge() }
        #expect(HostFile.names(in: self.root.layout.challengeDirectory).count == 64)
        await files.close()
        #expect(HostFile.names(in: self.root.layout.challengeDirectory).isEmpty)
    }

    @Test("takes away what an earlier run left")
    func leftovers() async throws {
        try self.root.write("/var/opt/azcmagent/tokens/old.key", "x")
        _ = await self.files()
        #expect(HostFile.names(in: self.root.layout.challengeDirectory).isEmpty)
    }

    @Test("asks for a proof before a token, and tells less of the machine")
    func service() async throws {
        let told = ToldConfiguration(
            HostConfiguration(caKeys: [], loginEnabled: true, compute: ["name": "m1", "vmSize": "big"])
        )
        let identity = AgentConfiguration.Identity(
            hostId: .zero,
            tenantId: .zero,
            resourceId: "/x",
            controlPath: "/c"
        )
        let server = try HostServer(
            AgentConfiguration(server: "http://127.0.0.1:1", caFile: nil, identity: identity),
            identity: MachineIdentity(),
            group: MultiThreadedEventLoopGroup.singleton
        )
        let files = await self.files()
        let service = MetadataService(
            tenant: .zero,
            told: told,
            tokens: MachineTokens(server: server, time: .system),
            manner: .connected(files)
        )
        func ask(_ target: String, _ authorization: String? = nil) async -> MetadataAnswer {
            await service.answer(
                MetadataRequest(
                    method: "GET",
                    target: target,
                    metadata: "true",
                    isForwarded: false,
                    authorization: authorization
                )
            )
        }
        let token = "/metadata/identity/oauth2/token?api-version=2020-06-01&resource=x"
        let first = await ask(token)
        #expect(first.status == 401)
        // The proof is good; that there is no server is another matter.
        #expect(await ask(token, "Basic \(try self.secret(first))").status == 500)
        #expect(await ask(token, "Basic nonsense").status == 401)
        let compute = await ask("/metadata/instance/compute?api-version=2020-06-01")
        let text = String(decoding: compute.body, as: UTF8.self)
        #expect(text.contains(#""name":"m1""#) && !text.contains("vmSize"))
    }

    @Test("tells shells and systemd, and takes it back")
    func environment() throws {
        try self.root.write("/etc/profile.d/x", "")
        try self.root.write("/etc/systemd/x", "")
        let environment = IdentityEnvironment(layout: self.root.layout)
        try environment.write()
        let profile = try #require(HostFile.text(self.root.layout.identityProfile))
        #expect(profile.contains("export IMDS_ENDPOINT=http://localhost:40342\n"))
        #expect(HostFile.text(self.root.layout.identityUnitDefaults)?.contains("DefaultEnvironment=\"IDENTITY") == true)
        try environment.remove()
        #expect(HostFile.names(in: self.root.layout.path("/etc/profile.d")) == ["x"])
    }
}

@Suite("How often the metadata service answers")
struct RequestRateTests {
    @Test("lets a burst through, then as many as its rate, each category for itself")
    func rate() {
        let now = Mutex(Instant(seconds: 1))
        let rate = RequestRate(time: TimeSource { now.withLock { $0 } })
        #expect((0..<120).allSatisfy { _ in rate.allows(.other) })
        #expect(!rate.allows(.other))
        #expect(rate.allows(.identity))
        now.withLock { $0 = $0 + .seconds(1) }
        #expect((0..<5).allSatisfy { _ in rate.allows(.other) })
        #expect(!rate.allows(.other))
    }
}

@Suite("Metadata requests")
struct MetadataRequestTests {
    @Test("reads a form like a query, and refuses what is given in both")
    func form() {
        let request = MetadataRequest(
            method: "POST",
            target: "/metadata/identity/oauth2/token?api-version=2018-02-01",
            metadata: "true",
            isForwarded: false,
            form: "resource=https%3A%2F%2Fvault"
        )
        #expect(request.value("resource") == "https://vault")
        #expect(request.value("api-version") == "2018-02-01")
        let twice = MetadataRequest(
            method: "POST",
            target: "/metadata/identity/oauth2/token?api-version=2018-02-01",
            metadata: "true",
            isForwarded: false,
            form: "api-version=2018-02-01"
        )
        #expect(twice.query == nil)
    }
}
