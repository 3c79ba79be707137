import HTTPTypes
import TestKit
import Testing
import Vocabulary

@testable import ResourceRoutes

@Suite("Lists")
struct ListTests {
    private func world(_ count: Int) async throws -> RouteWorld {
        let world = try await RouteWorld()
        for number in 0..<count {
            _ = try await world.send(
                .put,
                "\(RouteWorld.network)/publicIPAddresses/ip\(number)",
                ["location": "local", "tags": ["n": .string("\(number % 2)")], "properties": [:]]
            )
        }
        return world
    }

    private static let list = "\(RouteWorld.network)/publicIPAddresses"

    @Test("are read page by page, each thing once")
    func paging() async throws {
        let world = try await self.world(5)
        var address: String? = "\(Self.list)?$top=2&api-version=2024-11-01"
        var names: [String] = []
        var pages = 0
        while let next = address, pages < 10 {
            let answer = try await world.sendExactly(.get, next.replacing("https://localhost:8443", with: ""))
            names += (answer.document["value"]?.array ?? []).compactMap { $0["name"]?.string }
            address = answer.document["nextLink"]?.string
            pages += 1
        }
        #expect(names == ["ip0", "ip1", "ip2", "ip3", "ip4"])
        #expect(pages == 3)
    }

    @Test("go on where they were although what stood there is gone")
    func removedBetween() async throws {
        let world = try await self.world(3)
        let first = try await world.send(.get, "\(Self.list)?$top=1&api-version=2024-11-01")
        _ = try await world.send(.delete, "\(Self.list)/ip0")
        let next = try #require(first.document["nextLink"]?.string)
        let second = try await world.send(.get, next)
        #expect(second.document["value"]?.array?.first?["name"] == "ip1")
    }

    @Test("refuse a token of another list, a broken one, and a page of nothing")
    func tokens() async throws {
        let world = try await self.world(3)
        let first = try await world.send(.get, "\(Self.list)?$top=1&api-version=2024-11-01")
        let next = try #require(first.document["nextLink"]?.string)
        let token = try #require(next.split(separator: "skiptoken=").last.map { $0.prefix { $0 != "&" } })
        for query in [
            "\(RouteWorld.group)/resources?$skiptoken=\(token)", "\(Self.list)?$skiptoken=AAAA",
            "\(Self.list)?$skiptoken=\(token)x", "\(RouteWorld.network)/virtualNetworks?$skiptoken=\(token)",
        ] {
            #expect(try await world.send(.get, query + "&api-version=2024-11-01").code == "InvalidSkipToken")
        }
        #expect(try await world.send(.get, "\(Self.list)?$top=0&api-version=2024-11-01").code == "InvalidTop")
    }

    @Test("hide nothing and show nothing more for any token")
    func tokenFuzz() throws {
        let random = SeededRandom()
        let tokens = SkipToken(query: ["/subscriptions/s", "name eq 'a'"])
        #expect(try tokens.read(tokens.write(after: "/a/b")) == "/a/b")
        #expect(throws: Problem.self) {
            try SkipToken(query: ["/subscriptions/s", ""]).read(tokens.write(after: "/a"))
        }
        for round in 0..<5000 {
            let text = Base64URL.encode(random.source.bytes(round % 40))
            #expect(throws: Problem.self) { try tokens.read(text) }
        }
    }

    @Test("can be filtered by tag, and then say no tags; groups by tag alone")
    func tags() async throws {
        let world = try await self.world(4)
        let filter = "$filter=tagName%20eq%20'N'%20and%20tagValue%20eq%20'1'&api-version=2024-11-01"
        let found = try await world.send(.get, "\(RouteWorld.subscription)/resources?\(filter)")
        let values = found.document["value"]?.array ?? []
        #expect(values.compactMap { $0["name"]?.string } == ["ip1", "ip3"])
        #expect(values.allSatisfy { $0["tags"] == nil })
        let groups = "\(RouteWorld.subscription)/resourcegroups"
        #expect(try await world.send(.get, "\(groups)?\(filter)").document["value"] == [])
        let byName = try await world.send(.get, "\(groups)?$filter=name%20eq%20'demo'&api-version=2024-11-01")
        #expect(byName.code == "InvalidFilterInQueryString")
    }

    @Test("never take down the reader of filters")
    func filterFuzz() {
        let words = [
            "name", "eq", "ne", "and", "or", "(", ")", "'a'", "''", "'", ",", "substringof", "startswith", "tagName",
            "tagValue", "location", "identity/principalId", "plan", "$", "\u{0}", "é", "resourceType", " ",
        ]
        let random = SeededRandom()
        var read = 0
        for round in 0..<20_000 {
            let text = random.source.bytes(1 + round % 14).map { words[Int($0) % words.count] }.joined(separator: " ")
            if (try? ResourceFilter(text)) != nil { read += 1 }
        }
        #expect(read > 0)
        let deep = String(repeating: "(", count: 180) + "name eq 'a'" + String(repeating: ")", count: 180)
        #expect((try? ResourceFilter(deep)) == nil)
    }
}
