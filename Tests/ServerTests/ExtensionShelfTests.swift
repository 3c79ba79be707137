import Foundation
import HTTPTypes
import Testing
import Vocabulary

@testable import Server

@Suite("Extensions of the Azure CLI that the operator provides")
struct ExtensionShelfTests {
    private let directory = "/tmp/sallyport-shelf-\(GUID(from: .system))"

    private func shelf(_ files: [String: String]) throws -> ExtensionShelf {
        try FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: true)
        for (name, text) in files {
            try Data(text.utf8).write(to: URL(filePath: "\(self.directory)/\(name)"))
        }
        return ExtensionShelf(directory: self.directory, origin: "https://b.example")
    }

    // sha256sum of "wheel".
    private static let digest = "ba59926159d2aa256eb8739b8da7e2b574b960e1202c6d624cbe981cef996c91"

    private func remove() { try? FileManager.default.removeItem(atPath: self.directory) }

    @Test("are in the index by name and version, with address and digest")
    func index() throws {
        defer { self.remove() }
        let index = try self.shelf(["ssh-2.0.6-py3-none-any.whl": "wheel"]).index()
        #expect(index["formatVersion"]?.string == "1")
        let entry = try #require(index["extensions"]?["ssh"]?.array?.first)
        #expect(entry["downloadUrl"]?.string == "https://b.example/extensions/ssh-2.0.6-py3-none-any.whl")
        #expect(entry["sha256Digest"]?.string == Self.digest)
        #expect(entry["metadata"]?["version"]?.string == "2.0.6")
    }

    @Test("have a new digest when the file is another")
    func changed() throws {
        defer { self.remove() }
        let shelf = try self.shelf(["ssh-2.0.6-py3-none-any.whl": "one"])
        let before = shelf.index()
        try Data("another".utf8).write(to: URL(filePath: "\(self.directory)/ssh-2.0.6-py3-none-any.whl"))
        #expect(shelf.index() != before)
    }

    @Test(
        "are wheels and nothing else",
        arguments: [
            "a.txt", "ssh.whl", "../x-1-py3-none-any.whl", "x-one-py3-none-any.whl", ".whl", "a b-1-py3-none-any.whl",
        ]
    )
    func others(_ file: String) {
        #expect(ExtensionShelf.Wheel(file: file) == nil)
    }

    @Test("are named with hyphens")
    func names() {
        #expect(ExtensionShelf.Wheel(file: "account_x-0.2.5-py2.py3-none-any.whl")?.name == "account-x")
    }

    @Test("are none without a directory, and links are not followed")
    func nothing() throws {
        #expect(ExtensionShelf(directory: "/nowhere", origin: "x").index()["extensions"]?.object?.isEmpty == true)
        defer { self.remove() }
        let shelf = try self.shelf([:])
        try FileManager.default.createSymbolicLink(
            atPath: "\(self.directory)/ssh-1-py3-none-any.whl",
            withDestinationPath: "/etc/passwd"
        )
        #expect(shelf.index()["extensions"]?.object?.isEmpty == true)
    }
}
