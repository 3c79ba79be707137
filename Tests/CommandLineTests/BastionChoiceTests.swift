@testable import Client
@testable import CommandLine
import Testing
import Vocabulary

@Suite("BastionChoice")
struct BastionChoiceTests {
    private static let here = "/networks/here"
    private static let near = "/networks/near"
    private static let far = "/networks/far"

    private static func choose(
        _ all: [Bastion],
        _ preferred: String?,
        networks: [String] = [here],
        peered: [String] = []
    ) -> BastionChoice? {
        BastionChoice(
            from: all,
            preferring: preferred,
            for: "myVM",
            networks: networks.compactMap { ResourcePath($0) },
            peered: peered.compactMap { ResourcePath($0) }
        )
    }

    private static func three() throws -> [Bastion] {
        [
            try DesktopTests.bastion("far", network: Self.far), try DesktopTests.bastion("near", network: Self.near),
            try DesktopTests.bastion("here", network: "/Networks/HERE"),
        ]
    }

    @Test("takes the one in the machine's network although the environment names another, and says so")
    func own() throws {
        let choice = try #require(Self.choose(Self.three(), "far"))
        #expect(choice.bastion.path.name == "here")
        #expect(choice.note?.contains("'far'") == true)
    }

    @Test("says nothing when the environment names the right one, in any letter case")
    func agreed() throws {
        let choice = try #require(Self.choose(Self.three(), "HERE"))
        #expect(choice.bastion.path.name == "here")
        #expect(choice.note == nil)
    }

    @Test("takes one in a peered network where the machine's own has none")
    func peered() throws {
        let bastions = Array(try Self.three().dropLast())
        let choice = try #require(Self.choose(bastions, nil, peered: [Self.near]))
        #expect(choice.bastion.path.name == "near")
        #expect(choice.note == nil)
    }

    @Test("lets the environment decide among peered ones")
    func preferredPeer() throws {
        let bastions = [
            try DesktopTests.bastion("one", network: Self.near), try DesktopTests.bastion("two", network: Self.far),
        ]
        let choice = try #require(Self.choose(bastions, "two", peered: [Self.near, Self.far]))
        #expect(choice.bastion.path.name == "two")
        #expect(choice.note == nil)
    }

    @Test("tries the one the environment names when none leads there, and says that none does")
    func none() throws {
        let choice = try #require(Self.choose(Array(try Self.three().dropLast()), "near"))
        #expect(choice.bastion.path.name == "near")
        #expect(choice.note?.contains("No bastion host") == true)
    }

    @Test("follows the environment without a word where the networks cannot be read")
    func unreadable() throws {
        let choice = try #require(Self.choose(Self.three(), "near", networks: []))
        #expect(choice.bastion.path.name == "near")
        #expect(choice.note == nil)
    }

    @Test("goes on with the only one when the environment names one that is not there")
    func gone() throws {
        let choice = try #require(Self.choose([DesktopTests.bastion("here", network: Self.here)], "old", networks: []))
        #expect(choice.bastion.path.name == "here")
        #expect(choice.note?.contains("may not see") == true)
    }

    @Test("chooses nothing from nothing")
    func empty() {
        #expect(Self.choose([], "x") == nil)
    }
}
