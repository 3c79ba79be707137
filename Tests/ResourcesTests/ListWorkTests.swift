import AccessControl
import Resources
import Synchronization
import Testing
import Vocabulary

@Suite("How much a list looks at")
struct ListWorkTests {
    private static let type = "Microsoft.Network/publicIPAddresses"

    private static func world(addresses: Int) async throws -> ResourceWorld {
        let world = try await ResourceWorld()
        let wishes = (0..<addresses).map { number in
            ResourceWish(
                ResourceWorld.path("\(ResourceWorld.network)/publicIPAddresses/ip\(number)"),
                [
                    "location": "local", "sku": ["name": "Standard"],
                    "properties": ["publicIPAllocationMethod": "Static"],
                ]
            )
        }
        try await world.resources.putAll(wishes, by: .system)
        return world
    }

    @Test("is what somebody may read, however much there is besides")
    func few() async throws {
        let world = try await Self.world(addresses: 600)
        for number in [7, 300] {
            let scope = "\(ResourceWorld.network)/publicIPAddresses/ip\(number)"
            try await world.assign("Reader", to: world.stranger, at: scope)
        }
        for type in [Self.type, nil] {
            let seen = Mutex(0)
            let page = try world.resources.page(
                type: type,
                below: ResourceWorld.path(ResourceWorld.subscription),
                after: nil,
                limit: 100,
                for: world.stranger
            ) { _ in
                seen.withLock { $0 += 1 }
                return true
            }
            #expect(page.resources.map(\.name) == ["ip300", "ip7"])
            #expect(!page.hasMore)
            #expect(seen.withLock { $0 } == 2)
        }
    }

    @Test("is one page and the element after it for somebody who may read everything")
    func everything() async throws {
        let world = try await Self.world(addresses: 600)
        let seen = Mutex(0)
        let page = try world.resources.page(
            type: Self.type,
            below: ResourceWorld.path(ResourceWorld.group),
            after: nil,
            limit: 100,
            for: world.reader
        ) { _ in
            seen.withLock { $0 += 1 }
            return true
        }
        #expect(page.resources.count == 100 && page.hasMore)
        #expect(seen.withLock { $0 } == 101)
    }
}
