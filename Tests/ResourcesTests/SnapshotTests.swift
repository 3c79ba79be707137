import AccessControl
import Testing
import Vocabulary

@testable import Resources

@Suite("Sorted keys")
struct SortedKeysTests {
    // Deterministic, and in no order.
    static let texts = (0..<3000).map { "/k\($0 &* 7919 % 3001)" }

    static func filled() -> SortedKeys {
        var keys = SortedKeys()
        for text in Self.texts { keys.insert(text) }
        return keys
    }

    @Test("hold each text once, in order, in runs of bounded length")
    func order() {
        var keys = Self.filled()
        for text in Self.texts.prefix(100) { keys.insert(text) }
        #expect(Array(keys) == Set(Self.texts).sorted())
        #expect(keys.count == Set(Self.texts).count)
        #expect(keys.runs.allSatisfy { (1..<SortedKeys.longestRun).contains($0.count) })
    }

    @Test("leave full runs behind when they come in order")
    func loading() {
        var keys = SortedKeys()
        for text in Self.texts.sorted() { keys.insert(text) }
        #expect(keys.runs.count <= Self.texts.count / (SortedKeys.longestRun - 1) + 1)
    }

    @Test("forget what is taken out, and nothing else")
    func removal() {
        var keys = Self.filled()
        for text in Self.texts.dropFirst(10) { keys.remove(text) }
        keys.remove("/unknown")
        #expect(Array(keys) == Set(Self.texts.prefix(10)).subtracting(Self.texts.dropFirst(10)).sorted())
        for text in Self.texts { keys.remove(text) }
        #expect(keys.isEmpty && keys.count == 0)
    }

    @Test("give the part between two texts")
    func stretch() {
        let keys = Self.filled()
        let expected = Set(Self.texts).sorted().filter { $0 >= "/k15" && $0 < "/k2" }
        #expect(Array(keys.from("/k15", to: "/k2")) == expected)
        #expect(Array(keys.from("/l", to: nil)).isEmpty)
        #expect(Array(keys.from("", to: nil)).count == keys.count)
    }

    @Test("share all runs but one with an older copy")
    func sharing() {
        let old = Self.filled()
        var new = old
        new.insert("/k1500x")
        let storage = { (keys: SortedKeys) in
            Set(keys.runs.map { $0.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) } })
        }
        #expect(storage(new).subtracting(storage(old)).count == 1)
    }
}

@Suite("A snapshot of resources")
struct SnapshotTests {
    private static func snapshot(_ groups: [String]) throws -> Snapshot {
        var snapshot = Snapshot()
        for group in groups {
            let path = try #require(
                ResourcePath("/subscriptions/5a11b0a7-0000-4000-8000-000000000002/resourceGroups/\(group)")
            )
            let time = Instant(seconds: 0)
            snapshot.put(
                Resource(path: path, type: "Microsoft.Resources/resourceGroups", createdAt: time, changedAt: time),
                of: .resourceGroup
            )
            let address = path.appending("providers", "Microsoft.Network", "publicIPAddresses", "ip")
            snapshot.put(
                Resource(path: address, type: "Microsoft.Network/publicIPAddresses", createdAt: time, changedAt: time),
                of: .publicIPAddress
            )
        }
        return snapshot
    }

    private static func group(_ name: String) throws -> ResourcePath {
        try #require(ResourcePath("/subscriptions/5a11b0a7-0000-4000-8000-000000000002/resourceGroups/\(name)"))
    }

    @Test(
        "lists several scopes in the order of their paths, also where a name goes on with a character before the slash"
    )
    func scopes() throws {
        let snapshot = try Self.snapshot(["app", "app-1", "app2", "zoo"])
        let keys = Array(snapshot.keys(type: nil, below: [try Self.group("app-1"), try Self.group("app")]))
        #expect(keys.count == 4)
        #expect(keys == keys.sorted())
        let names = snapshot.list(type: "Microsoft.Resources/resourceGroups", below: try Self.group("app")).map(\.name)
        #expect(names == ["app"])
    }

    @Test("goes on after a key, in whichever of the scopes that lies")
    func paging() throws {
        let snapshot = try Self.snapshot(["app", "app-1", "zoo"])
        let scopes = [try Self.group("zoo"), try Self.group("app"), try Self.group("app-1")]
        let all = Array(snapshot.keys(type: nil, below: scopes))
        #expect(all.count == 6)
        for (index, key) in all.enumerated() {
            #expect(Array(snapshot.keys(type: nil, below: scopes, after: key)) == Array(all[(index + 1)...]))
        }
    }
}
