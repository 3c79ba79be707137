import AccessControl
import Resources
import Testing
import Vocabulary

@Suite("Tags by themselves")
struct TagTests {
    private let group = ResourceWorld.path(ResourceWorld.group)

    @Test("are replaced, merged and deleted, with names in any letter case")
    func changes() async throws {
        let world = try await ResourceWorld()
        let owner = ChangeAuthor.subject(world.owner)
        func change(_ change: TagChange, _ tags: JSONValue) async throws -> [String: String] {
            try await world.resources.changeTags(at: self.group, change, tags, by: owner)
        }
        #expect(try await change(.replace, ["Team": "a", "cost": "1"]) == ["Team": "a", "cost": "1"])
        #expect(try await change(.merge, ["team": "b"]) == ["team": "b", "cost": "1"])
        #expect(try await change(.delete, ["COST": "2"]) == ["team": "b", "cost": "1"])
        #expect(try await change(.delete, ["COST": "1"]) == ["team": "b"])
        try await world.resources.deleteTags(at: self.group, by: owner)
        #expect(try world.resources.tags(at: self.group, for: world.owner).isEmpty)
    }

    @Test("need the right to write tags, and respect locks")
    func rights() async throws {
        let world = try await ResourceWorld()
        func set(_ subject: Subject) async -> String {
            await world.code {
                try await world.resources.changeTags(at: self.group, .replace, ["a": "b"], by: .subject(subject))
            }
        }
        #expect(await set(world.reader) == "AuthorizationFailed")
        try await world.assign("Contributor", to: world.reader, at: ResourceWorld.group)
        #expect(await set(world.reader) == "none")
        #expect(await set(world.stranger) == "SubscriptionNotFound")
        try await world.put(
            "\(ResourceWorld.group)/providers/Microsoft.Authorization/locks/l",
            ["properties": ["level": "ReadOnly"]]
        )
        #expect(await set(world.owner) == "ScopeLocked")
    }

    @Test("are at most fifty, on a subscription too, and not on what takes none")
    func limits() async throws {
        let world = try await ResourceWorld()
        let owner = ChangeAuthor.subject(world.owner)
        let many = JSONValue.object(Dictionary(uniqueKeysWithValues: (0..<50).map { ("t\($0)", .string("")) }))
        let subscription = ResourceWorld.path(ResourceWorld.subscription)
        try await world.resources.changeTags(at: subscription, .replace, many, by: owner)
        let code = await world.code {
            try await world.resources.changeTags(at: subscription, .merge, ["one": "more"], by: owner)
        }
        #expect(code == "InvalidTags")
        let network = try await world.network("net", "10.0.0.0/16", [("a", "10.0.0.0/24")])
        let subnet = ResourceWorld.path("\(network)/subnets/a")
        #expect(
            await world.code { try await world.resources.changeTags(at: subnet, .merge, ["a": "b"], by: owner) }
                == "OperationNotAllowed"
        )
    }
}
