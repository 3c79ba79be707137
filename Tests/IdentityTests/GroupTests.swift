import Identity
import Testing
import Vocabulary

struct GroupTests {
    @Test("knows members through other groups, also around a circle")
    func isTransitive() async throws {
        let world = try await DirectoryWorld()
        let directory = world.directory
        let alice = try await world.user("alice").id
        let bob = try await world.user("bob").id
        let inner = try await world.group("inner", [alice])
        let middle = try await world.group("middle", [inner, bob])
        let outer = try await world.group("outer", [middle])
        try await directory.add(member: outer, to: inner)
        #expect(try await directory.groups(of: alice) == [inner, middle, outer])
        #expect(try await directory.groups(of: bob) == [inner, middle, outer])
        #expect(try await directory.usersIn(groups: [outer]) == [alice, bob])
        #expect(try await directory.usersIn(groups: []) == [])
        #expect(try await directory.subject(alice)?.groups == [inner, middle, outer])
        #expect(try await directory.directGroups(of: alice).map(\.id) == [inner])
        #expect(Set(try await directory.members(of: middle).map(\.id)) == [inner, bob])
    }

    @Test("takes a lost membership into account at once", arguments: [true, false])
    func forgetsMemberships(direct: Bool) async throws {
        let world = try await DirectoryWorld()
        let directory = world.directory
        let alice = try await world.user("alice").id
        let inner = try await world.group("inner", [alice])
        let outer = try await world.group("outer", [inner])
        #expect(try await directory.subject(alice)?.groups == [inner, outer])
        if direct {
            try await directory.remove(member: alice, from: inner)
            #expect(try await directory.subject(alice)?.groups == [])
        } else {
            try await directory.delete(outer)
            #expect(try await directory.subject(alice)?.groups == [inner])
        }
    }

    @Test("gives two groups of one name different numbers, and does not guess which is meant")
    func separatesNamesakes() async throws {
        let world = try await DirectoryWorld()
        let one = try await world.directory.put(group: GroupDraft(id: GUID(high: 7, low: 1), displayName: "Ops")).value
        let two = try await world.directory.put(group: GroupDraft(id: GUID(high: 7, low: 2), displayName: "ops")).value
        #expect(one.unixID != two.unixID)
        #expect(try await world.directory.groups(named: "OPS").count == 2)
        await #expect(throws: Problem.badRequest) {
            try await world.directory.put(group: GroupDraft(displayName: "Ops"))
        }
    }

    @Test("says who joined and who left, and publishes it")
    func setsMembers() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("alice").id
        let bob = try await world.user("bob").id
        let group = try await world.group("g", [alice])
        _ = world.published()
        let change = try await world.directory.setMembers(of: group, to: [bob])
        #expect(change.added == [bob] && change.removed == [alice])
        #expect(Set(world.published()) == [.group(group), .user(alice), .user(bob)])
        #expect(try await !world.directory.setMembers(of: group, to: [bob]).isChange)
        #expect(world.published().isEmpty)
        #expect(try await world.actions().suffix(2) == ["groupMember.add", "groupMember.remove"])
    }

    @Test("refuses unknown members, unknown groups, and a group in itself; a refusal changes nothing")
    func refusesStrangers() async throws {
        let world = try await DirectoryWorld()
        let alice = try await world.user("alice").id
        let group = try await world.group("g", [alice])
        await #expect(throws: Problem.notFound) {
            try await world.directory.setMembers(of: group, to: [GUID(high: 9, low: 9)])
        }
        await #expect(throws: Problem.badRequest) { try await world.directory.add(member: group, to: group) }
        await #expect(throws: Problem.notFound) { try await world.directory.setMembers(of: alice, to: []) }
        #expect(try await world.directory.members(of: group).map(\.id) == [alice])
    }

    @Test("finds groups and changes only what differs")
    func putsAndFinds() async throws {
        let world = try await DirectoryWorld()
        let draft = GroupDraft(displayName: "Operators", description: "on call")
        let group = try await world.directory.put(group: draft).value
        #expect(try await !world.directory.put(group: draft).isChange)
        #expect(try await world.directory.put(group: GroupDraft(displayName: "operators")).changed == ["displayName"])
        let found = try await world.directory.groups(DirectoryQuery(.init(.displayName, .startsWith, "oper")))
        #expect(found.values.map(\.id) == [group.id])
        #expect(found.values.first?.description == "on call")
        #expect(try await world.directory.groups(DirectoryQuery()).values.count == 1)
        #expect(
            try await world.directory.groups(DirectoryQuery(.init(.id, .equals, group.id.description))).values.count
                == 1
        )
    }
}
