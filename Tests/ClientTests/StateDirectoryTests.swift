@testable import Client
import FoundationEssentials
import Testing
import Vocabulary

@Suite("StateDirectory")
struct StateDirectoryTests {
    /// A directory that goes away with its owner.
    final class Scratch: Sendable {
        let path = FileManager.default.temporaryDirectory.path + "/sally-state-" + GUID(from: .system).description

        init() throws {
            try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: self.path) }
    }

    private func mode(_ path: String) throws -> Int {
        let value = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
        return (value as? Int) ?? (value as? UInt16).map { Int($0) } ?? -1
    }

    private func setMode(_ path: String, _ mode: Int) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    @Test("is made for its owner alone, with the directories above it")
    func made() throws {
        let scratch = try Scratch()
        let state = try StateDirectory(environment: ["SALLY_CONFIG_DIR": scratch.path + "/a/b"])
        #expect(state.path == scratch.path + "/a/b")
        #expect(try self.mode(state.path) == 0o700)
        #expect(try self.mode(state.directory("run")) == 0o700)
        _ = try StateDirectory(environment: ["SALLY_CONFIG_DIR": scratch.path + "/a/b"])
    }

    @Test("is .sally in the home directory unless told otherwise")
    func home() throws {
        let scratch = try Scratch()
        #expect(
            try StateDirectory(environment: ["HOME": scratch.path, "SALLY_CONFIG_DIR": ""]).path == scratch.path
                + "/.sally"
        )
        #expect(throws: Problem("StateDirectory", shown: "")) { try StateDirectory(environment: [:]) }
    }

    @Test("a relative name means the same from every directory")
    func relative() {
        #expect(StateDirectory.absolute("a/b") == FileManager.default.currentDirectoryPath + "/a/b")
        #expect(StateDirectory.absolute("/a/b") == "/a/b")
    }

    @Test("a directory that others may enter is refused", arguments: [0o755, 0o750, 0o701, 0o777])
    func open(mode: Int) throws {
        let scratch = try Scratch()
        try self.setMode(scratch.path, mode)
        #expect(throws: Problem("StateDirectory", shown: "")) {
            try StateDirectory(environment: ["SALLY_CONFIG_DIR": scratch.path])
        }
    }

    @Test("a file or a link in its place is refused")
    func notADirectory() throws {
        let scratch = try Scratch()
        try Data().write(to: URL(filePath: scratch.path + "/file"))
        try FileManager.default.createSymbolicLink(atPath: scratch.path + "/link", withDestinationPath: scratch.path)
        for name in ["file", "link"] {
            #expect(throws: Problem("StateDirectory", shown: "")) {
                try StateDirectory(environment: ["SALLY_CONFIG_DIR": scratch.path + "/" + name])
            }
        }
    }

    @Test("files are for the owner alone, replaced whole, with nothing left beside them")
    func writes() throws {
        let scratch = try Scratch()
        let state = try StateDirectory(environment: ["SALLY_CONFIG_DIR": scratch.path + "/s"])
        try Data("old".utf8).write(to: URL(filePath: state.path + "/x.json"))
        try self.setMode(state.path + "/x.json", 0o644)
        try state.write(["a": 1] as JSONValue, to: "x.json")
        #expect(try self.mode(state.path + "/x.json") == 0o600)
        #expect(try state.read(JSONValue.self, from: "x.json") == ["a": 1])
        #expect(try FileManager.default.contentsOfDirectory(atPath: state.path) == ["x.json"])
    }

    @Test("a link is followed when it is written through, and stays a link")
    func link() throws {
        let scratch = try Scratch()
        let state = try StateDirectory(environment: ["SALLY_CONFIG_DIR": scratch.path + "/s"])
        let (file, link) = (scratch.path + "/real", scratch.path + "/config")
        try Data("old".utf8).write(to: URL(filePath: file))
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
        try state.write(Array("new".utf8), toFile: link)
        #expect(String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self) == "new")
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == file)
    }

    @Test("what is missing reads as nil, what is damaged is a problem that says what to do")
    func damaged() throws {
        let scratch = try Scratch()
        let state = try StateDirectory(environment: ["SALLY_CONFIG_DIR": scratch.path + "/s"])
        #expect(try state.read(Account.self, from: Account.file) == nil)
        try Data("{".utf8).write(to: URL(filePath: state.path + "/" + Account.file))
        #expect(throws: Problem("StateDirectory", shown: "")) { try state.read(Account.self, from: Account.file) }
    }

    @Test("a file that cannot be written is a problem, and leaves nothing behind")
    func unwritable() throws {
        let scratch = try Scratch()
        let state = try StateDirectory(environment: ["SALLY_CONFIG_DIR": scratch.path + "/s"])
        #expect(throws: Problem("StateDirectory", shown: "")) { try state.write([1], toFile: "/nonexistent/x") }
        #expect(throws: Problem("StateDirectory", shown: "")) { try state.write([1], toFile: scratch.path) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["s"])
    }

    @Test("an account comes back as it was written")
    func account() throws {
        let scratch = try Scratch()
        let state = try StateDirectory(environment: ["SALLY_CONFIG_DIR": scratch.path + "/s"])
        var account = Account(
            url: "https://h",
            authorityFile: "/ca",
            tenantID: .zero,
            kind: .servicePrincipal,
            name: "n"
        )
        account.clientSecret = "s"
        account.tokens["scope"] = AccessToken(token: "t", expiresAt: Instant(seconds: 5))
        account.subscriptions = [SubscriptionSummary(id: .zero, name: "Demo")]
        try state.write(account, to: Account.file)
        let again = try #require(try state.read(Account.self, from: Account.file))
        #expect(try JSONText.encode(again) == JSONText.encode(account))
    }
}
