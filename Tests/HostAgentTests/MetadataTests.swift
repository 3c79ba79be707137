import AgentWire
import Client
import Logging
import NIOCore
import NIOPosix
import Testing
import Vocabulary

@testable import HostAgent

@Suite("Instance metadata")
struct MetadataTests {
    @Test("so many connections and no more, and those that end make room")
    func seats() async throws {
        // One loop, so that connections are counted in the order in which they came.
        let group = MultiThreadedEventLoopGroup.singleton.next()
        let server = try #require(
            await MetadataServer.start(
                "127.0.0.1:0",
                try self.service(),
                isConnected: false,
                layout: TemporaryRoot().layout,
                group: group,
                seats: MetadataSeats(most: 3),
                log: Logger(label: "test")
            )
        )
        let port = try #require(server.address.split(separator: ":").last.flatMap { Int($0) })
        func connect() async throws -> any Channel {
            try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port).get()
        }
        var sitting: [any Channel] = []
        for _ in 0..<3 { sitting.append(try await connect()) }
        try await connect().closeFuture.get()
        #expect(sitting.count { $0.isActive } == 3)
        for channel in sitting { try await channel.close() }
        await server.stop()
    }

    @Test("a seat that was given back is taken again")
    func seatsGivenBack() {
        let seats = MetadataSeats()
        let taken = (0..<200).count { _ in seats.take() }
        #expect(taken == 128)
        seats.leave()
        #expect(seats.take() && !seats.take())
    }

    private func service() throws -> MetadataService {
        let told = ToldConfiguration(
            HostConfiguration(caKeys: [], loginEnabled: true, compute: ["name": "vm1", "zone": 2, "tagsList": []])
        )
        let identity = AgentConfiguration.Identity(
            hostId: .zero,
            tenantId: GUID(high: 3, low: 3),
            resourceId: "/x",
            controlPath: "/c"
        )
        let configuration = AgentConfiguration(server: "http://127.0.0.1:1", caFile: nil, identity: identity)
        let server = try HostServer(
            configuration,
            identity: MachineIdentity(),
            group: MultiThreadedEventLoopGroup.singleton
        )
        return MetadataService(
            tenant: GUID(high: 3, low: 3),
            told: told,
            tokens: MachineTokens(server: server, time: .system)
        )
    }

    private func ask(
        _ target: String,
        metadata: String? = "true",
        method: String = "GET",
        forwarded: Bool = false
    ) async throws -> (status: Int, text: String) {
        let request = MetadataRequest(method: method, target: target, metadata: metadata, isForwarded: forwarded)
        let answer = await try self.service().answer(request)
        return (answer.status, String(decoding: answer.body, as: UTF8.self))
    }

    @Test("refuses a request without its header, or one that came through a proxy", arguments: [nil, "false", ""])
    func header(_ value: String?) async throws {
        let answer = try await self.ask("/metadata/identity/info?api-version=2018-02-01", metadata: value)
        #expect(answer.status == 400)
        #expect(answer.text.contains("Required metadata header not specified"))
        #expect(try await self.ask("/metadata/versions", forwarded: true).status == 400)
    }

    @Test("refuses other verbs, doubled parameters and broken escapes")
    func shape() async throws {
        #expect(try await self.ask("/metadata/versions", method: "POST").status == 405)
        let doubled = "/metadata/identity/info?api-version=2018-02-01&api-version=2019-02-01"
        #expect(try await self.ask(doubled).status == 400)
        #expect(try await self.ask("/metadata/identity/info?api-version=2018-02-01&x=%zz").status == 400)
    }

    @Test("tells the tenant")
    func info() async throws {
        let answer = try await self.ask("/metadata/identity/info?api-version=2018-02-01", metadata: "True")
        #expect(answer.text == #"{"tenantId":"00000000-0000-0003-0000-000000000003"}"#)
    }

    @Test("wants a version everywhere but at the list of versions")
    func version() async throws {
        let answer = try await self.ask("/metadata/instance")
        #expect(answer.status == 400 && answer.text.contains("newest-versions"))
        #expect(try await self.ask("/metadata/versions").text.contains("2021-02-01"))
    }

    @Test("gives every leaf as a string, and no key that is newer than the version")
    func document() async throws {
        let old = try await self.ask("/metadata/instance/compute?api-version=2017-08-01")
        #expect(old.text.contains(#""name":"vm1""#))
        #expect(!old.text.contains("zone") && !old.text.contains("resourceId"))
        let new = try await self.ask("/metadata/instance/compute?api-version=2021-02-01")
        #expect(new.text.contains(#""zone":"2""#) && new.text.contains(#""resourceId":"""#))
    }

    @Test("walks the tree: a leaf as text only, a listing for what holds more, 404 for what is not there")
    func walk() async throws {
        #expect(try await self.ask("/metadata/instance/compute/name?api-version=2021-02-01&format=text").text == "vm1")
        #expect(try await self.ask("/metadata/instance/compute/name?api-version=2021-02-01").status == 400)
        #expect(
            try await self.ask("/metadata/instance?api-version=2021-02-01&format=text").text == "compute/\nnetwork/"
        )
        #expect(try await self.ask("/metadata/instance/compute/nothing?api-version=2021-02-01").status == 404)
        #expect(try await self.ask("/metadata/other?api-version=2021-02-01").status == 404)
    }

    @Test("asks for a resource, and for one identity at most")
    func token() async throws {
        let base = "/metadata/identity/oauth2/token?api-version=2018-02-01"
        #expect(try await self.ask(base).text.contains("resource"))
        let two = try await self.ask(base + "&resource=x&client_id=x&object_id=y")
        #expect(two.status == 400 && two.text.contains("exclude each other"))
    }

    @Test("says in its own envelope that the server cannot be reached")
    func unreachable() async throws {
        let answer = try await self.ask("/metadata/identity/oauth2/token?api-version=2018-02-01&resource=x")
        #expect(answer.status == 500)
        #expect(answer.text.contains(#""error":"unknown""#))
    }

    @Test("decodes a query as browsers and SDKs write it")
    func query() {
        let request = MetadataRequest(
            method: "GET",
            target: "/metadata?Resource=https%3A%2F%2Fa+b&x",
            metadata: nil,
            isForwarded: false
        )
        #expect(request.value("resource") == "https://a b")
        #expect(request.value("x") == "")
    }
}

@Suite("Host facts")
struct HostFactsTests {
    @Test("reads os-release with and without quotes")
    func release() {
        let values = HostFacts.release("NAME=\"Debian GNU/Linux\"\nVERSION_ID='12'\nID=debian\n# x\n")
        #expect(values["NAME"] == "Debian GNU/Linux" && values["VERSION_ID"] == "12" && values["ID"] == "debian")
    }

    @Test("reads local accounts and passes over lines that are none")
    func passwd() {
        let local = LocalAccounts(passwd: "root:x:0:0:root:/root:/bin/sh\n#x\n+::::::\nBob:x:1000:1000:::\n")
        #expect(local.names == ["root", "bob"])
        #expect(local.numbers == [0, 1000])
    }

    @Test("waits longer each time, never twice the same, and never over half a minute")
    func pause() {
        var pause = ReconnectPause()
        let low = RandomSource { [UInt8](repeating: 0, count: $0) }
        let high = RandomSource { [UInt8](repeating: 255, count: $0) }
        #expect(pause.next(random: low) == .milliseconds(100))
        #expect(pause.next(random: high) == .seconds(1))
        for _ in 0..<20 { _ = pause.next(random: low) }
        #expect(pause.next(random: high) == .seconds(30))
    }
}
